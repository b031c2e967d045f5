//! Scopes that end with the statement that makes them.

use proc_macro2::Ident;
use syn::{Block, Expr, ExprMethodCall, Pat, Stmt};

use crate::errors::Errors;
use crate::owned;
use crate::syntax::is_ctx;

/// What makes a scope.
const SCOPES: [&str; 7] = [
    "with_cancel",
    "with_timeout",
    "with_deadline",
    "with_timeout_cause",
    "with_deadline_cause",
    "merge",
    "with_token",
];

/// What makes one as well, or fails.
const FALLIBLE: &str = "with_shutdown_signal";

/// What takes the scope out of its `Result`, as `?` does.
const OUT_OF_RESULTS: [&str; 2] = ["unwrap", "expect"];

/// What makes a context that outlives the scope it was called on.
const CONTEXTS: [&str; 3] = ["with_value", "without_cancel", "clone"];

/// What keeps such a context in a group.
const GROUP: &str = "group";

/// What makes the group another one before its first task.
const LIMIT: &str = "limit";

/// What keeps such a context in a future, or hears of its end in something else; and what that is.
const HEARERS: [(&str, &str); 4] = [
    ("done_owned", "done"),
    ("run_until_cancelled_owned", "work"),
    ("cancellation_token", "token"),
    ("on_cancel", "hook"),
];

/// What takes the scope, and gives up its ownership.
const DETACH: &str = "detach";

/// Refuses `let ctx = parent.with_timeout(..).with_value(..);`: the scope is a temporary, and its end
/// cancels the context that is kept.
pub(crate) fn check(init: &Expr, errors: &mut Errors) {
    match init {
        Expr::Paren(inner) => check(&inner.expr, errors),
        Expr::Group(inner) => check(&inner.expr, errors),
        Expr::Block(_) | Expr::If(_) | Expr::Match(_) => check_branches(init, errors),
        _ => {
            if let Kept::Early(scope, after) = Kept::by(init) {
                let instead = instead(scope, after);
                refuse(scope, after, "statement", &instead, errors);
            }
        }
    }
}

/// The same of a value that is made inside of a block or an arm, where there is no place to keep a scope.
fn check_branches(value: &Expr, errors: &mut Errors) {
    match value {
        Expr::Paren(inner) => check_branches(&inner.expr, errors),
        Expr::Group(inner) => check_branches(&inner.expr, errors),
        Expr::Block(inner) => check_block(&inner.block, errors),
        Expr::If(inner) => {
            check_block(&inner.then_branch, errors);
            if let Some((_, otherwise)) = &inner.else_branch {
                check_branches(otherwise, errors);
            }
        }
        Expr::Match(inner) => {
            for arm in &inner.arms {
                check_branches(&arm.body, errors);
            }
        }
        _ => {
            if let Kept::Early(scope, after) = Kept::by(value) {
                refuse(scope, after, "statement", &in_front(scope), errors);
            }
        }
    }
}

/// A variable of the block ends, too.
fn check_block(block: &Block, errors: &mut Errors) {
    let Some((Stmt::Expr(value, None), before)) = block.stmts.split_last() else {
        return;
    };
    check_branches(value, errors);
    let Kept::Of(Expr::Path(root), Some(after)) = Kept::by(value) else {
        return;
    };
    let made = root.path.get_ident().and_then(|name| bound(name, before));
    if let Some(scope) = made.filter(|scope| ends_early(scope, after)) {
        refuse(scope, after, "block", &in_front(scope), errors);
    }
}

/// The call that makes the scope which a variable is. A macro may bind another one of that name.
fn bound<'a>(name: &Ident, before: &'a [Stmt]) -> Option<&'a ExprMethodCall> {
    for stmt in before.iter().rev() {
        let local = match stmt {
            Stmt::Local(local) => local,
            Stmt::Macro(_) => return None,
            Stmt::Expr(..) | Stmt::Item(_) => continue,
        };
        match &local.pat {
            Pat::Ident(pat) if pat.subpat.is_none() && pat.ident != *name => {}
            Pat::Ident(_) => return scope(&local.init.as_ref()?.expr),
            _ => return None,
        }
    }
    None
}

/// What a chain of calls keeps, as far as it is known.
enum Kept<'a> {
    /// What the second call makes of the scope of the first, which ends with the statement.
    Early(&'a ExprMethodCall, &'a ExprMethodCall),
    /// What the call makes of an expression of which nothing is known, if there is a call.
    Of(&'a Expr, Option<&'a ExprMethodCall>),
}

impl<'a> Kept<'a> {
    fn by(mut expr: &'a Expr) -> Self {
        let mut after: Option<&ExprMethodCall> = None;
        while let Some((call, inside)) = step(expr) {
            if let Some(scope) = scope(expr) {
                if let Some(after) = after.filter(|after| ends_early(scope, after)) {
                    return Kept::Early(scope, after);
                }
            }
            after = call.or(after);
            expr = inside;
        }
        Kept::Of(expr, after)
    }
}

/// The call that an expression is, if it is one of a chain, and what it is made of.
fn step(expr: &Expr) -> Option<(Option<&ExprMethodCall>, &Expr)> {
    match expr {
        Expr::Paren(inner) => Some((None, &inner.expr)),
        Expr::Group(inner) => Some((None, &inner.expr)),
        Expr::Reference(inner) => Some((None, &inner.expr)),
        Expr::MethodCall(call) if is_link(call) => Some((Some(call), &call.receiver)),
        _ => scope(expr).map(|call| (Some(call), &*call.receiver)),
    }
}

/// Whether a call that makes no scope is a context's, or a new group's.
fn is_link(call: &ExprMethodCall) -> bool {
    let of_group = |receiver: &Expr| matches!(receiver, Expr::MethodCall(of) if of.method == GROUP);
    is_one_of(call, &CONTEXTS)
        || is_one_of(call, &[GROUP, DETACH])
        || hearer(call).is_some()
        || (call.method == LIMIT && of_group(&call.receiver))
}

/// The call that makes a scope, if that is what an expression does.
fn scope(expr: &Expr) -> Option<&ExprMethodCall> {
    let made = match expr {
        Expr::MethodCall(call) if is_one_of(call, &SCOPES) => return Some(call),
        Expr::MethodCall(call) if is_one_of(call, &OUT_OF_RESULTS) => &call.receiver,
        Expr::Try(inner) => &inner.expr,
        _ => return None,
    };
    match &**made {
        Expr::MethodCall(call) if call.method == FALLIBLE => Some(call),
        _ => None,
    }
}

fn is_one_of(call: &ExprMethodCall, names: &[&str]) -> bool {
    names.iter().any(|name| call.method == name)
}

/// What a call makes that hears of a context's end, if it makes such.
fn hearer(call: &ExprMethodCall) -> Option<&'static str> {
    let mut hearers = HEARERS.iter();
    let (_, what) = hearers.find(|(name, _)| call.method == name)?;
    Some(what)
}

/// Whether what is made of a scope is kept, and cancelled as the scope ends.
fn ends_early(scope: &ExprMethodCall, after: &ExprMethodCall) -> bool {
    let keeps = is_one_of(after, &CONTEXTS)
        || is_one_of(after, &SCOPES)
        || is_one_of(after, &[FALLIBLE, GROUP])
        || hearer(after).is_some();
    keeps && (!may_be_of_anybody(scope, after) || is_context(&scope.receiver))
}

/// `merge`, `with_token`, `with_timeout`, `with_value` and the like are everybody's names. Two of them may say nothing
/// about contexts, unless it is a context for certain that they are said of.
fn may_be_of_anybody(scope: &ExprMethodCall, after: &ExprMethodCall) -> bool {
    let is_builders = match after.method.to_string().as_str() {
        "with_timeout" | "with_deadline" | "merge" | "with_token" | "cancellation_token"
        | "on_cancel" => true,
        // Who else has a group of two types?
        GROUP => after.turbofish.is_none(),
        _ => false,
    };
    match scope.method.to_string().as_str() {
        "merge" => is_builders || after.method == "clone",
        "with_token" => is_builders || after.method == "with_value" || after.method == "clone",
        "with_timeout" | "with_deadline" => is_builders,
        _ => false,
    }
}

/// Whether an expression is a context for certain: `ctx`, a root, or what is derived from these.
fn is_context(expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) => owned::is_root(call),
        Expr::Path(path) => path.path.get_ident().is_some_and(is_ctx),
        _ => step(expr).is_some_and(|(_, inside)| is_context(inside)),
    }
}

fn refuse(
    scope: &ExprMethodCall,
    after: &ExprMethodCall,
    end: &str,
    instead: &str,
    errors: &mut Errors,
) {
    let name = &scope.method;
    let what = if after.method == GROUP {
        "group"
    } else {
        "context"
    };
    errors.at(
        name.span(),
        format!("the scope of `{name}` ends with this {end}, which cancels the {what}: {instead}"),
    );
}

fn instead(scope: &ExprMethodCall, after: &ExprMethodCall) -> String {
    let (first, then) = (called(scope), called(after));
    if is_one_of(after, &["with_value", "without_cancel"]) {
        return format!("make the scope last: `parent.{then}.{first}`");
    }
    let kept = if after.method == GROUP { GROUP } else { "ctx" };
    let name = hearer(after).unwrap_or(kept);
    format!("keep the scope: `let scope = parent.{first}; let {name} = scope.{then};`")
}

fn in_front(scope: &ExprMethodCall) -> String {
    let first = called(scope);
    format!("keep the scope in front of the `let`: `let scope = parent.{first};`")
}

/// `with_timeout(..)`, `with_cancel()`
fn called(call: &ExprMethodCall) -> String {
    let args = if call.args.is_empty() { "" } else { ".." };
    format!("{}({args})", call.method)
}
