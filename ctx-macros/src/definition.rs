//! A `macro_rules!` in the body, whose awaits stand where it is called.
//!
//! Where such an await would be ours, the macro is refused as it is defined. Where it is defined in a part of the body
//! that is not ours, a call of it in a part that is ours is refused.

use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Error, Ident, ItemMacro, Path};

use crate::macros;
use crate::rewrite::Rewriter;
use crate::scope::Scope;

/// The macros of the body that are in scope, the latest last, and whether each awaits where it is called.
#[derive(Default)]
pub(crate) struct Definitions(Vec<(Ident, bool)>);

impl Definitions {
    /// How many there are, for the end of the block that begins here.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Forgets those of a block that ends.
    pub(crate) fn leave(&mut self, count: usize) {
        self.0.truncate(count);
    }

    fn awaits(&self, name: &Ident) -> bool {
        let mut latest_first = self.0.iter().rev();
        let name = name.unraw();
        let found = latest_first.find(|(known, _)| *known == name);
        found.is_some_and(|(_, awaits)| *awaits)
    }

    /// The first call, in some tokens, of a macro that awaits.
    fn first_call(&self, tokens: &TokenStream) -> Option<Ident> {
        if self.0.is_empty() {
            return None;
        }
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut all = tokens.iter().enumerate();
        all.find_map(|(at, token)| match token {
            TokenTree::Group(group) => self.first_call(&group.stream()),
            TokenTree::Ident(name) => {
                let called = macros::is_call(&tokens[at + 1..]);
                (called && self.awaits(name)).then(|| name.clone())
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => None,
        })
    }
}

impl Rewriter<'_> {
    /// An await in some tokens, or a call of a macro that hides one.
    pub(crate) fn first_await(&self, tokens: &TokenStream) -> Option<Span> {
        let call = || self.definitions.first_call(tokens);
        macros::first_await(tokens).or_else(|| call().map(|name| name.span()))
    }

    /// Refuses a call of such a macro in a function that is annotated for itself, and sees no more than itself. One that
    /// speaks of `none` has said where it has no checkpoints.
    pub(crate) fn refuse_calls(&mut self, function: &impl ToTokens) {
        let tokens = function.to_token_stream();
        if matches!(self.scope, Scope::Abandoned) || says_none(&tokens) {
            return;
        }
        if let Some(name) = self.definitions.first_call(&tokens) {
            self.errors.push(hidden(&name));
        }
    }
}

/// Refuses an await in a macro that the body defines: where it is called nobody sees it.
pub(crate) fn refuse_awaits(item: &ItemMacro, rewriter: &mut Rewriter) {
    let Some(name) = &item.ident else {
        return;
    };
    let found = rewriter.first_await(&without_other_scopes(item.mac.tokens.clone()));
    let ours = rewriter.exit().is_some();
    let hides = found.is_some() && !ours;
    rewriter.definitions.0.push((name.unraw(), hides));
    if let (Some(span), true) = (found, ours) {
        let message = format!(
            "`#[with_context]` cannot make a checkpoint of this await, which stands wherever `{name}!` is \
             called: let the macro give the future and await it there, `{name}!(..).await`, or put the \
             macro and its calls into a block under `#[checkpoints(none)]`"
        );
        rewriter.errors.at(span, message);
    }
}

/// Refuses a call of a macro that awaits where it is called, and was not ours where it is defined. Its name says
/// nothing else then, be it one of std's.
pub(crate) fn refuse_call(path: &Path, rewriter: &mut Rewriter) -> bool {
    let name = path.get_ident();
    let hides = name.filter(|name| rewriter.definitions.awaits(name));
    if let Some(name) = hides {
        rewriter.errors.push(hidden(name));
    }
    hides.is_some()
}

fn hidden(name: &Ident) -> Error {
    let message = format!(
        "`#[with_context]` cannot make a checkpoint of the await in `{name}!`: let the macro give the future \
         and await it here, `{name}!(..).await`, or put the call under `#[checkpoints(none)]`"
    );
    Error::new(name.span(), message)
}

/// Leaves out `async` blocks and functions, whose awaits are no checkpoints outside of a macro either.
fn without_other_scopes(tokens: TokenStream) -> TokenStream {
    let mut own = Vec::new();
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        match token {
            TokenTree::Group(group) => {
                let inside = without_other_scopes(group.stream());
                own.push(Group::new(group.delimiter(), inside).into());
            }
            TokenTree::Ident(word) if word == "async" => skip_async_block(&mut rest),
            TokenTree::Ident(word) if word == "fn" => skip_function(&mut rest),
            other => own.push(other),
        }
    }
    own.into_iter().collect()
}

/// `async {}`, `async move {}`, `async move |n| {}`
fn skip_async_block(rest: &mut Peekable<IntoIter>) {
    rest.next_if(|token| matches!(token, TokenTree::Ident(word) if word == "move"));
    let bar =
        |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '|');
    if rest.peek().is_some_and(bar) {
        rest.next();
        while rest.next_if(|token| !bar(token)).is_some() {}
        rest.next_if(bar);
    }
    rest.next_if(is_block);
}

/// `fn name() {}`, and no `fn()`, which is a type.
fn skip_function(rest: &mut Peekable<IntoIter>) {
    if let Some(TokenTree::Group(_)) = rest.peek() {
        return;
    }
    for token in rest {
        let declared = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ';');
        if declared || is_block(&token) {
            return;
        }
    }
}

/// `checkpoints = none`, `#[checkpoints(none)]`
fn says_none(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => says_none(&group.stream()),
        TokenTree::Ident(word) => word == "none",
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn is_block(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}
