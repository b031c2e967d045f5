//! What is wrong with a signature, before anything is done to it.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Error, FnArg};

use crate::errors::Errors;
use crate::function::{Body, Function};
use crate::future;
use crate::marks::{self, Mark};
use crate::neighbour;
use crate::options::Options;
use crate::parameter::{self, Parameter};

/// Where the attributes of a body go.
const SHIELD: &str = "`#[shield]` goes on a block, a `let` or an expression inside the body";
const CHECKPOINTS: &str =
    "`#[checkpoints]` goes on a block, a `let` or an expression inside the body";

/// Whoever has expanded a function did not know the attribute that is left on it by its name.
pub(crate) const EXPANDED: &str = "this function is annotated already, by the attribute of its block or by another one of \
    its own: import it as `with_context` for both, or remove one";

/// Whether a function comes out of the attribute.
pub(crate) fn is_expanded(function: &Function) -> bool {
    let Body::Parsed(block) = &function.body else {
        return false;
    };
    let written = matches!(Parameter::of(function), Parameter::Written);
    written
        && block
            .stmts
            .iter()
            .any(|stmt| names_ours(stmt.to_token_stream()))
}

/// Whether a name is there that only the attribute writes.
fn names_ours(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => names_ours(group.stream()),
        TokenTree::Ident(word) => matches!(word.to_string().as_str(), "__private" | "__body"),
        _ => false,
    })
}

/// Reports every mistake of a signature.
pub(crate) fn signature(function: &mut Function, options: &Options, errors: &mut Errors) {
    marks::refuse_second(&mut function.attrs, "function", errors);
    refuse_attributes_of_a_body(function, errors);
    if let Some(constness) = function.sig.constness.take() {
        errors.at(
            constness.span,
            "a `const fn` cannot take a context: remove the `const`",
        );
    }
    let sig = &function.sig;
    if let Some(name) = neighbour::moved_by(function) {
        let message =
            format!("write `#[with_context]` above `{name}`, which has already moved this body");
        errors.at(sig.ident.span(), message);
    }
    if let Some(span) = parameter::misplaced(sig) {
        let message = "`ctx` is the first parameter, after the receiver: put it there, or give this \
            one another name";
        errors.at(span, message);
    }
    match (Parameter::of(function), options.owned) {
        (Parameter::Written, Some(owned)) => errors.at(
            owned,
            "`owned` says how `ctx` is injected, and this function writes it: remove one of the two",
        ),
        (Parameter::Injected, None) => refuse_static_future(function, errors),
        _ => {}
    }
}

/// What marks a part of a body says nothing about a function or a parameter.
fn refuse_attributes_of_a_body(function: &mut Function, errors: &mut Errors) {
    refuse_marks(&mut function.attrs, errors, |mark| match mark {
        Mark::Shield => Some(SHIELD),
        Mark::Checkpoints => Some(
            "`#[checkpoints]` goes on a part of the body: for all of it, write \
             `#[with_context(checkpoints = race | between | none)]`",
        ),
        Mark::Value => Some("`#[value]` goes on a parameter of the annotated function"),
        Mark::WithContext => None,
    });
    for input in &mut function.sig.inputs {
        let attrs = match input {
            FnArg::Receiver(receiver) => &mut receiver.attrs,
            FnArg::Typed(typed) => &mut typed.attrs,
        };
        refuse_marks(attrs, errors, |mark| match mark {
            Mark::Shield => Some(SHIELD),
            Mark::Checkpoints => Some(CHECKPOINTS),
            Mark::Value | Mark::WithContext => None,
        });
    }
}

/// Takes our attributes off, and reports those for which there is a message.
fn refuse_marks(
    attrs: &mut Vec<Attribute>,
    errors: &mut Errors,
    message: fn(Mark) -> Option<&'static str>,
) {
    attrs.retain(|attr| {
        let Some(message) = Mark::of(attr).and_then(message) else {
            return true;
        };
        errors.at(marks::span(attr), message);
        false
    });
}

fn refuse_static_future(function: &mut Function, errors: &mut Errors) {
    if future::is_static(function) && neighbour::wrote_output(function) {
        let message = "write `#[with_context]` above the attribute that has already boxed this \
            function's future, which cannot borrow the context";
        errors.at(function.sig.ident.span(), message);
    } else if future::is_static(function) {
        let message = "the returned future cannot borrow the context: write `+ '_`, or \
            `#[with_context(owned)]`; under another attribute, write `#[with_context]` above it";
        errors.push(Error::new_spanned(&function.sig.output, message));
    }
}
