//! Our attributes where they mean nothing, and what to write instead.

use proc_macro2::Span;
use syn::{Attribute, Expr};

use crate::marks::{Mark, Marks};
use crate::rewrite::Rewriter;
use crate::scope::{NESTED, Scope};

impl Rewriter<'_> {
    /// Takes our attributes off an expression, and keeps those that mean something in this scope.
    pub(crate) fn marks(&mut self, attrs: Option<&mut Vec<Attribute>>) -> Marks {
        let Some(attrs) = attrs else {
            return Marks::default();
        };
        if attrs.is_empty() {
            return Marks::default();
        }
        let marks = Marks::take(attrs, self.errors);
        match self.scope {
            Scope::Async(_) | Scope::Sync => marks,
            Scope::Abandoned => Marks::default(),
            Scope::Other(name) => {
                if let Some((span, mark)) = marks.first() {
                    self.out_of_scope(mark, span, name);
                }
                Marks {
                    scope: marks.scope,
                    ..Marks::default()
                }
            }
        }
    }

    /// Reports an attribute in a place that it does not go on.
    pub(crate) fn misplaced(&mut self, mark: Mark, span: Span) {
        let message = match (self.scope, mark) {
            (Scope::Abandoned, _) => return,
            (_, Mark::Value) => "`#[value]` goes on a parameter of the annotated function",
            (_, Mark::WithContext) => {
                "inside a function, `#[with_context]` goes on an `async` block or an `async` closure"
            }
            (Scope::Other(name), _) => return self.out_of_scope(mark, span, name),
            (_, Mark::Shield) => "`#[shield]` goes on a block, a `let` or an expression",
            (_, Mark::Checkpoints) => "`#[checkpoints]` goes on a block, a `let` or an expression",
        };
        self.errors.at(span, message);
    }

    /// Reports a `#[with_context]` on an expression that is no scope of its own.
    pub(crate) fn no_scope(&mut self, expr: &Expr, span: Span) {
        if matches!(self.scope, Scope::Abandoned) || !begins_with_async_block(expr) {
            return self.misplaced(Mark::WithContext, span);
        }
        let message = "this `#[with_context]` is on the block and on all that is done with it: put the \
            block into parentheses, `(#[with_context] async { .. }).await`";
        self.errors.at(span, message);
    }

    fn out_of_scope(&mut self, mark: Mark, span: Span, name: &str) {
        let word = mark.name();
        let instead = match name {
            NESTED => "annotate that function with `#[with_context]`",
            "a `const` block" => "remove it",
            _ => "put `#[with_context]` on the `async` block or closure",
        };
        self.errors.at(
            span,
            format!(
                "`#[{word}]` has no effect in {name}, whose awaits are no checkpoints of the \
                 function around it: {instead}"
            ),
        );
    }
}

/// `async {}.await`, to all of which an attribute in front of it belongs.
fn begins_with_async_block(expr: &Expr) -> bool {
    match expr {
        Expr::Async(_) => true,
        Expr::Await(it) => begins_with_async_block(&it.base),
        Expr::MethodCall(it) => begins_with_async_block(&it.receiver),
        Expr::Try(it) => begins_with_async_block(&it.expr),
        _ => false,
    }
}
