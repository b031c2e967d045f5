//! `tokio::select!`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Expr, ExprBlock, Macro, Pat, Result, Token, parse_quote_spanned, token};

use crate::macros::foreign_select;
use crate::rewrite::Rewriter;
use crate::runtime::generated;
use crate::scope::Exit;
use crate::slot;

/// The arguments of the macro.
struct Select {
    biased: TokenStream,
    branches: Vec<Branch>,
    otherwise: Option<Expr>,
}

/// `PAT = FUTURE, if CONDITION => HANDLER`
struct Branch {
    pat: Pat,
    future: Expr,
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
//     match ::ctx::__private::slot(::ctx::__private::handle(&ctx), false) {
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
pub(crate) fn rewrite(mac: &Macro, exit: Exit, rewriter: &mut Rewriter) -> Result<Expr> {
    let mut select = Select::parse
        .parse2(mac.tokens.clone())
        .map_err(|_| foreign_select(mac))?;
    select.rewrite(rewriter);
    let quiet = generated(mac.path.span());
    let otherwise = select.otherwise(exit, rewriter, quiet);
    let Select {
        biased, branches, ..
    } = select;
    let branches = branches.into_iter().map(Branch::into_tokens);
    let path = &mac.path;
    let body = quote_spanned! {quiet=> #path! { #biased #(#branches)* else => #otherwise, } };
    Ok(slot::around(mac, &body, rewriter))
}

impl Select {
    fn parse(input: ParseStream) -> Result<Select> {
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

    fn rewrite(&mut self, rewriter: &mut Rewriter) {
        for branch in &mut self.branches {
            rewriter.visit_expr_mut(&mut branch.future);
            branch
                .condition
                .iter_mut()
                .for_each(|condition| rewriter.visit_expr_mut(condition));
            rewriter.visit_expr_mut(&mut branch.handler);
        }
        self.otherwise
            .iter_mut()
            .for_each(|otherwise| rewriter.visit_expr_mut(otherwise));
    }

    /// The end of a `select!` whose branches are all disabled.
    fn otherwise(&mut self, exit: Exit, rewriter: &Rewriter, quiet: Span) -> Expr {
        let otherwise = self.otherwise.take().unwrap_or_else(|| {
            let message = "all branches are disabled and there is no else branch";
            parse_quote_spanned!(quiet=> ::core::panic!(#message))
        });
        let leave = exit.leave(rewriter.runtime, parse_quote_spanned!(quiet=> __c));
        parse_quote_spanned! {quiet=>
            match __slot.stopped() {
                ::core::option::Option::Some(__c) => #leave,
                ::core::option::Option::None => #otherwise,
            }
        }
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
        let quiet = generated(pat.span());
        let condition = condition.map(|condition| quote_spanned!(quiet=> , if #condition));
        let future = slot::branch("branch", future);
        quote_spanned!(quiet=> ::core::result::Result::Ok(#pat) = #future #condition => #handler,)
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
