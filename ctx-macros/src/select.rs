//! `tokio::select!`.

use std::mem;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Expr, ExprBlock, ExprMatch, Macro, Pat, Result, Token, parse_quote_spanned, token};

use crate::macros::foreign_select;
use crate::rewrite::Rewriter;
use crate::scope::Exit;
use crate::seat;
use crate::slot;
use crate::syntax::generated;

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
    let Ok(mut select) = Select::parse.parse2(mac.tokens.clone()) else {
        return exit.map_or(Ok(None), |_| Err(foreign_select(mac)));
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
        mac.tokens = select.into_tokens();
        return Ok(None);
    };
    select.add_checkpoints(exit, rewriter, generated(mac.path.span()));
    let (path, tokens) = (&mac.path, select.into_tokens());
    let whole = quote!(#path! { #tokens });
    Ok(Some(slot::around(mac, &whole, uses, rewriter)))
}

impl Select {
    pub(crate) fn parse(input: ParseStream) -> Result<Select> {
        let biased = biased(input)?;
        let mut select = Select {
            biased,
            branches: Vec::new(),
            otherwise: None,
        };
        while !input.is_empty() {
            if input.parse::<Option<Token![else]>>()?.is_some() {
                input.parse::<Token![=>]>()?;
                select.otherwise = Some(input.parse()?);
                input.parse::<Option<Token![,]>>()?;
                break;
            }
            select.branches.push(Branch::parse(input)?);
        }
        if input.is_empty() {
            return Ok(select);
        }
        Err(input.error("expected the end of `select!`"))
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
        let mut whole: ExprMatch = parse_quote_spanned! {quiet=>
            match __slot.stopped() {
                ::core::option::Option::Some(__c) => #leave,
                ::core::option::Option::None => (),
            }
        };
        // Not parsed as an arm, where `match .. {} * 2` would end at the brace: printed as one, it
        // gets the parentheses that it needs there.
        *whole.arms[1].body = otherwise;
        self.otherwise = Some(Expr::Match(whole));
    }

    pub(crate) fn into_tokens(self) -> TokenStream {
        let biased = self.biased;
        let branches = self.branches.into_iter().map(Branch::into_tokens);
        let otherwise = self.otherwise.map(|otherwise| quote!(else => #otherwise,));
        quote!(#biased #(#branches)* #otherwise)
    }
}

impl Branch {
    fn parse(input: ParseStream) -> Result<Branch> {
        let pat = input.call(Pat::parse_multi_with_leading_vert)?;
        input.parse::<Token![=]>()?;
        let future = input.parse()?;
        let condition = match input.parse::<Option<Token![,]>>()? {
            Some(_) => {
                input.parse::<Token![if]>()?;
                Some(input.parse()?)
            }
            None => None,
        };
        input.parse::<Token![=>]>()?;
        let handler = handler(input)?;
        Ok(Branch {
            pat,
            future,
            condition,
            handler,
        })
    }

    fn into_tokens(self) -> TokenStream {
        let Branch {
            pat,
            future,
            condition,
            handler,
        } = self;
        let condition = condition.map(|condition| quote!(, if #condition));
        quote!(#pat = #future #condition => #handler,)
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
        input.parse::<Token![,]>()?;
    }
    Ok(handler)
}
