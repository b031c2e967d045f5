//! What the branches of one `select!` or `join!` share.

use proc_macro2::{Ident, Span, TokenStream};
use syn::spanned::Spanned;
use syn::{Expr, Macro, parse_quote_spanned};

use crate::checkpoint::without_parens;
use crate::handle;
use crate::options::Mode;
use crate::rewrite::Rewriter;
use crate::runtime::{generated, start};

/// Puts the slot around a macro whose branches use it.
// Input:
//     BODY
//
// Output:
//     match ::ctx::__private::slot(::ctx::__private::handle(&ctx), BETWEEN) {
//         __slot => BODY,
//     }
pub(crate) fn around(mac: &Macro, body: &TokenStream, rewriter: &Rewriter) -> Expr {
    let span = mac.path.span();
    let quiet = generated(span);
    let handle = handle::handle(mac.tokens.clone(), rewriter.runtime, span);
    let between = match rewriter.mode {
        Mode::Between => parse_quote_spanned!(quiet=> true),
        Mode::Race | Mode::None => parse_quote_spanned!(quiet=> false),
    };
    let slot = rewriter.runtime.call("slot", [handle, between], span);
    parse_quote_spanned!(quiet=> match #slot { __slot => #body, })
}

/// The checkpoint of one branch, which stands where its future starts.
// Input:  FUTURE
// Output: __slot.METHOD(FUTURE)
pub(crate) fn branch(method: &str, future: Expr) -> Expr {
    let future = without_parens(future);
    let span = start(&future).unwrap_or_else(Span::call_site);
    let slot = Ident::new("__slot", generated(span));
    let method = Ident::new(method, span);
    parse_quote_spanned!(span=> #slot.#method(#future))
}
