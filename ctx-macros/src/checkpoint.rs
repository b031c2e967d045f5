//! One `.await`, made a checkpoint.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Arm, Expr, ExprAwait, ExprMatch, Token, parse_quote_spanned, token};

use crate::handle;
use crate::options::Mode;
use crate::runtime::{Runtime, generated, start};
use crate::scope::Exit;

/// Puts the context in front of an await.
// Input:
//     BASE.await
//
// Output:
//     match ::ctx::__private::race(::ctx::__private::handle(&ctx), BASE).await {
//         ::core::result::Result::Ok(__v) => __v,
//         ::core::result::Result::Err(__c) => return ::ctx::FromCancelled::from_cancelled(__c),
//     }
//
// There is no block and no `let` around BASE, so its temporaries live as long as they did. The
// call stands at the `await` (that is the line a cancellation names), the `match` at BASE (that
// is where a lint about the value points).
pub(crate) fn checkpoint(await_: ExprAwait, mode: Mode, exit: Exit, runtime: &Runtime) -> Expr {
    let ExprAwait {
        attrs,
        base,
        dot_token,
        await_token,
    } = await_;
    let name = match mode {
        Mode::Race => "race",
        Mode::Between => "between",
        Mode::None => {
            return Expr::Await(ExprAwait {
                attrs,
                base,
                dot_token,
                await_token,
            });
        }
    };
    let span = await_token.span;
    let tokens = base.to_token_stream();
    let first = start(&tokens).unwrap_or(span);
    let handle = handle::handle(tokens, runtime, span);
    let call = runtime.call(name, [handle, without_parens(*base)], span);
    let awaited = ExprAwait {
        attrs: Vec::new(),
        base: Box::new(call),
        dot_token,
        await_token,
    };
    let mut outcome = outcome(Expr::Await(awaited), exit, runtime, span);
    outcome.match_token.span = first;
    outcome.attrs = attrs;
    Expr::Match(outcome)
}

/// `match RESULT { Ok(__v) => __v, Err(__c) => return .. }`
pub(crate) fn outcome(result: Expr, exit: Exit, runtime: &Runtime, span: Span) -> ExprMatch {
    let quiet = generated(span);
    let cancelled: Expr = parse_quote_spanned!(quiet=> __c);
    let leave = exit.leave(runtime, cancelled);
    let value: Arm = parse_quote_spanned!(quiet=> ::core::result::Result::Ok(__v) => __v,);
    let mut early: Arm = parse_quote_spanned!(quiet=> ::core::result::Result::Err(__c) => (),);
    *early.body = leave;
    ExprMatch {
        attrs: Vec::new(),
        match_token: Token![match](span),
        expr: Box::new(result),
        brace_token: token::Brace(span),
        arms: vec![value, early],
    }
}

/// Parentheses that are needed before `.await` are too many around an argument.
pub(crate) fn without_parens(base: Expr) -> Expr {
    match base {
        Expr::Paren(paren) if paren.attrs.is_empty() => *paren.expr,
        other => other,
    }
}
