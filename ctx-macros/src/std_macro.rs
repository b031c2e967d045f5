//! The macros of the standard library that take expressions.

use std::mem;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Expr, Macro, Pat, Result, Token, parse_quote_spanned};

use crate::macros::{has_attributes, unknown};
use crate::rewrite::Rewriter;
use crate::seat;
use crate::syntax::generated;
use crate::words;

/// The arguments of one of these macros.
pub(crate) enum Args {
    /// `println!("{}", a, b = c)`; a named argument reads as an assignment.
    List(Punctuated<Expr, Token![,]>),
    /// `vec![element; length]`
    Repeat(Box<(Expr, Token![;], Expr)>),
    /// `matches!(value, pattern if guard)`, `assert_matches!(value, pattern if guard, "{}", message)`
    Matches(Box<Matches>),
}

pub(crate) struct Matches {
    value: Expr,
    comma: Token![,],
    pat: Pat,
    guard: Option<(Token![if], Expr)>,
    comma_after: Option<Token![,]>,
    message: Punctuated<Expr, Token![,]>,
}

/// Rewrites the arguments.
// Input:  println!("{}: {}", key, load(key).await)
// Output: println!("{}: {}", key, match ::ctx::__private::race(.., load(key)).await { .. })
pub(crate) fn rewrite(mac: &mut Macro, rewriter: &mut Rewriter) -> Result<Option<Expr>> {
    if rewriter.first_await(&mac.tokens).is_none() && !has_attributes(&mac.tokens) {
        return Ok(None);
    }
    let Ok(mut args) = Args::of(mac) else {
        let awaits = rewriter
            .exit()
            .and_then(|_| rewriter.first_await(&mac.tokens));
        return awaits.map_or(Ok(None), |span| Err(unknown(mac, span)));
    };
    let message = args.message(mac);
    let printed = args.printed(mac);
    let outer = rewriter.seat;
    rewriter.shadowed(args.binds_ctx());
    args.each(|expr| rewriter.visit_expr_mut(expr));
    rewriter.seat = outer;
    if let (Args::List(list), Some(words)) = (&mut args, printed) {
        return Ok(Some(dbg(mac, mem::take(list), words, rewriter)));
    }
    mac.tokens = args.into_tokens();
    mac.tokens.extend(message);
    Ok(None)
}

/// Prints and returns each value as `dbg!` does, by the author's words for it.
// Input:  dbg!(load(key).await)
// Output: ::ctx::__private::dbg("load(key).await", match .. { .. })
fn dbg(
    mac: &Macro,
    values: Punctuated<Expr, Token![,]>,
    words: Vec<TokenStream>,
    rewriter: &Rewriter,
) -> Expr {
    let span = mac.path.span();
    let quiet = generated(span);
    let mut printed = values.into_iter().zip(words).map(|(value, words)| {
        let words = parse_quote_spanned!(quiet=> #words);
        rewriter.runtime.call("dbg", [words, value], span)
    });
    match (printed.next(), printed.next()) {
        (Some(only), None) => only,
        (first, second) => {
            let all = first.into_iter().chain(second).chain(printed);
            parse_quote_spanned!(quiet=> (#(#all,)*))
        }
    }
}

impl Args {
    pub(crate) fn of(mac: &Macro) -> Result<Args> {
        let name = mac.path.segments.last().map(|segment| &segment.ident);
        let read = match name {
            Some(name) if name.to_string().ends_with("matches") => Args::matches,
            _ => Args::list,
        };
        read.parse2(mac.tokens.clone())
    }

    fn list(input: ParseStream) -> Result<Args> {
        let mut list: Punctuated<Expr, Token![,]> = Punctuated::new();
        while !input.is_empty() {
            list.push_value(input.parse()?);
            if let (1, Some(semi)) = (list.len(), input.parse::<Option<Token![;]>>()?) {
                let element = list.pop();
                let element = element.ok_or_else(|| input.error("expected an expression"))?;
                return Ok(Args::Repeat(Box::new((element, semi, input.parse()?))));
            }
            if !input.is_empty() {
                list.push_punct(input.parse()?);
            }
        }
        Ok(Args::List(list))
    }

    fn matches(input: ParseStream) -> Result<Args> {
        let value = input.parse()?;
        let comma = input.parse()?;
        let pat = input.call(Pat::parse_multi_with_leading_vert)?;
        let guard = match input.parse()? {
            Some(if_token) => Some((if_token, input.parse()?)),
            None => None,
        };
        let comma_after = input.parse()?;
        let message = Punctuated::parse_terminated(input)?;
        Ok(Args::Matches(Box::new(Matches {
            value,
            comma,
            pat,
            guard,
            comma_after,
            message,
        })))
    }

    /// What is said where a condition does not hold. It names the condition, by the author's words for it.
    // Input:  assert!(CONDITION)
    // Output: assert!(REWRITTEN, "assertion failed: {}", "CONDITION")
    fn message(&self, mac: &Macro) -> Option<TokenStream> {
        let name = &mac.path.segments.last()?.ident;
        match self {
            Args::List(list) if list.len() == 1 && (name == "assert" || name == "debug_assert") => {
                let comma = (!list.trailing_punct()).then(|| quote!(,));
                let quiet = generated(name.span());
                let words = words::of(&list[0], quiet);
                Some(quote_spanned!(quiet=> #comma "assertion failed: {}", #words))
            }
            _ => None,
        }
    }

    /// The author's words for what `dbg!` prints.
    fn printed(&self, mac: &Macro) -> Option<Vec<TokenStream>> {
        let name = &mac.path.segments.last()?.ident;
        match self {
            Args::List(list) if name == "dbg" => {
                let quiet = generated(name.span());
                Some(list.iter().map(|value| words::of(value, quiet)).collect())
            }
            _ => None,
        }
    }

    /// Whether a guard sees another `ctx`.
    fn binds_ctx(&self) -> bool {
        matches!(self, Args::Matches(matches) if seat::binds(&matches.pat))
    }

    /// Visits every expression.
    pub(crate) fn each(&mut self, mut visit: impl FnMut(&mut Expr)) {
        match self {
            Args::List(list) => list.iter_mut().for_each(visit),
            Args::Repeat(repeat) => {
                let (element, _, length) = &mut **repeat;
                visit(element);
                visit(length);
            }
            Args::Matches(matches) => {
                visit(&mut matches.value);
                if let Some((_, guard)) = &mut matches.guard {
                    visit(guard);
                }
                matches.message.iter_mut().for_each(visit);
            }
        }
    }

    pub(crate) fn into_tokens(self) -> TokenStream {
        match self {
            Args::List(list) => list.into_token_stream(),
            Args::Repeat(repeat) => {
                let (element, semi, length) = *repeat;
                quote!(#element #semi #length)
            }
            Args::Matches(matches) => {
                let Matches {
                    value,
                    comma,
                    pat,
                    guard,
                    comma_after,
                    message,
                } = *matches;
                let (if_token, guard) = guard.unzip();
                quote!(#value #comma #pat #if_token #guard #comma_after #message)
            }
        }
    }
}
