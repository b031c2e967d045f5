//! What an `extern` block declares, and what else begins with that word.
//!
//! Nobody passes a context to a function that another language defines: with one more parameter it would be
//! called with the wrong arguments, and the compiler would believe the declaration.

use syn::parse::ParseStream;
use syn::{Error, Ident, LitStr, ReturnType, Token, Type, token};

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

/// The error for a declaration that may stand in an `extern` block: that of a function which takes no
/// receiver and returns no future. A trait may have such a function too, and who annotates the trait says
/// that it is one.
pub(crate) fn refuse_declaration(function: &Function) -> Option<Error> {
    let Function { sig, body, .. } = function;
    let is_declared = matches!(body, Body::Missing(_));
    let is_ours = sig.asyncness.is_some()
        || sig.receiver().is_some()
        || future::borrows(&sig.output).is_some()
        || returns_some_trait(&sig.output);
    (is_declared && !is_ours).then(|| {
        let message = "a function of an `extern` block takes no context: remove the \
            `#[with_context]`; if this one is a trait's, put `#[with_context]` on the trait as well";
        Error::new(sig.ident.span(), message)
    })
}

fn returns_some_trait(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_)))
}
