//! Statements, where attributes and semicolons need a second look.

use syn::visit_mut::VisitMut;
use syn::{Expr, ExprMacro, Local, Pat, Stmt, StmtMacro, Token};

use crate::marks::{Mark, attrs_of};
use crate::rewrite::Rewriter;
use crate::scope::{NESTED, Scope};
use crate::syntax::generated;
use crate::{shield, temporary, tool};

const NO_INITIALISER: &str = "`#[shield]` covers an initialiser, and this `let` has none: put it on a \
    block around the assignment";

impl Rewriter<'_> {
    /// Rewrites one `let`, and returns the statement that has to go before it.
    pub(crate) fn local(&mut self, local: &mut Local) -> Option<Stmt> {
        let marks = self.marks(Some(&mut local.attrs));
        if let Some((mark, _)) = marks.scope {
            self.misplaced(Mark::WithContext, mark);
        }
        local
            .attrs
            .iter_mut()
            .for_each(|attr| self.visit_attribute_mut(attr));
        self.visit_pat_mut(&mut local.pat);
        let Some(init) = &mut local.init else {
            marks
                .shield
                .inspect(|&mark| self.errors.at(mark, NO_INITIALISER));
            return None;
        };
        // A block or a closure in the body is as much the author's; a function in it is for itself.
        if !matches!(self.scope, Scope::Abandoned | Scope::Other(NESTED)) {
            temporary::check(&init.expr, self.errors);
        }
        let awaits = matches!(*init.expr, Expr::Await(_));
        self.in_mode(&marks, |this| this.visit_expr_mut(&mut init.expr));
        let becomes_match = marks.shield.is_some() || matches!(*init.expr, Expr::Match(_));
        if awaits && becomes_match && discards(&local.pat) {
            // A lint lets an await have no value, but not the `match` that it becomes.
            local.let_token.span = generated(local.let_token.span);
            local.semi_token.span = generated(local.semi_token.span);
        }
        if let Some((_, otherwise)) = &mut init.diverge {
            self.visit_expr_mut(otherwise);
        }
        let mark = marks.shield?;
        self.names_ctx();
        let (init, attrs) = (&mut init.expr, &local.attrs);
        Some(shield::initialiser(init, attrs, mark, self.runtime))
    }

    /// Rewrites an expression that is a statement.
    pub(crate) fn statement(&mut self, expr: &mut Expr, semi: Option<&mut Token![;]>) {
        let was_match = matches!(expr, Expr::Match(_));
        self.refuse_left_operand(expr);
        self.visit_expr_mut(expr);
        // The author wrote this `;` after an await. To a lint it now stands after a `match`, where
        // it would be one too many.
        if let (Expr::Match(_), false, Some(semi)) = (&*expr, was_match, semi) {
            semi.span = generated(semi.span);
        }
    }

    /// Rewrites a macro call that is a statement, and that may become another expression.
    pub(crate) fn macro_statement(&mut self, stmt: Stmt) -> Stmt {
        let Stmt::Macro(StmtMacro {
            attrs,
            mac,
            mut semi_token,
        }) = stmt
        else {
            return stmt;
        };
        let mut expr = Expr::Macro(ExprMacro { attrs, mac });
        self.statement(&mut expr, semi_token.as_mut());
        match expr {
            Expr::Macro(ExprMacro { attrs, mac }) => Stmt::Macro(StmtMacro {
                attrs,
                mac,
                semi_token,
            }),
            mut other => {
                if let Some(attrs) = attrs_of(&mut other) {
                    tool::take_off(attrs);
                }
                Stmt::Expr(other, semi_token)
            }
        }
    }

    /// `#[shield] total += next().await;` would shield `total`.
    fn refuse_left_operand(&mut self, mut expr: &mut Expr) {
        let whole = match expr {
            Expr::Assign(_) => "an assignment",
            Expr::Binary(_) | Expr::Cast(_) => "a binary statement",
            _ => return,
        };
        while let Expr::Assign(_) | Expr::Binary(_) | Expr::Cast(_) = expr {
            expr = match expr {
                Expr::Assign(inner) => &mut inner.left,
                Expr::Binary(inner) => &mut inner.left,
                Expr::Cast(inner) => &mut inner.expr,
                other => other,
            };
        }
        let Some((span, mark)) = self.marks(attrs_of(expr)).first() else {
            return;
        };
        let word = mark.name();
        self.errors.at(
            span,
            format!(
                "on {whole}, `#[{word}]` covers the left operand only: put the statement into a \
                 block, and the attribute on the block"
            ),
        );
    }
}

/// `_`, `_done`
fn discards(pat: &Pat) -> bool {
    match pat {
        Pat::Wild(_) => true,
        Pat::Ident(pat) => pat.ident.to_string().starts_with('_'),
        _ => false,
    }
}
