//! The futures of a case.

use super::{
    Tape,
    case::Case,
    log::{Shared, Work},
    spies::Local,
};
use crate::checkpoints::helpers::gated;
use ctx::Canceller;
use futures::{
    FutureExt, StreamExt,
    future::{join_all, maybe_done, select},
    stream::FuturesUnordered,
};
use std::{
    any::Any,
    future::{Future, pending, poll_fn},
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
    task::Poll,
};
use tokio::task::LocalSet;

/// How deep the trees of a case are.
pub(super) const DEPTH: usize = 5;

impl Case {
    pub(super) fn build(&mut self, tape: &mut Tape, depth: usize) -> Local {
        let leaf = depth == 0 || tape.is_over();
        let kind = tape.below(if leaf { 7 } else { 26 });
        self.tell_of(kind, depth);
        match kind {
            0 => Box::pin(pending()),
            1 => {
                let (gate, future) = gated();
                self.gates.push(gate);
                Box::pin(future)
            }
            2 => {
                let mut left = tape.below(3);
                let last = self.canceller(tape).filter(|_| tape.below(2) == 1);
                Box::pin(poll_fn(move |cx| {
                    if left == 0 {
                        // Cancels in the middle of everybody's poll.
                        last.as_ref().map(Canceller::cancel);
                        return Poll::Ready(());
                    }
                    left -= 1;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }))
            }
            3 => self.places.add(self.around).future(),
            4 | 5 => self.build_meddler(tape),
            6 => self.build_thrower(tape),
            7..=12 => self.build_checkpoint(tape, depth),
            13 => {
                let place = self.places.add(self.around);
                let around = self.around.replace(self.places.all.borrow().len() - 1);
                let future = self.build(tape, depth - 1);
                self.around = around;
                place.0.borrow_mut().future = Some(future);
                place.future()
            }
            14 => {
                let future = self.build(tape, depth - 1);
                self.places.change_waker(future)
            }
            15 => {
                let (a, b) = (self.build(tape, depth - 1), self.build(tape, depth - 1));
                Box::pin(select(a, b).map(drop))
            }
            16 => {
                let count = 1 + tape.below(4);
                let all: Vec<_> = (0..count).map(|_| self.build(tape, depth - 1)).collect();
                match tape.below(3) {
                    0 => Box::pin(async move { drop(join_all(all).await) }),
                    by => Box::pin(turning(all, by)),
                }
            }
            17 => self.build_branches(tape, depth),
            18..=22 => self.build_function(tape, depth),
            23 => {
                let caught = mem::replace(&mut self.is_caught, true);
                let future = self.build(tape, depth - 1);
                self.is_caught = caught;
                catcher(future, tape.below(3))
            }
            24 => {
                let future = self.build(tape, depth - 1);
                inner_task(Rc::clone(&self.log), future)
            }
            _ => {
                let all = (0..=tape.below(3)).map(|_| self.build(tape, depth - 1));
                let all: FuturesUnordered<_> = all.collect();
                Box::pin(all.for_each(|()| std::future::ready(())))
            }
        }
    }

    fn tell_of(&self, kind: usize, depth: usize) {
        let noun = match kind {
            0 => "pending",
            1 => "gate",
            2 => "yields",
            3 => "empty place",
            4 | 5 => "meddler",
            6 => "thrower",
            7..=12 => "checkpoint",
            13 => "place",
            14 => "other waker",
            15 => "select",
            16 => "join",
            17 => "branches",
            18..=22 => "function",
            23 => "catcher",
            24 => "inner task",
            _ => "unordered",
        };
        let indent = 2 * DEPTH.saturating_sub(depth);
        self.log.borrow().tell(format_args!("{:indent$}{noun}", ""));
    }

    /// Somebody who takes what is not his, or polls it.
    fn build_meddler(&self, tape: &mut Tape) -> Local {
        let mut left = 1 + tape.below(4);
        let places = self.places.clone();
        let how = [2, 99, 99, 3].map(|limit| tape.below(limit));
        let peeks = tape.below(2) == 1;
        let stays = tape.below(2) == 1;
        self.log.borrow().tell(format_args!(
            "meddles {left} times, {how:?}, peeks: {peeks}, stays: {stays}"
        ));
        if left == 4 {
            // As often as he is polled himself.
            return Box::pin(poll_fn(move |cx| {
                places.visit(how[1], cx);
                Poll::Pending
            }));
        }
        Box::pin(poll_fn(move |cx| {
            if left == 0 {
                return Poll::Pending;
            }
            left -= 1;
            if peeks {
                places.peek(how[1], cx);
            } else if left == 0 {
                places.meddle(how);
            }
            if left == 0 && !stays {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    /// One who panics, once.
    fn build_thrower(&mut self, tape: &mut Tape) -> Local {
        let (gate, gated) = gated();
        match tape.below(3) {
            0 => gate.open(),
            _ => self.gates.push(gate),
        }
        let (mut gated, mut throws) = (Box::pin(gated), true);
        Box::pin(poll_fn(move |cx| {
            if throws && gated.as_mut().poll(cx).is_ready() {
                throws = false;
                resume_unwind(Box::new(THROWN));
            }
            Poll::Pending
        }))
    }

    /// The future of a checkpoint.
    pub(super) fn build_inside(&mut self, tape: &mut Tape, depth: usize) -> Local {
        let child = self.build(tape, depth - 1);
        if !self.is_caught {
            return child;
        }
        let throws = match tape.below(4) {
            0 | 1 => return child,
            _ => self.build_thrower(tape),
        };
        let all = if tape.below(2) == 0 {
            [child, throws]
        } else {
            [throws, child]
        };
        Box::pin(join_all(all).map(drop))
    }
}

/// Another task, which whoever waits for it polls himself. Those around it are not at work for what is inside.
fn inner_task(log: Shared, mut future: Local) -> Local {
    struct Apart(Shared, Vec<Work>);
    impl Drop for Apart {
        fn drop(&mut self) {
            self.0.borrow_mut().work = mem::take(&mut self.1);
        }
    }
    let local = LocalSet::new();
    let task = local.spawn_local(poll_fn(move |cx| {
        let work = mem::take(&mut log.borrow_mut().work);
        let _apart = Apart(Rc::clone(&log), work);
        future.as_mut().poll(cx)
    }));
    Box::pin(async move {
        if let Err(error) = local.run_until(task).await {
            expect_thrown(error.into_panic());
        }
    })
}

const THROWN: &str = "thrown";

/// Goes on with a panic that is not a thrower's, nor comes of one: a future that has panicked may be polled once more.
pub(super) fn expect_thrown(panic: Box<dyn Any + Send>) {
    let said = panic.downcast_ref().copied();
    if !said.is_some_and(|said: &str| said == THROWN || said.ends_with("resumed after panicking")) {
        resume_unwind(panic);
    }
}

/// Catches a panic. It drops what has panicked at once, or in its next poll, or goes on with it as long as that can be
/// polled.
fn catcher(future: Local, how: usize) -> Local {
    let (mut future, mut panicked) = (Some(future), false);
    Box::pin(poll_fn(move |cx| {
        let Some(inner) = &mut future else {
            return Poll::Pending;
        };
        if !(panicked && how == 1) {
            match catch_unwind(AssertUnwindSafe(|| inner.as_mut().poll(cx))) {
                Ok(polled) => return polled,
                Err(panic) => expect_thrown(panic),
            }
            if how > 0 && !panicked {
                panicked = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        drop(future.take());
        Poll::Ready(())
    }))
}

/// A join that begins with another one in each poll, as tokio's does.
fn turning(all: Vec<Local>, by: usize) -> impl Future<Output = ()> {
    let mut all: Vec<_> = all.into_iter().map(maybe_done).collect();
    let mut first = 0;
    poll_fn(move |cx| {
        let count = all.len();
        let mut ready = true;
        for at in 0..count {
            ready &= all[(first + at) % count].poll_unpin(cx).is_ready();
        }
        first = (first + by) % count;
        if ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
}
