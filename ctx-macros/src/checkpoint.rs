//! One `.await`, made a checkpoint.

use proc_macro2::{Ident, Span};
use syn::{Expr, ExprAwait, ExprMatch, Token, token};

use crate::runtime::Runtime;
use crate::scope::Exit;
use crate::syntax::{self, generated, result_arm, start_of};

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
//
// An await on the function's own `ctx` uses the state of the function instead (see `seat`), which is
// borrowed last, since there may be other awaits in BASE:
//     match ::ctx::__private::race_in(BASE, &mut __body).await { .. }
pub(crate) fn checkpoint(
    await_: ExprAwait,
    exit: Exit,
    runtime: &Runtime,
    call: impl FnOnce(Expr, Span) -> Expr,
) -> Expr {
    let ExprAwait {
        attrs,
        base,
        dot_token,
        await_token,
    } = await_;
    let span = await_token.span;
    let first = start_of(&base).unwrap_or(span);
    let call = call(argument(*base), span);
    let awaited = ExprAwait {
        attrs: Vec::new(),
        base: Box::new(call),
        dot_token,
        await_token,
    };
    let quiet = generated(span);
    // A value of the wrong type is then the author's mistake, and not one of this expansion.
    let value = runtime.name("__v", span);
    let cancelled = Ident::new("__c", quiet);
    let leave = exit.leave(runtime, syntax::expr(cancelled.clone()));
    let ready = result_arm("Ok", &value, syntax::expr(value.clone()), quiet);
    let early = result_arm("Err", &cancelled, leave, quiet);
    Expr::Match(ExprMatch {
        attrs,
        match_token: Token![match](first),
        expr: Box::new(Expr::Await(awaited)),
        brace_token: token::Brace(span),
        arms: vec![ready, early],
    })
}

/// The awaited expression as an argument. What the author had to put around it before `.await` must
/// not be one pair too many now: parentheses go, and braces, which end temporaries, become ours.
pub(crate) fn argument(base: Expr) -> Expr {
    match base {
        Expr::Paren(paren) if paren.attrs.is_empty() => *paren.expr,
        Expr::Block(mut block) => {
            let span = block.block.brace_token.span.join();
            // Ours, and of the author's edition, on which the life of temporaries depends.
            let ours = span.resolved_at(Span::call_site());
            block.block.brace_token = token::Brace(ours);
            Expr::Block(block)
        }
        other => other,
    }
}
