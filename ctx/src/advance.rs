//! One poll of a checkpoint, as it mostly goes.
//!
//! Most checkpoints are calls within calls: the frame around them is on their scope, their future is polled
//! with the frame's own task context, and comes back pending with an answer from inside, or ready with
//! nothing to see to. Such a one compares two words before the poll and one after it, and is not called for
//! anything. All others cost one call for what precedes the poll (`enter`) and one for what follows it (`stay`,
//! `deliver`), but for the outermost ones that are ready at once, which many are: these need no call after it.
//!
//! 1. `Keeper::joins` is just a line only where the checkpoint has started, may give up, and has no watch, or is over and
//!    not polled again. Nobody inside can change that while it polls its future, as the keeper is borrowed.
//! 2. What an `Asking` that has not joined compares with, no frame has heard. So what follows the poll of one that
//!    stays pending needs no second look at how it asked.
//! 3. Each shortcut here does what `leave`, `finish` and `decide` would come to; where it is not certain of
//!    that, they are asked.

use crate::{
    aside::aside,
    asking::{self, Asking, answer_top},
    context::Context,
    few::Few,
    frame::waker_id,
    heard::{Bits, Heard},
    keeper::{Keeper, Mode, Parts, Start},
    node::{Node, ScopeRef, address},
    promise::{Parting, Watch},
    watch,
};
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker},
};

/// What one poll came to.
pub(crate) enum Step<T> {
    Pending,
    Ready(T),
    /// The context has ended. The caller drops the future, and returns the error (see `Keeper::refusal`).
    GivesUp,
}

/// One poll of a live checkpoint. What it needs after the poll it takes from `parts` once more, which leaves
/// little to be kept in registers meanwhile.
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(
    not(debug_assertions),
    inline(always),
    expect(clippy::inline_always, reason = "see `InBody::poll`")
)]
pub(crate) fn advance<F: Future, P: Parts>(
    future: Pin<&mut F>,
    parts: &mut P,
    cx: &mut TaskContext<'_>,
) -> Step<F::Output> {
    let asking = match before(parts, cx) {
        Ok(asking) => asking,
        Err(Start::Refused) => return Step::GivesUp,
        Err(Start::Waits | Start::Goes) => return Step::Pending,
    };
    let guard = asking.guard(parts);
    let polled = future.poll(cx);
    guard.disarm();
    match polled {
        Poll::Pending => {
            if asking.leaves_answered() {
                asking::rely();
                return Step::Pending;
            }
            aside();
            if stay(parts, asking, cx) {
                return Step::Pending;
            }
            Step::GivesUp
        }
        Poll::Ready(output) => {
            // It is not rare, but where it stands aside all those who stay pending return without a jump.
            aside();
            if parts.parts().1.delivers_at_once(asking) {
                parts.is_done();
            } else {
                aside();
                deliver(parts, asking, cx.waker());
            }
            Step::Ready(output)
        }
    }
}

/// What precedes the poll; why there is none, if so.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is a part of its one caller")]
fn before<P: Parts>(parts: &mut P, cx: &mut TaskContext<'_>) -> Result<Asking, Start> {
    if let Some(joined) = parts.parts().1.join(cx) {
        return Ok(joined);
    }
    aside();
    let (context, keeper) = parts.parts();
    let asking = enter::<P>(context, keeper, cx);
    match asking.stops() {
        None => Ok(asking),
        Some(start) => Err(start),
    }
}

/// Before the poll of one that does not join in the simplest way. It only tells the two apart, as each has something
/// else to keep meanwhile.
///
/// All three are generic, so that they are compiled where they are used: a program finds its own threads' cells without a
/// call, and a library does not.
#[inline(never)]
fn enter<P>(context: &Context, keeper: &mut Keeper, cx: &mut TaskContext<'_>) -> Asking {
    if keeper.has_started() {
        enter_again::<P>(context, keeper, cx)
    } else {
        enter_first::<P>(context, keeper, cx)
    }
}

/// Before the first poll.
#[inline(never)]
#[expect(clippy::extra_unused_type_parameters, reason = "see `enter`")]
fn enter_first<P>(context: &Context, keeper: &mut Keeper, cx: &mut TaskContext<'_>) -> Asking {
    keeper.ask_first(context, cx)
}

/// Before one of the others.
#[inline(never)]
#[expect(clippy::extra_unused_type_parameters, reason = "see `enter`")]
fn enter_again<P>(context: &Context, keeper: &mut Keeper, cx: &mut TaskContext<'_>) -> Asking {
    keeper.ask_again(context, cx)
}

/// The future stayed pending. False if the checkpoint gives up.
#[inline(never)]
fn stay<P: Parts>(parts: &mut P, asking: Asking, cx: &mut TaskContext<'_>) -> bool {
    let (context, keeper) = parts.parts();
    keeper.stay(asking, context, cx)
}

/// The future was ready: the watch ends.
#[inline(never)]
fn deliver<P: Parts>(parts: &mut P, asking: Asking, waker: &Waker) {
    let (context, keeper) = parts.parts();
    if !keeper.delivers_simply(asking, context, waker) {
        keeper.deliver_anyhow(asking, context, waker);
    }
    parts.is_delivered();
}

impl Keeper {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is all that its one caller does")]
    fn stay(&mut self, asking: Asking, context: &Context, cx: &mut TaskContext<'_>) -> bool {
        // Who listens hears of each step, and may end the context just before this looks at it.
        #[cfg(feature = "testing")]
        if crate::probe::somebody_listens() {
            return self.stay_anyhow(asking, context, cx);
        }
        match &mut *self.watch {
            _ if self.mode != Mode::Race => {}
            Some(watch) => {
                if waits_still(watch, asking, context, cx) {
                    return true;
                }
            }
            None => match self.leaves_simply(asking) {
                Some(bits) if bits.answered() => {
                    self.notes_relied(bits);
                    return true;
                }
                Some(_) => return self.wait_first(asking, context, cx),
                None => {}
            },
        }
        aside();
        self.stay_anyhow(asking, context, cx)
    }

    #[inline(never)]
    fn stay_anyhow(&mut self, asking: Asking, context: &Context, cx: &mut TaskContext<'_>) -> bool {
        // Without a line there is nothing that could end.
        let Some(line) = context.line() else {
            return true;
        };
        if asking.leaves_unheard() {
            #[cfg(feature = "testing")]
            crate::probe::pends(self, false);
            if self.mode == Mode::Race && self.watch.is_none() {
                return self.wait_first(asking, context, cx);
            }
            let heard = asking.nothing();
            return self.stays(line, heard, cx) || self.stay_or_part(heard.into(), line, cx);
        }
        let heard = self.leaves(asking);
        #[cfg(feature = "testing")]
        crate::probe::pends(self, heard.bits.answered());
        let stays = heard.rare.is_none() && self.stays(line, heard.bits, cx);
        stays || self.stay_or_part(heard, line, cx)
    }

    #[inline(never)]
    fn stay_or_part(&mut self, heard: Heard, line: &Arc<Node>, cx: &mut TaskContext<'_>) -> bool {
        let mut wakers = Few::new();
        if !self.decide(line, heard, &mut wakers, cx) {
            return true;
        }
        self.rare().parting = Some(Parting {
            wakers,
            current: Some(cx.waker().clone()),
            asking: None,
        });
        false
    }

    /// The future stayed pending: true if that was one of the common cases, and all is done: the innermost
    /// waits as it did before, or the outermost was answered.
    #[inline(never)]
    fn stays(&mut self, line: &Arc<Node>, heard: Bits, cx: &mut TaskContext<'_>) -> bool {
        if heard.unsure() {
            return false;
        }
        if heard.answered() {
            return self.stays_answered(heard, cx.waker());
        }
        let Some(scope) = ScopeRef::of(line) else {
            return false;
        };
        match &mut *self.watch {
            Some(watch) if self.mode == Mode::Race && watch.is_just(waker_id(cx.waker())) => {
                !scope.is_ended() && waits_on(watch, scope, cx)
            }
            Some(_) | None => false,
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is short where it is called for")]
    fn stays_answered(&mut self, heard: Bits, waker: &Waker) -> bool {
        if self.mode != Mode::Race {
            return false;
        }
        self.notes_relied(heard);
        // From an earlier await it may wait still. It is woken for nothing then, but with those inside.
        let quiet = match &*self.watch {
            None => true,
            Some(watch) => watch.answer.is_none() && watch.is_just(waker_id(waker)),
        };
        if quiet && heard.joined() && self.watch.is_none() {
            asking::rely();
        }
        quiet && (heard.joined() || asking::nobody_asks())
    }

    /// The innermost, which nobody answered, enters the list for the first time. False if the checkpoint gives up.
    #[inline(never)]
    fn wait_first(&mut self, asking: Asking, context: &Context, cx: &mut TaskContext<'_>) -> bool {
        // Without a line there is nothing that could end.
        let Some(line) = context.line() else {
            return true;
        };
        if let Some(scope) = ScopeRef::of(line) {
            if let Some(key) = watch::enroll_first(scope, cx.waker()) {
                let watch = self.new_watch();
                watch.key = key;
                watch.waker = waker_id(cx.waker());
                // Mostly nobody asks, and time does not end it.
                let alone = asking.was_alone() && scope.own.deadline.is_none();
                if alone || waits_on(watch, scope, cx) {
                    return true;
                }
            }
        }
        self.stay_or_part(asking.nothing().into(), line, cx)
    }
}

/// Whether the innermost waits as it did before, on a scope that time does not end.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is a part of its one caller")]
fn waits_still(watch: &mut Watch, asking: Asking, context: &Context, cx: &TaskContext<'_>) -> bool {
    // The waker stands in the list, and is woken by whoever ends the scope after this look at it.
    watch.is_just(waker_id(cx.waker()))
        && context.is_on_quiet_line()
        && asking.leaves_answering(&mut watch.answer)
}

/// The rest of it for one whose waker stands in the list: the deadline, and the answer. False if there is
/// more to do.
#[inline]
fn waits_on(watch: &mut Watch, scope: ScopeRef<'_>, cx: &mut TaskContext<'_>) -> bool {
    let in_time = scope.own.deadline.is_none()
        || watch::poll_deadline(scope, &mut watch.timer, cx).is_pending();
    in_time && answer_top(&mut watch.answer, address(scope.node), watch.waker)
}
