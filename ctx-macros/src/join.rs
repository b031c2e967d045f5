//! `join!` and `try_join!`, tokio's and those of the crate `futures`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Expr, Macro, Result, Token, parse_quote_spanned};

use crate::macros::unknown;
use crate::rewrite::Rewriter;
use crate::select::biased;
use crate::slot;
use crate::syntax::generated;

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    All,
    Try,
}

/// The arguments of the macro.
pub(crate) struct Args {
    biased: TokenStream,
    pub(crate) futures: Punctuated<Expr, Token![,]>,
}

/// Makes a checkpoint of every branch, or leaves a call that it cannot read to its own macro.
pub(crate) fn rewrite(
    mac: &mut Macro,
    join: Join,
    rewriter: &mut Rewriter,
) -> Result<Option<Expr>> {
    let exit = rewriter.exit();
    let Ok(mut args) = Args::parse.parse2(mac.tokens.clone()) else {
        let awaits = exit.and_then(|_| rewriter.first_await(&mac.tokens));
        return awaits.map_or(Ok(None), |span| Err(unknown(mac, span)));
    };
    let uses = rewriter.uses_of(|rewriter| {
        let futures = args.futures.iter_mut();
        futures.for_each(|future| rewriter.visit_expr_mut(future));
    });
    let (Some(exit), false) = (exit, args.futures.is_empty()) else {
        mac.tokens = args.into_tokens();
        return Ok(None);
    };
    let quiet = generated(mac.path.span());
    let runtime = rewriter.runtime;
    let leave = exit.leave(runtime, parse_quote_spanned!(quiet=> __slot.stop()));
    let body = match join {
        Join::All => all(mac, args, &leave, quiet),
        Join::Try => {
            let stop = runtime.path(&["__private", "Stop"], quiet);
            try_all(mac, args, &stop, &leave, quiet)
        }
    };
    Ok(Some(slot::around(mac, &body, uses, rewriter)))
}

// Input:
//     tokio::join!(A, B)
//
// Output:
//     match tokio::join!(__slot.branch(A), __slot.branch(B)) {
//         (::core::result::Result::Ok(__v0), ::core::result::Result::Ok(__v1)) => (__v0, __v1),
//         _ => return ::ctx::FromCancelled::from_cancelled(__slot.stop()),
//     }
fn all(mac: &Macro, args: Args, leave: &Expr, quiet: Span) -> TokenStream {
    let path = &mac.path;
    let value = |at| Ident::new(&format!("__v{at}"), quiet);
    let values: Vec<Ident> = (0..args.futures.len()).map(value).collect();
    let args = args.with_checkpoints("branch").into_tokens();
    quote_spanned! {quiet=>
        match #path!(#args) {
            (#(::core::result::Result::Ok(#values),)*) => (#(#values,)*),
            _ => #leave,
        }
    }
}

// Input:
//     tokio::try_join!(A, B)
//
// Output:
//     match tokio::try_join!(__slot.try_branch(A), __slot.try_branch(B)) {
//         ::core::result::Result::Ok(__v) => ::core::result::Result::Ok(__v),
//         ::core::result::Result::Err(::ctx::__private::Stop::Theirs(__e)) => ::core::result::Result::Err(__e),
//         ::core::result::Result::Err(::ctx::__private::Stop::Ours) => return ::ctx::FromCancelled::from_cancelled(__slot.stop()),
//     }
fn try_all(mac: &Macro, args: Args, stop: &syn::Path, leave: &Expr, quiet: Span) -> TokenStream {
    let path = &mac.path;
    let args = args.with_checkpoints("try_branch").into_tokens();
    quote_spanned! {quiet=>
        match #path!(#args) {
            ::core::result::Result::Ok(__v) => ::core::result::Result::Ok(__v),
            ::core::result::Result::Err(#stop::Theirs(__e)) => ::core::result::Result::Err(__e),
            ::core::result::Result::Err(#stop::Ours) => #leave,
        }
    }
}

impl Args {
    pub(crate) fn parse(input: ParseStream) -> Result<Args> {
        let biased = biased(input)?;
        let futures = Punctuated::parse_terminated(input)?;
        Ok(Args { biased, futures })
    }

    fn with_checkpoints(self, method: &str) -> Args {
        let checkpoint = |future| slot::branch(method, future);
        let futures = self.futures.into_iter().map(checkpoint).collect();
        Args { futures, ..self }
    }

    pub(crate) fn into_tokens(self) -> TokenStream {
        let Args { biased, futures } = self;
        quote!(#biased #futures)
    }
}
