//! Whether a `let` binds a context that is the block's own.
//!
//! A reference to a context holds a borrow of something that the block may move by another name. So an
//! expression is believed to be a context only where it says so; a function may return either.

use syn::{Block, Expr, ExprCall, ExprPath, Local, Pat, Stmt, Type};

use crate::syntax::is_ctx;
use crate::uses::DERIVING;

/// Whether a `let` binds a context, or a reference to what nobody else can name. `before` says that the `ctx`
/// in scope so far is such a one.
pub(crate) fn binds(local: &Local, before: bool) -> bool {
    match &local.pat {
        Pat::Type(typed) => match (&*typed.pat, &*typed.ty) {
            (Pat::Ident(pat), Type::Path(_)) => pat.by_ref.is_none(),
            (Pat::Ident(_), _) => is_initialised(local, before),
            _ => false,
        },
        Pat::Ident(_) => is_initialised(local, before),
        _ => false,
    }
}

fn is_initialised(local: &Local, before: bool) -> bool {
    let init = local.init.as_ref();
    init.is_some_and(|init| makes(&init.expr, before))
}

/// Whether the value of an expression is a context. One branch tells the type of all.
fn makes(expr: &Expr, before: bool) -> bool {
    match expr {
        Expr::Paren(it) => makes(&it.expr, before),
        Expr::Group(it) => makes(&it.expr, before),
        // A temporary lives as long as the reference to it.
        Expr::Reference(it) => makes(&it.expr, before),
        Expr::MethodCall(it) => {
            it.method == "detach" || DERIVING.iter().any(|name| it.method == name)
        }
        Expr::Call(it) => is_root(it),
        Expr::Path(it) => before && it.path.get_ident().is_some_and(is_ctx),
        Expr::If(it) => ends_in_one(&it.then_branch),
        Expr::Match(it) => it.arms.iter().any(|arm| makes(&arm.body, false)),
        Expr::Block(it) => ends_in_one(&it.block),
        _ => false,
    }
}

/// `Context::background()`
pub(crate) fn is_root(call: &ExprCall) -> bool {
    matches!(&*call.func, Expr::Path(path) if makes_root(path))
}

/// `Context::background`, by whatever path.
fn makes_root(path: &ExprPath) -> bool {
    let mut names = path.path.segments.iter().rev();
    let name = names.next();
    name.is_some_and(|name| name.ident == "background" || name.ident == "todo")
        && names.next().is_some_and(|of| of.ident == "Context")
}

/// A `ctx` in there may be another one.
fn ends_in_one(block: &Block) -> bool {
    matches!(block.stmts.last(), Some(Stmt::Expr(value, None)) if makes(value, false))
}
