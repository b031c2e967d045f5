//! Anything at all: the macro answers with errors, never with a panic.

use std::iter;
use std::panic::catch_unwind;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::generate::function;
use super::random::{Random, number, rounds, seed};
use crate::expand::expand;

/// What the macro looks for, and what may stand around it.
const WORDS: &str = "async await fn impl trait for let match if else while loop move const unsafe extern \
    pub self Self ctx select join try_join println vec matches tokio futures std return break struct \
    where in ref mut dyn static default safe macro_rules assert dbg shield checkpoints value with_context owned timeout crate none \
    between race biased x T Future Box Pin pin Option 1 1.0 'a '_ 'static \"text\" . , ; : :: => -> = == \
    & | || ! ? # < > + - * / @ $ .. ..= ...";

#[test]
fn no_tokens_make_the_macro_panic() {
    let default = if cfg!(debug_assertions) {
        2_000
    } else {
        100_000
    };
    let count = number("CTX_FUZZ_GARBAGE").unwrap_or(default);
    let seed = seed();
    rounds(count, |at| {
        let words: Vec<TokenTree> = words().into_iter().collect();
        let random = &mut Random::of_round(seed, at);
        let args = match random.below(2) {
            0 => TokenStream::new(),
            _ => garbage(random, &words, 2),
        };
        let item = match random.below(3) {
            0 => garbage(random, &words, 3),
            1 => around_garbage(random, &words),
            _ => damaged(random, &words),
        };
        let shown = format!("#[with_context({args})]\n{item}");
        let outcome = catch_unwind(move || drop(expand(args, item)));
        assert!(outcome.is_ok(), "round {at}: the macro panicked:\n{shown}");
        0
    });
}

fn words() -> TokenStream {
    WORDS.parse().expect("tokens")
}

fn garbage(random: &mut Random, words: &[TokenTree], depth: usize) -> TokenStream {
    let count = random.below(12);
    iter::repeat_with(|| match depth.checked_sub(1) {
        Some(depth) if random.one_in(4) => {
            let inside = garbage(random, words, depth);
            group(random, inside)
        }
        _ => random.pick(words).clone(),
    })
    .take(count)
    .collect()
}

fn group(random: &mut Random, inside: TokenStream) -> TokenTree {
    let delimiters = [
        Delimiter::Parenthesis,
        Delimiter::Brace,
        Delimiter::Bracket,
        Delimiter::None,
    ];
    Group::new(*random.pick(&delimiters), inside).into()
}

/// A sound head and a body of garbage.
fn around_garbage(random: &mut Random, words: &[TokenTree]) -> TokenStream {
    let heads = [
        "async fn f(&self) -> R",
        "impl S",
        "trait T",
        "fn f() -> impl Future",
        "async fn f(#[value] a: &A)",
    ];
    let mut tokens: TokenStream = random.pick(&heads).parse().expect("tokens");
    let body = garbage(random, words, 3);
    tokens.extend([TokenTree::from(Group::new(Delimiter::Brace, body))]);
    tokens
}

/// A sound function of which a few tokens are lost, doubled or replaced.
fn damaged(random: &mut Random, words: &[TokenTree]) -> TokenStream {
    let sound: TokenStream = function(random).source.parse().expect("tokens");
    damage(random, words, sound)
}

fn damage(random: &mut Random, words: &[TokenTree], sound: TokenStream) -> TokenStream {
    let mut tokens = TokenStream::new();
    for token in sound {
        let token = match token {
            TokenTree::Group(group) => {
                let inside = damage(random, words, group.stream());
                TokenTree::from(Group::new(group.delimiter(), inside))
            }
            other => other,
        };
        match random.below(120) {
            0 => {}
            1 => tokens.extend([token.clone(), token]),
            2 => tokens.extend([random.pick(words).clone()]),
            _ => tokens.extend([token]),
        }
    }
    tokens
}
