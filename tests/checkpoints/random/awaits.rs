//! The checkpoints of a case: made by hand, by an annotated function, and by the macros that join.

use super::{
    Tape,
    case::Case,
    log::Spied,
    spies::{Guarded, Inside, Local, Outside, guarded},
};
use ctx::Context;
use futures::{FutureExt, future::join_all};
use std::{future::IntoFuture, rc::Rc};

impl Case {
    fn spy(&self, ctx: usize, between: bool) -> usize {
        let log = &mut *self.log.borrow_mut();
        log.spied.push(Spied {
            ctx,
            between,
            waits: false,
            gone: false,
            met: vec![],
            met_before: usize::MAX,
            polled: 0,
        });
        let id = log.spied.len() - 1;
        log.tell(format_args!("{id} on context {ctx}, between: {between}"));
        id
    }

    /// An annotated function, whose awaits share a state, or whose only await has its own.
    pub(super) fn build_function(&mut self, tape: &mut Tape, depth: usize) -> Local {
        let ctx = tape.below(self.log.borrow().contexts.len());
        let mut awaits = Vec::new();
        for _ in 0..=tape.below(3) {
            let between = tape.below(5) == 4;
            let child = self.build_inside(tape, depth);
            let id = self.spy(ctx, between);
            let log = Rc::clone(&self.log);
            awaits.push((between, Inside::new(id, log, child)));
        }
        let context = self.log.borrow().contexts[ctx].ctx.clone();
        if awaits.len() == 1 && tape.below(3) > 0 {
            let (between, inside) = awaits.remove(0);
            return Box::pin(only(context, between, inside));
        }
        Box::pin(async move {
            let mut body = ctx::__private::Body::new(&context);
            for (between, inside) in awaits {
                let (id, log) = inside.names();
                let checkpoint = if between {
                    body.__between(inside).into_future()
                } else {
                    body.__race(inside).into_future()
                };
                let checkpoint = guarded(checkpoint, |it| it.is_none());
                if Outside::new(id, log, checkpoint).await {
                    break;
                }
            }
        })
    }

    /// The branches of a `join!`, or the only one of a `try_join!`, which waits for nobody else before it gives up.
    pub(super) fn build_branches(&mut self, tape: &mut Tape, depth: usize) -> Local {
        let ctx = tape.below(self.log.borrow().contexts.len());
        let between = tape.below(5) == 4;
        let count = tape.below(4);
        let mut branches = Vec::new();
        for _ in 0..count.max(1) {
            let child = self.build_inside(tape, depth);
            let (id, log) = (self.spy(ctx, between), Rc::clone(&self.log));
            branches.push(Inside::new(id, log, child));
        }
        let context = self.log.borrow().contexts[ctx].ctx.clone();
        Box::pin(async move {
            let slot = ctx::__private::slot(context, between);
            let branches = branches.into_iter().map(|inside| {
                let (id, log) = inside.names();
                let checkpoint = if count == 0 {
                    guarded(slot.try_branch(inside.map(Ok::<(), ()>)), |it| it.is_err())
                } else {
                    guarded(slot.branch(inside), |it| it.is_err())
                };
                Outside::new(id, log, checkpoint)
            });
            drop(join_all(branches).await);
        })
    }

    pub(super) fn build_checkpoint(&mut self, tape: &mut Tape, depth: usize) -> Local {
        let ctx = tape.below(self.log.borrow().contexts.len());
        let between = tape.below(5) == 4;
        let child = self.build_inside(tape, depth);
        let cleanup = (tape.below(3) == 2).then(|| self.build(tape, depth - 1));
        let id = self.spy(ctx, between);
        let mut later = Vec::new();
        let mut again = Vec::new();
        if tape.below(4) == 3 {
            for _ in 0..=tape.below(2) {
                later.push(self.build_inside(tape, depth));
                again.push(self.spy(ctx, between));
            }
        }
        let context = self.log.borrow().contexts[ctx].ctx.clone();
        let inside = Inside::new(id, Rc::clone(&self.log), child).and_later(later);
        let current = Rc::clone(&inside.id);
        let checkpoint: Guarded<'_> = if between {
            let checkpoint = ctx::__private::between(context, inside).into_future();
            guarded(checkpoint, |it| it.is_err())
        } else {
            guarded(context.run_until_cancelled_owned(inside), |it| it.is_err())
        };
        let mut outside = Outside::new(id, Rc::clone(&self.log), checkpoint);
        Box::pin(async move {
            let mut gave_up = (&mut outside).await;
            for id in again {
                if gave_up {
                    break;
                }
                outside.begin(id);
                current.set(id);
                gave_up = (&mut outside).await;
            }
            drop(outside);
            if let (true, Some(cleanup)) = (gave_up, cleanup) {
                cleanup.await;
            }
        })
    }
}

/// An annotated function with one await.
async fn only(context: Context, between: bool, inside: Inside) {
    let (id, log) = inside.names();
    let body = ctx::__private::Only::new(&context);
    let checkpoint = if between {
        body.__between(inside).into_future()
    } else {
        body.__race(inside).into_future()
    };
    let checkpoint = guarded(checkpoint, |it| it.is_none());
    Outside::new(id, log, checkpoint).await;
}
