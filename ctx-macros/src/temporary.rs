//! Scopes that end with the statement that makes them.

use syn::{Expr, ExprMethodCall};

use crate::errors::Errors;

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

/// Refuses `let ctx = parent.with_timeout(..).with_value(..);`: the scope is a temporary, and its end
/// cancels the context that is kept.
pub(crate) fn check(init: &Expr, errors: &mut Errors) {
    let mut expr = init;
    let mut after: Option<&ExprMethodCall> = None;
    loop {
        if let Some(call) = scope(expr) {
            if let Some(after) = after.filter(|after| ends_early(call, after)) {
                errors.at(call.method.span(), message(call, after));
                return;
            }
            after = Some(call);
            expr = &call.receiver;
            continue;
        }
        expr = match expr {
            Expr::Paren(inner) => &inner.expr,
            Expr::Group(inner) => &inner.expr,
            Expr::Reference(inner) => &inner.expr,
            Expr::MethodCall(call) if is_one_of(call, &CONTEXTS) => {
                after = Some(call);
                &call.receiver
            }
            _ => return,
        };
    }
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

/// `merge`, `with_token`, `with_value` and `clone` are everybody's names: together they say nothing about contexts,
/// unless it is a `ctx` that they are said of.
fn ends_early(scope: &ExprMethodCall, after: &ExprMethodCall) -> bool {
    let of_anybody = match scope.method.to_string().as_str() {
        "merge" => after.method == "clone",
        "with_token" => after.method != "without_cancel" && !is_ctx(&scope.receiver),
        _ => false,
    };
    is_one_of(after, &CONTEXTS) && !of_anybody
}

fn is_ctx(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_ctx(&inner.expr),
        Expr::Group(inner) => is_ctx(&inner.expr),
        Expr::MethodCall(call) => is_ctx(&call.receiver),
        Expr::Path(path) => path.path.is_ident("ctx"),
        _ => false,
    }
}

fn message(scope: &ExprMethodCall, after: &ExprMethodCall) -> String {
    let (first, then) = (called(scope), called(after));
    let instead = if after.method == "clone" {
        format!("keep the scope: `let scope = parent.{first}; let ctx = scope.clone();`")
    } else {
        format!("make the scope last: `parent.{then}.{first}`")
    };
    let scope = &scope.method;
    format!("the scope of `{scope}` ends with this statement, which cancels the context: {instead}")
}

/// `with_timeout(..)`, `with_cancel()`
fn called(call: &ExprMethodCall) -> String {
    let args = if call.args.is_empty() { "" } else { ".." };
    format!("{}({args})", call.method)
}
