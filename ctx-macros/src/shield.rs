//! `#[shield]`: a part of the body that no cancellation interrupts.

use std::mem;

use proc_macro2::{Ident, Span};
use syn::{AttrStyle, Attribute, Expr, Stmt, Token, parse_quote_spanned, token};

use crate::marks;
use crate::runtime::Runtime;
use crate::syntax::{end, generated, reference, start_of};

/// Shields an expression.
// Input:
//     #[shield]
//     EXPR
//
// Output:
//     match &::ctx::__private::shield(&ctx) {
//         ctx => EXPR,
//     }
//
// There is no block around EXPR, so its temporaries live as long as they did. The `match` stands where EXPR
// does, which is where a lint about the value points; its arm stays generated, so no lint takes it for the author's.
pub(crate) fn expression(expr: &mut Expr, mark: Span, runtime: &Runtime) {
    let shield = shield(mark, runtime);
    let quiet = generated(mark);
    under(expr, reference(shield, quiet), mark);
}

/// Shields the initialiser of a `let`, and returns the statement that goes before it. The shielded
/// context is a local variable there, so that the value may borrow from it. It is there where the `let` is.
// Input:
//     #[shield]
//     let row = EXPR;
//
// Output:
//     let __shield = ::ctx::__private::shield(&ctx);
//     let row = match &__shield {
//         ctx => EXPR,
//     };
pub(crate) fn initialiser(
    init: &mut Expr,
    attrs: &[Attribute],
    mark: Span,
    runtime: &Runtime,
) -> Stmt {
    let shield = shield(mark, runtime);
    let quiet = generated(mark);
    let shielded = parse_quote_spanned!(quiet=> &__shield);
    under(init, shielded, mark);
    let cfgs = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    parse_quote_spanned!(quiet=> #(#cfgs)* let __shield = #shield;)
}

fn shield(mark: Span, runtime: &Runtime) -> Expr {
    runtime.call("shield", [runtime.ctx(mark)], mark)
}

/// Puts a `match` around an expression, where that stands.
fn under(expr: &mut Expr, shield: Expr, mark: Span) {
    let quiet = generated(mark);
    let ctx = Ident::new("ctx", mark.resolved_at(Span::call_site()));
    let mut whole: syn::ExprMatch = parse_quote_spanned!(quiet=> match () { #ctx => (), });
    *whole.expr = shield;
    let outer = marks::attrs_of(expr).map(outer).unwrap_or_default();
    if let (Some(first), Some(last)) = (start_of(expr), end(expr)) {
        whole.match_token = Token![match](first);
        whole.brace_token = token::Brace(last);
    }
    mem::swap(&mut *whole.arms[0].body, expr);
    *expr = Expr::Match(whole);
    marks::put_back(outer, expr);
}

/// Takes off what is written in front of an expression, or inside of it, where it may stand in a statement only.
fn outer(attrs: &mut Vec<Attribute>) -> Vec<Attribute> {
    let mut all = mem::take(attrs);
    for attr in &mut all {
        attr.style = AttrStyle::Outer;
    }
    all
}
