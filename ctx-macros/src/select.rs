//! `tokio::select!`.

use std::mem;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{
    Error, Expr, ExprBlock, ExprMatch, Macro, Pat, Result, Token, parse_quote_spanned, token,
};

use crate::macros::foreign_select;
use crate::rewrite::Rewriter;
use crate::scope::Exit;
use crate::seat;
use crate::slot;
use crate::syntax::{generated, start_of};

/// What a branch is.
const BRANCH: &str = "a branch of `tokio::select!` is `PATTERN = FUTURE => HANDLER`, with `, if CONDITION` \
    after the future where there is one; the last may be `else => HANDLER`";

/// The arguments of the macro.
pub(crate) struct Select {
    biased: TokenStream,
    pub(crate) branches: Vec<Branch>,
    pub(crate) otherwise: Option<Expr>,
}

/// `PAT = FUTURE, if CONDITION => HANDLER`
pub(crate) struct Branch {
    pub(crate) pat: Pat,
    pub(crate) future: Expr,
    condition: Option<Expr>,
    handler: Expr,
}

/// Makes a checkpoint of every branch.
// Input:
//     tokio::select! {
//         PAT = FUTURE, if CONDITION => HANDLER,
//         else => OTHERWISE,
//     }
//
// Output:
//     match &::ctx::__private::slot(::ctx::__private::handle(&ctx), false) {
//         __slot => tokio::select! {
//             ::core::result::Result::Ok(PAT) = __slot.branch(FUTURE), if CONDITION => HANDLER,
//             else => match __slot.stopped() {
//                 ::core::option::Option::Some(__c) => return ::ctx::FromCancelled::from_cancelled(__c),
//                 ::core::option::Option::None => OTHERWISE,
//             },
//         },
//     }
//
// A branch that gives up does not match its pattern, which is how tokio disables a branch. Where
// none is left, the slot knows whether the context ended them or their own patterns did.
pub(crate) fn rewrite(mac: &mut Macro, rewriter: &mut Rewriter) -> Result<Option<Expr>> {
    let exit = rewriter.exit();
    let mut select = match Select::of(mac) {
        Ok(select) => select,
        Err(mistake) => return exit.map_or(Ok(None), |_| mistake.refuse(mac)),
    };
    let uses = rewriter.uses_of(|rewriter| {
        let outer = rewriter.seat;
        rewriter.shadowed(
            select
                .branches
                .iter()
                .any(|branch| seat::binds(&branch.pat)),
        );
        select.each(|expr| rewriter.visit_expr_mut(expr));
        rewriter.seat = outer;
    });
    let Some(exit) = exit else {
        mac.tokens = select.into_tokens(mac.path.span());
        return Ok(None);
    };
    let span = mac.path.span();
    select.add_checkpoints(exit, rewriter, generated(span));
    mac.tokens = select.into_tokens(span);
    let whole = mac.to_token_stream();
    Ok(Some(slot::around(mac, &whole, uses, rewriter)))
}

/// Why a `select!` cannot be read.
enum Mistake {
    /// It is in the grammar of `futures::select!`, which reads it.
    Foreign,
    /// Nobody can read it.
    Malformed(Error),
}

impl Mistake {
    /// What nobody can read gives its place to the error, or its own macro would report it once more.
    fn refuse(self, mac: &Macro) -> Result<Option<Expr>> {
        match self {
            Mistake::Foreign => Err(foreign_select(mac)),
            Mistake::Malformed(error) => Ok(Some(Expr::Verbatim(error.into_compile_error()))),
        }
    }
}

impl Select {
    fn of(mac: &Macro) -> std::result::Result<Select, Mistake> {
        match mac.parse_body_with(Select::parse) {
            Ok(select) if select.branches.is_empty() && select.otherwise.is_none() => {
                let message = "`select!` needs a branch: `PATTERN = FUTURE => HANDLER`";
                Err(Mistake::Malformed(Error::new_spanned(&mac.path, message)))
            }
            Ok(select) => Ok(select),
            Err(_) if may_be_foreign(mac) => Err(Mistake::Foreign),
            Err(error) if mac.path.get_ident().is_some() => {
                let message = format!(
                    "{error}; if this `select!` is not tokio's, put it under `#[checkpoints(none)]`"
                );
                Err(Mistake::Malformed(Error::new(error.span(), message)))
            }
            Err(error) => Err(Mistake::Malformed(error)),
        }
    }

    pub(crate) fn parse(input: ParseStream) -> Result<Select> {
        let biased = biased(input)?;
        let mut select = Select {
            biased,
            branches: Vec::new(),
            otherwise: None,
        };
        while !input.is_empty() {
            if input.parse::<Option<Token![else]>>()?.is_some() {
                sign::<Token![=>]>(input)?;
                select.otherwise = Some(input.parse()?);
                input.parse::<Option<Token![,]>>()?;
                break;
            }
            select.branches.push(Branch::parse(input)?);
        }
        if input.is_empty() {
            return Ok(select);
        }
        Err(input.error("the `else` of a `select!` is its last branch: put this one before it"))
    }

    /// Visits every expression, all of which belong to the scope around the macro.
    pub(crate) fn each(&mut self, mut visit: impl FnMut(&mut Expr)) {
        for branch in &mut self.branches {
            visit(&mut branch.future);
            branch.condition.iter_mut().for_each(&mut visit);
            visit(&mut branch.handler);
        }
        self.otherwise.iter_mut().for_each(visit);
    }

    fn add_checkpoints(&mut self, exit: Exit, rewriter: &Rewriter, quiet: Span) {
        for branch in &mut self.branches {
            let pat = &branch.pat;
            branch.pat = parse_quote_spanned!(quiet=> ::core::result::Result::Ok(#pat));
            let future = mem::replace(&mut branch.future, Expr::PLACEHOLDER);
            branch.future = slot::branch("branch", future);
        }
        let otherwise = self.otherwise.take().unwrap_or_else(|| {
            let message = "all branches are disabled and there is no else branch";
            parse_quote_spanned!(quiet=> ::core::panic!(#message))
        });
        let leave = exit.leave(rewriter.runtime, parse_quote_spanned!(quiet=> __c));
        // A value of the wrong type is then a mistake in the `else`.
        let at = start_of(&otherwise);
        let mut whole: ExprMatch = parse_quote_spanned! {quiet=>
            match __slot.stopped() {
                ::core::option::Option::Some(__c) => #leave,
                ::core::option::Option::None => (),
            }
        };
        // Not parsed as an arm, where `match .. {} * 2` would end at the brace: printed as one, it
        // gets the parentheses that it needs there.
        *whole.arms[1].body = otherwise;
        if let Some(at) = at {
            whole.match_token.span = at;
            whole.brace_token = token::Brace(at);
        }
        self.otherwise = Some(Expr::Match(whole));
    }

    /// The signs between the parts stand at `span`: there is the error of a `select!` that is not tokio's.
    pub(crate) fn into_tokens(self, span: Span) -> TokenStream {
        let biased = self.biased;
        let branches = self.branches.into_iter();
        let branches = branches.map(|branch| branch.into_tokens(span));
        let otherwise = self.otherwise;
        let otherwise = otherwise.map(|otherwise| quote_spanned!(span=> else => #otherwise,));
        quote!(#biased #(#branches)* #otherwise)
    }
}

impl Branch {
    fn parse(input: ParseStream) -> Result<Branch> {
        let pat = input.call(Pat::parse_multi_with_leading_vert)?;
        // To syn the sign before a handler begins with one before a future.
        if input.peek(Token![=>]) {
            return Err(input.error(format!("expected `=`: {BRANCH}")));
        }
        sign::<Token![=]>(input)?;
        let future = input.parse()?;
        let condition = match input.parse::<Option<Token![,]>>()? {
            Some(_) => {
                sign::<Token![if]>(input)?;
                Some(input.parse()?)
            }
            None => None,
        };
        sign::<Token![=>]>(input)?;
        let handler = handler(input)?;
        Ok(Branch {
            pat,
            future,
            condition,
            handler,
        })
    }

    fn into_tokens(self, span: Span) -> TokenStream {
        let Branch {
            pat,
            future,
            condition,
            handler,
        } = self;
        let condition = condition.map(|condition| quote_spanned!(span=> , if #condition));
        quote_spanned!(span=> #pat = #future #condition => #handler,)
    }
}

/// `biased;`, which `join!` knows too.
pub(crate) fn biased(input: ParseStream) -> Result<TokenStream> {
    let fork = input.fork();
    let word = fork.parse::<Ident>();
    if !word.is_ok_and(|word| word == "biased") || !fork.peek(Token![;]) {
        return Ok(TokenStream::new());
    }
    let word: Ident = input.parse()?;
    let semi: Token![;] = input.parse()?;
    Ok(quote_spanned!(word.span()=> #word #semi))
}

/// A block ends the branch; after any other expression there is a comma, or the end.
fn handler(input: ParseStream) -> Result<Expr> {
    if input.peek(token::Brace) {
        let block = ExprBlock {
            attrs: Vec::new(),
            label: None,
            block: input.parse()?,
        };
        input.parse::<Option<Token![,]>>()?;
        return Ok(Expr::Block(block));
    }
    let handler: Expr = input.parse()?;
    if !input.is_empty() {
        sign::<Token![,]>(input)?;
    }
    Ok(handler)
}

/// One of the signs by which a branch is known.
fn sign<T: Parse>(input: ParseStream) -> Result<T> {
    input
        .parse()
        .map_err(|error| Error::new(error.span(), format!("{error}: {BRANCH}")))
}

/// Whether a `select!` is of the crate `futures`: that is not said, and one of its branches is a word.
fn may_be_foreign(mac: &Macro) -> bool {
    let mut rest = mac.tokens.clone().into_iter().peekable();
    let mut words = std::iter::from_fn(|| {
        let token = rest.next()?;
        let arrow = matches!(rest.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '=');
        let is_word = |word: &Ident| word == "complete" || word == "default";
        Some(arrow && matches!(token, TokenTree::Ident(word) if is_word(&word)))
    });
    mac.path.get_ident().is_some() && words.any(|found| found)
}
