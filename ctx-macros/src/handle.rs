//! How a checkpoint gets hold of the context in scope.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{Expr, parse_quote_spanned};

use crate::macros;
use crate::runtime::Runtime;

/// The methods of a context that borrow it. A method that is not listed may take it by value.
const BORROWING: [&str; 20] = [
    "with_cancel",
    "with_deadline",
    "with_timeout",
    "with_deadline_cause",
    "with_timeout_cause",
    "merge",
    "with_value",
    "without_cancel",
    "deadline",
    "remaining",
    "is_cancelled",
    "err",
    "check",
    "value",
    "done",
    "done_owned",
    "run_until_cancelled",
    "run_until_cancelled_owned",
    "on_cancel",
    "clone",
];

/// A handle on `ctx` for the time that `tokens` are evaluated and awaited.
///
/// A reference to a context is copied. An owned context is borrowed where the tokens leave it
/// alone, and cloned where they might move it, since the handle is taken before they are evaluated.
// Input:  load(&ctx, key)                        next(ctx)
// Output: ::ctx::__private::borrow(&ctx)         ::ctx::__private::handle(&ctx)
pub(crate) fn handle(tokens: TokenStream, runtime: &Runtime, span: Span) -> Expr {
    let ctx = runtime.ctx(span);
    let ctx = parse_quote_spanned!(span=> &#ctx);
    let name = if may_move(tokens) { "handle" } else { "borrow" };
    runtime.call(name, [ctx], span)
}

/// Whether the tokens may move `ctx`, or change it. Only what surely borrows it is let through.
fn may_move(tokens: TokenStream) -> bool {
    let mut uses = Uses::default();
    uses.count(tokens);
    uses.moves || (uses.captures && uses.names)
}

/// What is known of the `ctx` in some tokens.
#[derive(Default)]
struct Uses {
    /// `ctx` is named at all.
    names: bool,
    /// `ctx` is named where it might be moved, or there is a macro that may do anything.
    moves: bool,
    /// There is a `move`, and so a closure that takes `ctx` if it names it.
    captures: bool,
}

impl Uses {
    fn count(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.count(group.stream()),
                TokenTree::Ident(ident) if ident == "ctx" => {
                    self.names = true;
                    self.moves |= !borrows(&tokens[..at], &tokens[at + 1..]);
                }
                TokenTree::Ident(ident) if ident == "move" => self.captures = true,
                TokenTree::Ident(ident) if is_call(&tokens[at + 1..]) => {
                    self.moves |= !macros::is_std(ident);
                }
                _ => {}
            }
        }
    }
}

/// `&ctx`, or `ctx.done()`.
fn borrows(before: &[TokenTree], after: &[TokenTree]) -> bool {
    match after {
        [TokenTree::Punct(dot), TokenTree::Ident(method), ..] if dot.as_char() == '.' => {
            BORROWING.iter().any(|name| method == name)
        }
        _ => matches!(before.last(), Some(TokenTree::Punct(and)) if and.as_char() == '&'),
    }
}

/// The tail of a macro call: `!(..)`, `![..]`, `!{..}`.
fn is_call(after: &[TokenTree]) -> bool {
    matches!(after, [TokenTree::Punct(bang), TokenTree::Group(_), ..] if bang.as_char() == '!')
}
