//! What the branches of one `select!` or `join!` share.

use proc_macro2::{Ident, Span, TokenStream};
use syn::spanned::Spanned;
use syn::{Expr, ExprMatch, Macro, Token, parse_quote_spanned, token};

use crate::checkpoint::argument;
use crate::options::Mode;
use crate::rewrite::Rewriter;
use crate::syntax::{generated, start, start_of};
use crate::uses::Uses;

/// Puts the slot around a macro whose branches use it.
// Input:
//     BODY
//
// Output:
//     match &::ctx::__private::slot(::ctx::__private::handle(&ctx), BETWEEN) {
//         __slot => BODY,
//     }
pub(crate) fn around(mac: &Macro, body: &TokenStream, uses: Uses, rewriter: &mut Rewriter) -> Expr {
    rewriter.names_ctx();
    let span = mac.path.span();
    let quiet = generated(span);
    let handle = rewriter.runtime.handle(uses, span);
    let between = match rewriter.mode {
        Mode::Between => parse_quote_spanned!(quiet=> true),
        Mode::Race | Mode::None => parse_quote_spanned!(quiet=> false),
    };
    let slot = rewriter.runtime.call("slot", [handle, between], span);
    let mut whole: ExprMatch = parse_quote_spanned!(quiet=> match &#slot { __slot => #body, });
    // It stands where the macro does, which is where a lint about the value points.
    if let Some(first) = start(&mac.path) {
        whole.match_token = Token![match](first);
        whole.brace_token = token::Brace(mac.delimiter.span().close());
    }
    Expr::Match(whole)
}

/// The checkpoint of one branch, which stands where its future starts.
// Input:  FUTURE
// Output: __slot.METHOD(FUTURE)
pub(crate) fn branch(method: &str, future: Expr) -> Expr {
    let future = argument(future);
    let span = start_of(&future).unwrap_or_else(Span::call_site);
    let slot = Ident::new("__slot", generated(span));
    let method = Ident::new(method, span);
    parse_quote_spanned!(span=> #slot.#method(#future))
}
