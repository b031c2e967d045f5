//! What an `.await` belongs to.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::{Expr, ExprReturn, ReturnType, Signature, Token, parse_quote_spanned};

use crate::runtime::Runtime;
use crate::seat;
use crate::syntax;

/// How a nested function that is not annotated is named.
pub(crate) const NESTED: &str = "a nested function";

/// The body that the rewriting is in.
#[derive(Clone, Copy)]
pub(crate) enum Scope {
    /// Asynchronous, and ours: a `return` leaves the annotated function, or the annotated block.
    Async(Exit),
    /// Ours, but synchronous: nothing can be awaited, but `ctx` is there.
    Sync,
    /// Somebody else's, named for the author: a `return` there would not leave the function.
    Other(&'static str),
    /// Given up after a mistake in the signature: the body only loses our attributes.
    Abandoned,
}

/// Where an early return is said to stand: at the return type, from its first token to its last.
/// All the errors of a type that cannot carry a cancellation are then one error, at that type.
#[derive(Clone, Copy)]
pub(crate) struct Exit {
    first: Span,
    last: Span,
}

impl Exit {
    /// The return type, or the name of a function without one.
    pub(crate) fn of(sig: &Signature) -> Exit {
        Exit::at(&sig.output, sig.ident.span())
    }

    pub(crate) fn at(output: &ReturnType, otherwise: Span) -> Exit {
        let ReturnType::Type(_, ty) = output else {
            return Exit {
                first: otherwise,
                last: otherwise,
            };
        };
        let mut spans = ty.to_token_stream().into_iter().map(|token| token.span());
        let first = spans.next().unwrap_or(otherwise);
        // From a token of the author's to one of ours there is no span that has both.
        let last = spans.last().map(|last| last.resolved_at(first));
        Exit {
            first,
            last: last.unwrap_or(first),
        }
    }

    /// `return ::ctx::FromCancelled::__from_body(&__body)`, or `return __body.__leave()`
    pub(crate) fn leave_seat(self, runtime: &Runtime) -> Expr {
        if runtime.may_be_missing() {
            return self.early(seat::leave(self.last));
        }
        let state = syntax::reference(syntax::expr(seat::name(self.last)), self.last);
        self.through(&["FromCancelled", "__from_body"], runtime, state)
    }

    /// `return ::ctx::FromCancelled::from_cancelled(CANCELLED)`, or `return CANCELLED.__leave()`
    pub(crate) fn leave(self, runtime: &Runtime, cancelled: Expr) -> Expr {
        if runtime.may_be_missing() {
            return self.by_method(&cancelled);
        }
        self.through(&["FromCancelled", "from_cancelled"], runtime, cancelled)
    }

    /// `return ::ctx::__private::FromMissing::from_missing(MISSING)`, or `return MISSING.__leave()`
    pub(crate) fn leave_missing(self, runtime: &Runtime, missing: Expr) -> Expr {
        if runtime.may_be_missing() {
            return self.by_method(&missing);
        }
        self.through(
            &["__private", "FromMissing", "from_missing"],
            runtime,
            missing,
        )
    }

    fn by_method(self, error: &Expr) -> Expr {
        let leave = Ident::new("__leave", self.last);
        self.early(parse_quote_spanned!(self.last=> #error.#leave()))
    }

    fn through(self, names: &[&str], runtime: &Runtime, error: Expr) -> Expr {
        let mut path = runtime.path(names, self.last);
        if let Some(colon) = &mut path.leading_colon {
            *colon = Token![::](self.first);
        }
        self.early(syntax::call(path, [error], self.last))
    }

    fn early(self, value: Expr) -> Expr {
        Expr::Return(ExprReturn {
            attrs: Vec::new(),
            return_token: Token![return](self.first),
            expr: Some(Box::new(value)),
        })
    }
}
