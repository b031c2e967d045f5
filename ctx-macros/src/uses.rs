//! What an expression does to the `ctx` in scope.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{Expr, Macro};

use crate::{macros, syntax};

/// The methods of a context that borrow it, and return another one.
pub(crate) const DERIVING: [&str; 11] = [
    "with_cancel",
    "with_deadline",
    "with_timeout",
    "with_deadline_cause",
    "with_timeout_cause",
    "merge",
    "with_value",
    "without_cancel",
    "clone",
    "with_token",
    "with_shutdown_signal",
];

/// The others that borrow it. A method that is in neither list may take it by value.
const BORROWING: [&str; 17] = [
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
    "cancel",
    "cancel_with",
    "canceller",
    "group",
    "blocking_done",
    "cancellation_token",
];

/// What the walk has seen of `ctx` in one expression.
#[derive(Clone, Copy, Default)]
pub(crate) struct Uses {
    /// How often it is named.
    named: usize,
    /// How often of these it is surely borrowed: `&ctx`, `ctx.done()`.
    borrowed: usize,
    /// There is a `move`, and so a block that takes `ctx` if it names it.
    captures: bool,
    /// There is a macro that may do anything.
    unknown: bool,
}

impl Uses {
    /// Looks at one expression, and not into it.
    pub(crate) fn see(&mut self, expr: &Expr) {
        match expr {
            Expr::Path(_) if is_ctx(expr) => self.named += 1,
            Expr::Reference(it) if it.mutability.is_none() && is_ctx(&it.expr) => {
                self.borrowed += 1;
            }
            Expr::MethodCall(it) if is_ctx(&it.receiver) => {
                self.borrowed += usize::from(borrows(&it.method));
            }
            Expr::Async(it) => self.captures |= it.capture.is_some(),
            Expr::Closure(it) => self.captures |= it.capture.is_some(),
            Expr::Macro(it) => {
                self.unknown |= may_name_ctx(&it.mac);
                self.see_tokens(&it.mac.tokens);
            }
            Expr::Verbatim(tokens) => {
                self.unknown = true;
                self.see_tokens(tokens);
            }
            _ => {}
        }
    }

    /// Looks at what nobody has parsed, all of it.
    pub(crate) fn see_tokens(&mut self, tokens: &TokenStream) {
        let mut before = None;
        let mut rest = tokens.clone().into_iter().peekable();
        while let Some(token) = rest.next() {
            match &token {
                TokenTree::Group(group) => self.see_tokens(&group.stream()),
                TokenTree::Ident(ident) if ident == "move" => self.captures = true,
                TokenTree::Ident(ident) if syntax::is_ctx(ident) => {
                    self.named += 1;
                    let called = is_punct(rest.peek(), '.') && {
                        let mut after = rest.clone().skip(1);
                        matches!(after.next(), Some(TokenTree::Ident(method)) if borrows(&method))
                    };
                    self.borrowed += usize::from(called || is_punct(before.as_ref(), '&'));
                }
                TokenTree::Literal(literal) if syntax::captures_ctx(literal) => self.see_borrow(),
                _ => {}
            }
            before = Some(token);
        }
    }

    /// Counts what no expression of the author's says: a `&ctx` of ours, or of a format string.
    pub(crate) fn see_borrow(&mut self) {
        self.named += 1;
        self.borrowed += 1;
    }

    /// Whether the expression may move `ctx`, or change it. Only what surely borrows it does not.
    pub(crate) fn may_move(self) -> bool {
        self.unknown || self.moves_visibly()
    }

    /// The same if no macro moves a `ctx` that it is not given.
    pub(crate) fn moves_visibly(self) -> bool {
        self.named > self.borrowed || (self.captures && self.named > 0)
    }

    /// What two expressions do together.
    pub(crate) fn and(self, other: Uses) -> Uses {
        Uses {
            named: self.named + other.named,
            borrowed: self.borrowed + other.borrowed,
            captures: self.captures || other.captures,
            unknown: self.unknown || other.unknown,
        }
    }
}

fn is_ctx(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(it) if it.path.get_ident().is_some_and(syntax::is_ctx))
}

/// Whether a method of a context borrows it.
fn borrows(method: &Ident) -> bool {
    let mut names = DERIVING.iter().chain(&BORROWING);
    names.any(|name| method == name)
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn may_name_ctx(mac: &Macro) -> bool {
    !macros::evaluates_in_place(&mac.path) || names_ctx(&mac.tokens)
}

fn names_ctx(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => names_ctx(&group.stream()),
        TokenTree::Ident(ident) => ident == "ctx",
        _ => false,
    })
}
