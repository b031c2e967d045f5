//! What is wrong with a signature, before anything is done to it.

use syn::Error;

use crate::errors::Errors;
use crate::function::Function;
use crate::future;
use crate::marks::{self, Mark};
use crate::neighbour;
use crate::options::Options;
use crate::parameter::{self, Parameter};

/// Reports every mistake of a signature.
pub(crate) fn signature(function: &mut Function, options: &Options, errors: &mut Errors) {
    refuse_second_attribute(function, errors);
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

/// A second `#[with_context]` on the same function would make every checkpoint twice.
fn refuse_second_attribute(function: &mut Function, errors: &mut Errors) {
    function.attrs.retain(|attr| {
        let second = Mark::of(attr) == Some(Mark::WithContext);
        if second {
            errors.at(
                marks::span(attr),
                "`#[with_context]` is on this function twice: remove one",
            );
        }
        !second
    });
}

fn refuse_static_future(function: &mut Function, errors: &mut Errors) {
    if future::is_static(function) {
        let message = "the returned future cannot borrow the context: write `+ '_`, or \
            `#[with_context(owned)]`; under another attribute, write `#[with_context]` above it";
        errors.push(Error::new_spanned(&function.sig.output, message));
    }
}
