//! One `.await`, made a checkpoint.

use proc_macro2::{Ident, Span};
use syn::{Arm, Expr, ExprAwait, ExprMatch, Token, token};

use crate::runtime::Runtime;
use crate::scope::Exit;
use crate::seat;
use crate::syntax::{self, arm, generated, other_arm, start_of};

/// What stands in front of an await, and what is done where it gives up.
pub(crate) enum Guard {
    /// A checkpoint that leaves its error with the state which it uses: see `seat`.
    Seated(Expr),
    /// One that has a state of its own, and whose error is made where it stands: see `awaits`.
    Only(Expr),
    /// One that has a state of its own, and returns its error.
    Alone(Expr),
}

/// Puts the context in front of an await.
// Input:
//     BASE.await
//
// Output:
//     match __body.__race(BASE).await {
//         ::core::option::Option::Some(__v) => __v.__take(),
//         _ => return ::ctx::FromCancelled::__from_body(&__body),
//     }
// or, where it is the only await of its function:
//     match __body.__race(BASE).await {
//         ::core::option::Option::Some(__v) => __v.__take(),
//         _ => return ::ctx::FromCancelled::from_cancelled(__body.__gave_up()),
//     }
// or, where no state is to be had:
//     match ::ctx::__private::race(::ctx::__private::handle(&ctx), BASE).await {
//         ::core::result::Result::Ok(__v) => __v,
//         ::core::result::Result::Err(__c) => return ::ctx::FromCancelled::from_cancelled(__c),
//     }
//
// There is no block and no `let` around BASE, so its temporaries live as long as they did. The
// call stands at the `await` (that is the line a cancellation names), the `match` at BASE (that
// is where a lint about the value points).
pub(crate) fn checkpoint(
    await_: ExprAwait,
    exit: Exit,
    runtime: &Runtime,
    guard: impl FnOnce(Expr, Span) -> Guard,
) -> Expr {
    let ExprAwait {
        attrs,
        base,
        dot_token,
        await_token,
    } = await_;
    let span = await_token.span;
    let first = start_of(&base).unwrap_or(span);
    let guard = guard(argument(*base), span);
    let arms = arms(&guard, exit, runtime, first, span);
    let (Guard::Seated(call) | Guard::Only(call) | Guard::Alone(call)) = guard;
    let awaited = ExprAwait {
        attrs: Vec::new(),
        base: Box::new(call),
        dot_token,
        await_token,
    };
    Expr::Match(ExprMatch {
        attrs,
        match_token: Token![match](first),
        expr: Box::new(Expr::Await(awaited)),
        brace_token: token::Brace(span),
        arms,
    })
}

fn arms(guard: &Guard, exit: Exit, runtime: &Runtime, first: Span, span: Span) -> Vec<Arm> {
    let quiet = generated(span);
    // A value of the wrong type is then the author's mistake, and not one of this expansion.
    let value = runtime.name("__v", span);
    // It stands where his expression does, which is what the compiler may put something around.
    let whole = runtime.name("__v", first);
    let leave = match guard {
        Guard::Seated(_) => exit.leave_seat(runtime),
        Guard::Only(_) => exit.leave(runtime, seat::gave_up(span)),
        Guard::Alone(_) => {
            let cancelled = Ident::new("__c", quiet);
            let leave = exit.leave(runtime, syntax::expr(cancelled.clone()));
            let ready = syntax::expr(value.clone());
            return vec![
                arm(["result", "Result", "Ok"], &value, ready, quiet),
                arm(["result", "Result", "Err"], &cancelled, leave, quiet),
            ];
        }
    };
    let take = syntax::method(whole, runtime.name("__take", span), []);
    vec![
        arm(["option", "Option", "Some"], &value, take, quiet),
        other_arm(leave, quiet),
    ]
}

/// The awaited expression as an argument. What the author had to put around it before `.await` must
/// not be one pair too many now: parentheses go, and braces, which end temporaries, become ours.
pub(crate) fn argument(base: Expr) -> Expr {
    match base {
        Expr::Paren(paren) if paren.attrs.is_empty() => *paren.expr,
        Expr::Block(mut block) => {
            syntax::take_over(&mut block.block);
            Expr::Block(block)
        }
        other => other,
    }
}
