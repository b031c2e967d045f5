//! A `macro_rules!` in the body, whose awaits stand where it is called.

use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::ItemMacro;

use crate::macros::first_await;
use crate::rewrite::Rewriter;

/// Refuses an await in a macro that the body defines: where it is called nobody sees it.
pub(crate) fn refuse_awaits(item: &ItemMacro, rewriter: &mut Rewriter) {
    let (Some(_), Some(name)) = (rewriter.exit(), &item.ident) else {
        return;
    };
    if let Some(span) = first_await(&without_other_scopes(item.mac.tokens.clone())) {
        let message = format!(
            "`#[with_context]` cannot make a checkpoint of this await, which stands wherever `{name}!` is \
             called: let the macro give the future and await it there, `{name}!(..).await`, or put the \
             macro and its calls into a block under `#[checkpoints(none)]`"
        );
        rewriter.errors.at(span, message);
    }
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

fn is_block(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}
