//! What an `extern` block declares, and what else begins with that word.
//!
//! Nobody passes a context to a function that another language defines: with one more parameter it would be
//! called with the wrong arguments, and the compiler would believe the declaration.

use syn::parse::ParseStream;
use syn::{Error, Ident, LitStr, ReturnType, Token, Type, parse_quote, token};

use crate::function::{Body, Function};
use crate::future;

/// What to write in the place of an annotation that no function of ours is under.
pub(crate) const NO_FUNCTION: &str =
    "`#[with_context]` goes on a function, an `impl` block or a `trait` block";

/// The error for an `extern` block, an `extern crate` and a `safe fn`, if one of these is ahead.
pub(crate) fn refuse(ahead: ParseStream) -> Option<Error> {
    let item = ahead.fork();
    if item.parse::<Ident>().is_ok_and(|word| word == "safe") && item.peek(Token![fn]) {
        let message =
            "a function of an `extern` block takes no context: remove the `#[with_context]`";
        return Some(Error::new(ahead.span(), message));
    }
    let item = ahead.fork();
    item.parse::<Option<Token![unsafe]>>().ok()?;
    let word = item.parse::<Token![extern]>().ok()?;
    item.parse::<Option<LitStr>>().ok()?;
    let is_other = item.peek(token::Brace) || item.peek(Token![crate]);
    is_other.then(|| Error::new(word.span, NO_FUNCTION))
}

/// Lets a declaration not compile where it stands in an `extern` block. One that takes no receiver and returns no
/// future may be a trait's or a foreign one, which nothing in it tells. So it asks for nothing of a `Self`, which
/// a trait has.
// Input:  fn abs(ctx: &::ctx::Context, number: i32) -> i32;
// Output: fn abs(ctx: &::ctx::Context, number: i32) -> i32 where Self:;
pub(crate) fn keep_out(function: &mut Function) {
    let Function { sig, body, .. } = function;
    let is_declared = matches!(body, Body::Missing(_));
    let is_ours = sig.asyncness.is_some()
        || sig.receiver().is_some()
        || future::borrows(&sig.output).is_some()
        || returns_some_trait(&sig.output);
    if is_declared && !is_ours {
        let owner = Ident::new("Self", sig.ident.span());
        let bounds = &mut sig.generics.make_where_clause().predicates;
        bounds.push(parse_quote!(#owner:));
    }
}

fn returns_some_trait(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_)))
}
