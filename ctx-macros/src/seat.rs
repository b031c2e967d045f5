//! Which awaits share one state, and where it is made.
//!
//! Those on the function's own `ctx`, which is a `&Context`, share the function's: the context outlives it,
//! so a waker may stay in its list from one await to the next. Those on a `ctx` that a block has bound share
//! one as far as nothing moves it (see `stretch`). Where nobody can tell, an await has a state of its own: too
//! many of these cost time, and nothing else.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, ExprReference, Item, Pat, Stmt, Token, UseTree, parse_quote_spanned};

use crate::awaits::Awaits;
use crate::macros;
use crate::owned;
use crate::runtime::Runtime;
use crate::syntax::{self, generated, is_ctx};

/// Whether an await may use the state of its function, and whether one does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    /// Nobody can tell which `ctx` is in scope, or for how long.
    Unknown,
    /// It is the function's own.
    Own,
    /// It is one that a block has bound.
    Bound,
}

/// The name of the state, as the expansion knows it.
pub(crate) fn name(span: Span) -> Ident {
    Ident::new("__body", generated(span))
}

/// `&mut __body`
fn borrow(span: Span) -> Expr {
    Expr::Reference(ExprReference {
        attrs: Vec::new(),
        and_token: Token![&](span),
        mutability: Some(Token![mut](span)),
        expr: Box::new(syntax::expr(name(span))),
    })
}

/// A checkpoint that uses the state, `name` being `race` or `between`.
// Input:  BASE
// Output: __body.__race(BASE)
// or, where `nested` says that BASE uses the state itself, which then is borrowed after that:
//         ::ctx::__private::race_in(BASE, &mut __body)
// and that is, where the author has named the crate:
//         ctx.__race_in(BASE, &mut __body)
pub(crate) fn own(name: &str, nested: bool, base: Expr, runtime: &Runtime, span: Span) -> Expr {
    if !nested {
        return call(name, [base], span);
    }
    let function = format!("{name}_in");
    let state = borrow(span);
    if !runtime.may_be_missing() {
        return runtime.call(&function, [base, state], span);
    }
    let method = Ident::new(&format!("__{function}"), span);
    syntax::method(runtime.name("ctx", span), method, [base, state])
}

/// A checkpoint that uses the state of a `ctx` which a block has bound.
// Input:  BASE
// Output: __body.__race_on(::ctx::__private::borrow(&ctx), BASE)
// or, as above:
//         ::ctx::__private::race_on(::ctx::__private::borrow(&ctx), BASE, &mut __body)
pub(crate) fn bound(name: &str, nested: bool, base: Expr, runtime: &Runtime, span: Span) -> Expr {
    let function = format!("{name}_on");
    let context = runtime.borrow(span);
    if nested {
        runtime.call(&function, [context, base, borrow(span)], span)
    } else {
        call(&function, [context, base], span)
    }
}

/// Leaves the function after a checkpoint that gave up, where the author has named the crate.
// Output: __body.__leave()
pub(crate) fn leave(span: Span) -> Expr {
    call("leave", [], span)
}

/// The error of the only await of a function, whose line is that of this call.
// Output: __body.__gave_up()
pub(crate) fn gave_up(span: Span) -> Expr {
    call("gave_up", [], span)
}

/// `__body.__METHOD(ARGS)`
fn call<const N: usize>(method: &str, args: [Expr; N], span: Span) -> Expr {
    let method = Ident::new(&format!("__{method}"), span);
    syntax::method(name(span), method, args)
}

/// Makes the state of a stretch, at the place where that begins.
// Output: let mut __body = ::ctx::__private::Body::unbound();
pub(crate) fn make_bound(stmts: &mut Vec<Stmt>, at: usize, runtime: &Runtime) {
    let quiet = generated(Span::call_site());
    let init = runtime.path(&["__private", "Body", "unbound"], quiet);
    let init = syntax::call(init, [], quiet);
    let items = stmts.iter().skip(at);
    let items = items.take_while(|stmt| is_item(stmt));
    let at = at + items.count();
    stmts.insert(at, syntax::let_(name(Span::call_site()), true, init, quiet));
}

/// Ends the state of a stretch.
// Output: ::ctx::__private::leave(__body);
pub(crate) fn drop(runtime: &Runtime) -> Stmt {
    let quiet = generated(Span::call_site());
    let leave = runtime.call("leave", [syntax::expr(name(Span::call_site()))], quiet);
    parse_quote_spanned!(quiet=> #leave;)
}

/// Makes the state, behind the items that the author's body may begin with: a lint wants them first.
// Input:
//     const LIMIT: usize = 3;
//     let row = pool.get().await;
//
// Output:
//     const LIMIT: usize = 3;
//     let mut __body = ::ctx::__private::Body::new(ctx);
//     let row = ..
// and where there is only one await:
//     let __body = ::ctx::__private::Only::new(ctx);
pub(crate) fn make(stmts: &mut Vec<Stmt>, awaits: Awaits, runtime: &Runtime) {
    let span = Span::call_site();
    let quiet = generated(span);
    let ctx = runtime.name("ctx", span);
    let only = awaits == Awaits::One;
    let init = if runtime.may_be_missing() {
        let method = if only { "__only" } else { "__body" };
        syntax::method(ctx, Ident::new(method, quiet), [])
    } else {
        let made = if only { "Only" } else { "Body" };
        let new = runtime.path(&["__private", made, "new"], quiet);
        syntax::call(new, [syntax::expr(ctx)], quiet)
    };
    insert(stmts, syntax::let_(name(span), !only, init, quiet));
}

/// Puts a statement in front of a body, but behind the items that this may begin with.
pub(crate) fn insert(stmts: &mut Vec<Stmt>, stmt: Stmt) {
    let first = stmts.iter().position(|stmt| !is_item(stmt));
    stmts.insert(first.unwrap_or(stmts.len()), stmt);
}

/// Puts what a body begins with in front of it, but behind its items as well. A `macro_rules!` sees the names that are
/// bound before it, and is to see these.
pub(crate) fn begin(stmts: &mut Vec<Stmt>, prologue: Vec<Stmt>) {
    let is_first = |stmt: &&Stmt| is_item(stmt) && !matches!(stmt, Stmt::Item(Item::Macro(_)));
    let at = stmts.iter().take_while(is_first).count();
    stmts.splice(at..at, prologue);
}

/// Whether a statement is an item, and no passage that nobody has parsed.
fn is_item(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::Item(item) if !matches!(item, Item::Verbatim(_)))
}

/// Which seat the `ctx` has that a statement may bind for what follows it. `seat` is that of the one before.
pub(crate) fn bound_by(stmt: &Stmt, seat: Seat) -> Option<Seat> {
    match stmt {
        Stmt::Local(local) if binds(&local.pat) => {
            let owns = owned::binds(local, seat != Seat::Unknown);
            Some(if owns { Seat::Bound } else { Seat::Unknown })
        }
        Stmt::Macro(stmt) => {
            let mac = &stmt.mac;
            let may_bind = !macros::evaluates_in_place(&mac.path) && names(&mac.tokens);
            may_bind.then_some(Seat::Bound)
        }
        Stmt::Local(_) | Stmt::Item(_) | Stmt::Expr(..) => None,
    }
}

/// Whether one of some statements may bind the `ctx` that what follows them sees.
pub(crate) fn any_binds(stmts: &[Stmt], seat: Seat) -> bool {
    stmts.iter().any(|stmt| bound_by(stmt, seat).is_some())
}

/// Whether an item is, or imports, another `ctx`, which its whole block sees.
pub(crate) fn item_shadows(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Item(Item::Const(item)) => is_ctx(&item.ident),
        Stmt::Item(Item::Static(item)) => is_ctx(&item.ident),
        Stmt::Item(Item::Fn(item)) => is_ctx(&item.sig.ident),
        Stmt::Item(Item::Use(item)) => names(&item.tree.to_token_stream()),
        Stmt::Item(Item::Macro(item)) => names(&item.mac.tokens),
        _ => false,
    }
}

/// Whether an item is another `ctx`, or imports one for all that is seen of it.
pub(crate) fn item_may_shadow(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Item(Item::Struct(item)) => is_ctx(&item.ident),
        Stmt::Item(Item::Use(item)) => item_shadows(stmt) || imports_all(&item.tree),
        _ => item_shadows(stmt),
    }
}

/// `use path::*`
fn imports_all(tree: &UseTree) -> bool {
    match tree {
        UseTree::Path(path) => imports_all(&path.tree),
        UseTree::Group(group) => group.items.iter().any(imports_all),
        UseTree::Glob(_) => true,
        UseTree::Name(_) | UseTree::Rename(_) => false,
    }
}

/// Whether an expression binds a `ctx` that a part of it sees.
pub(crate) fn binds_within(expr: &Expr) -> bool {
    match expr {
        Expr::If(it) => condition_binds(&it.cond),
        Expr::While(it) => condition_binds(&it.cond),
        Expr::ForLoop(it) => binds(&it.pat),
        Expr::Match(it) => it.arms.iter().any(|arm| binds(&arm.pat)),
        _ => false,
    }
}

fn condition_binds(condition: &Expr) -> bool {
    match condition {
        Expr::Let(it) => binds(&it.pat),
        Expr::Binary(it) => condition_binds(&it.left) || condition_binds(&it.right),
        Expr::Paren(it) => condition_binds(&it.expr),
        Expr::Group(it) => condition_binds(&it.expr),
        _ => false,
    }
}

/// Whether a pattern may bind `ctx`.
pub(crate) fn binds(pat: &Pat) -> bool {
    match pat {
        Pat::Ident(pat) => is_ctx(&pat.ident) || pat.subpat.is_some(),
        Pat::Type(pat) => binds(&pat.pat),
        Pat::Wild(_) | Pat::Lit(_) => false,
        other => names(&other.to_token_stream()),
    }
}

/// Whether `ctx` is among the tokens.
fn names(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => names(&group.stream()),
        TokenTree::Ident(ident) => is_ctx(&ident),
        _ => false,
    })
}
