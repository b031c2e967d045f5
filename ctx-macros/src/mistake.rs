//! A mistake in what a `macro_rules!` of ours was given, told at the author's tokens. A `compile_error!` that stands in such
//! a macro is told at the whole call of it.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What the author has written there takes its place in a message.
const WRITTEN: &str = "{}";

/// Tells it at what the author has written, or, where that is nothing, at the first token of what follows: that may have
/// passed through another macro, which has put tokens of its own into it.
// Input:  [(hide)] [pub USER: String;] "unknown option `#[ctx{}]`"
// Output: ::core::compile_error! { "unknown option `#[ctx(hide)]`" }
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    let mut places: Vec<TokenStream> = Vec::new();
    let mut message = String::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let count = if places.is_empty() { usize::MAX } else { 1 };
                places.push(declaration(group.stream()).take(count).collect());
            }
            TokenTree::Literal(literal) => message.push_str(literal.to_string().trim_matches('"')),
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
    let written = places.first().map(TokenStream::to_string);
    let message = message.replace(WRITTEN, &written.unwrap_or_default());
    let place = places.into_iter().find(|place| !place.is_empty());
    syn::Error::new_spanned(place, message).into_compile_error()
}

/// All up to the `;`, without the visibility that nobody has written.
fn declaration(tokens: TokenStream) -> impl Iterator<Item = TokenTree> {
    let is_something = |token: &TokenTree| match token {
        TokenTree::Group(it) => it.delimiter() != Delimiter::None || !it.stream().is_empty(),
        _ => true,
    };
    let goes_on = |token: &TokenTree| !matches!(token, TokenTree::Punct(it) if it.as_char() == ';');
    tokens.into_iter().filter(is_something).take_while(goes_on)
}
