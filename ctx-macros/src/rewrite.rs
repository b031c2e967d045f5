//! The walk over a body.

use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, Item, Local, Stmt, Type};

use crate::checkpoint::checkpoint;
use crate::errors::Errors;
use crate::marks::{Marks, attrs_of};
use crate::options::Mode;
use crate::runtime::Runtime;
use crate::scope::Scope;

/// Makes a checkpoint of every await that belongs to the function.
pub(crate) struct Rewriter<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) errors: &'a mut Errors,
    pub(crate) scope: Scope,
    pub(crate) mode: Mode,
}

impl VisitMut for Rewriter<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Async(_) | Expr::Closure(_) | Expr::Const(_) => return,
            _ => visit_mut::visit_expr_mut(self, expr),
        }
        if let (Expr::Await(_), Scope::Async(exit)) = (&*expr, self.scope) {
            let Expr::Await(await_) = std::mem::replace(expr, Expr::PLACEHOLDER) else { return };
            *expr = checkpoint(await_, self.mode, exit, self.runtime);
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_type_mut(&mut self, _: &mut Type) {}
}
