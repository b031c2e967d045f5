//! How the expansion names the runtime crate, and where its tokens appear to stand.
//!
//! A span has two halves. Its *location* is where errors and lints point, and where
//! `Location::caller()` says the call is. Its *hygiene* decides what a name refers to, and whether
//! lints take the token for the author's. Both are chosen for every generated token: see
//! [`Exit`](crate::scope::Exit) and [`checkpoint`](crate::checkpoint).

use proc_macro2::{Ident, Span};
use syn::{Expr, Path, Token};

use crate::function::Function;
use crate::options::Options;
use crate::parameter;
use crate::syntax;
use crate::uses::Uses;

/// The runtime crate, as one annotated item sees it.
pub(crate) struct Runtime {
    krate: Option<Path>,
    /// A `ctx` in the body means what it means next to the function's `fn`, or what the parameter means
    /// that the author wrote, also where the body's tokens went through a `macro_rules!`.
    hygiene: Span,
    /// Where the parameter stands, if it is none of our contexts. There is the error of every `&ctx` then, which to the
    /// compiler is one error.
    foreign: Option<Span>,
}

impl Runtime {
    pub(crate) fn new(options: &Options, function: &Function) -> Runtime {
        let sig = &function.sig;
        Runtime {
            krate: options.krate.clone(),
            hygiene: parameter::written(sig).unwrap_or(sig.fn_token.span),
            foreign: parameter::foreign(function),
        }
    }

    /// Whether the author said where the crate is, and so may be wrong.
    ///
    /// The parameter's type is then the only path that is written out in an ordinary function. The rest is
    /// reached by the methods of what that type has, and where it is unknown the compiler asks no further.
    pub(crate) fn may_be_missing(&self) -> bool {
        self.krate.is_some()
    }

    /// `::ctx::NAMES`, all of it at `span`.
    ///
    /// Only the author's path stays where it was written, also in what we call: if it leads nowhere, all the
    /// errors stand there and say the same, which to the compiler is one error.
    pub(crate) fn path(&self, names: &[&str], span: Span) -> Path {
        let mut path = match &self.krate {
            Some(written) => written.clone(),
            None => syntax::absolute(&["ctx"], span),
        };
        if let Some(colon) = &mut path.leading_colon {
            *colon = Token![::](span);
        }
        syntax::extend(&mut path, names, span);
        path
    }

    /// `::ctx::Context`, the type of a parameter.
    pub(crate) fn context(&self, span: Span) -> Path {
        self.path(&["Context"], span)
    }

    /// `::ctx::__private::NAME(ARGS)`, all but the arguments at `span`.
    pub(crate) fn call<const N: usize>(&self, name: &str, args: [Expr; N], span: Span) -> Expr {
        syntax::call(self.path(&["__private", name], span), args, span)
    }

    /// The context in scope at `span`, by reference: `&ctx`.
    pub(crate) fn ctx(&self, span: Span) -> Expr {
        let span = self.foreign.unwrap_or(span);
        syntax::reference(syntax::expr(self.name("ctx", span)), span)
    }

    /// A name as the author would have written it next to the function's `fn`.
    pub(crate) fn name(&self, name: &str, span: Span) -> Ident {
        Ident::new(name, span.resolved_at(self.hygiene))
    }

    /// A handle on `ctx` for the time that an expression is evaluated and awaited.
    ///
    /// A reference to a context is copied. An owned context is borrowed where the expression leaves
    /// it alone, and cloned where it might move it, since the handle is taken first.
    // Input:  load(&ctx, key)                      next(ctx)
    // Output: ::ctx::__private::borrow(&ctx)       ::ctx::__private::handle(&ctx)
    pub(crate) fn handle(&self, uses: Uses, span: Span) -> Expr {
        if uses.may_move() {
            self.call("handle", [self.ctx(span)], self.foreign.unwrap_or(span))
        } else {
            self.borrow(span)
        }
    }

    /// `::ctx::__private::borrow(&ctx)`
    pub(crate) fn borrow(&self, span: Span) -> Expr {
        self.call("borrow", [self.ctx(span)], span)
    }
}
