//! A macro that is called like one which awaits, by a path that does not say whose it is.
//!
//! A `select!` is refused, whatever it is given. One of the name of `join!` is refused unless what it is given is in the
//! grammar of none of those that await: not of `join!`, and, as an import may have given it the name of another, not of
//! `select!`, tokio's or the one of the crate `futures`. What they cannot read the compiler would refuse if it was theirs;
//! so it is like every other macro.

use proc_macro2::TokenTree;
use syn::Macro;

/// Whether such a macro may be one that awaits.
pub(crate) fn may_await(mac: &Macro) -> bool {
    let name = mac.path.segments.last().map(|it| it.ident.to_string());
    if name.is_some_and(|name| name.starts_with("select")) {
        return true;
    }
    let tokens: Vec<TokenTree> = mac.tokens.clone().into_iter().collect();
    let rest = match &tokens[..] {
        [TokenTree::Ident(word), semi, rest @ ..] if word == "biased" && is(semi, ';') => rest,
        all => all,
    };
    // A future has a name, or that of a function which makes it, or it is an `async` block.
    has_names(rest) && may_be_in_their_grammar(rest)
}

fn may_be_in_their_grammar(tokens: &[TokenTree]) -> bool {
    let arrow = |pair: &[TokenTree]| is(&pair[0], '=') && is(&pair[1], '>');
    match tokens.windows(2).position(arrow) {
        Some(at) => may_begin_a_branch(&tokens[..at]),
        None => !tokens.iter().any(|token| is(token, ';')),
    }
}

/// `PATTERN = FUTURE`, or one of the words that stand for these.
fn may_begin_a_branch(tokens: &[TokenTree]) -> bool {
    match tokens {
        [TokenTree::Ident(word)] => word == "else" || word == "complete" || word == "default",
        _ => tokens.iter().any(|token| is(token, '=')),
    }
}

fn has_names(tokens: &[TokenTree]) -> bool {
    tokens.iter().any(|token| match token {
        TokenTree::Group(group) => {
            let inside: Vec<TokenTree> = group.stream().into_iter().collect();
            has_names(&inside)
        }
        TokenTree::Ident(_) => true,
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}
