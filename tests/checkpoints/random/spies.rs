//! A checkpoint watched from outside and from inside.

use super::log::{Shared, Work};
use std::{
    cell::Cell,
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    rc::Rc,
    task::{Context as TaskContext, Poll},
};

pub(super) type Local = Pin<Box<dyn Future<Output = ()>>>;
/// A checkpoint, which says whether it gave up.
pub(super) type Guarded<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

pub(super) fn guarded<'a, F: Future + 'a>(
    checkpoint: F,
    gave_up: impl Fn(F::Output) -> bool + 'a,
) -> Guarded<'a> {
    let mut checkpoint = Box::pin(checkpoint);
    Box::pin(poll_fn(move |cx| {
        checkpoint.as_mut().poll(cx).map(&gave_up)
    }))
}

/// A checkpoint, watched from outside.
pub(super) struct Outside<'a> {
    id: usize,
    log: Shared,
    checkpoint: Option<Guarded<'a>>,
    started_before: bool,
}

impl<'a> Outside<'a> {
    pub(super) fn new(id: usize, log: Shared, checkpoint: Guarded<'a>) -> Self {
        Self {
            id,
            log,
            checkpoint: Some(checkpoint),
            started_before: false,
        }
    }

    /// It is awaited once more, which the log takes for another one.
    pub(super) fn begin(&mut self, id: usize) {
        self.id = id;
        self.started_before = false;
    }
}

/// Where its future panics, the checkpoint has started, and holds no more than before.
struct Unwinding<'a> {
    id: usize,
    log: &'a Shared,
    started: &'a mut bool,
}

impl Drop for Unwinding<'_> {
    fn drop(&mut self) {
        let log = &mut *self.log.borrow_mut();
        *self.started = true;
        log.work.pop();
        let met = &mut log.spied[self.id].met;
        met.truncate(met.len() - log.work.len());
        log.tell(format_args!(
            "{:1$}{2} panics",
            "",
            log.work.len() + 1,
            self.id
        ));
    }
}

impl Future for Outside<'_> {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<bool> {
        let this = self.get_mut();
        let (id, log) = (this.id, Rc::clone(&this.log));
        let ended = {
            let log = &mut *log.borrow_mut();
            log.clock += 1;
            let around: Vec<_> = log.work.iter().map(|it| it.id).collect();
            log.spied[id].met.extend(around);
            log.work.push(Work {
                id,
                since: log.clock,
                child: None,
                answered: false,
                held: false,
            });
            let ended = log.contexts[log.spied[id].ctx].ctx.is_cancelled();
            log.tell(format_args!(
                "{:1$}poll {id}, ended: {ended}",
                "",
                log.work.len()
            ));
            ended
        };
        let first = !this.started_before;
        let checkpoint = this
            .checkpoint
            .as_mut()
            .expect("it is there until it is dropped");
        let unwinding = Unwinding {
            id,
            log: &log,
            started: &mut this.started_before,
        };
        let polled = checkpoint.as_mut().poll(cx);
        mem::forget(unwinding);
        let log = &mut *log.borrow_mut();
        let work = log.work.pop().expect("its own");
        let between = log.spied[id].between;
        log.clock += 1;
        log.spied[id].polled = log.clock;
        log.spied[id].gone = polled.is_ready();
        let started = work.child.is_some();
        this.started_before |= started;
        if started && log.spied[id].met_before == usize::MAX {
            log.spied[id].met_before = log.spied[id].met.len() - log.work.len();
        }
        // A `between` call that the budget has stopped before it started holds nobody, nor those who had polled it by then.
        log.spied[id].waits = polled.is_pending() && (this.started_before || !between);
        log.expect(
            !(first && ended && started),
            "started on an ended context (C1)",
            id,
        );
        let ready = work.child == Some(Poll::Ready(()));
        log.expect(
            ready == (polled == Poll::Ready(false)),
            "lost a result (C2)",
            id,
        );
        let (depth, child) = (log.work.len() + 1, work.child);
        let said = match polled {
            Poll::Pending => "pending",
            Poll::Ready(false) => "ready",
            Poll::Ready(true) => "gives up",
        };
        log.tell(format_args!(
            "{:depth$}{id} {said}, its future: {child:?}",
            ""
        ));
        if polled == Poll::Ready(true) {
            log.expect(!work.answered, "decided in place of an inner one (C3)", id);
            log.expect(!work.held, "decided in spite of a shield (C3)", id);
            log.expect(!(between && started), "gave a `between` call up (M7)", id);
        }
        polled
    }
}

impl Drop for Outside<'_> {
    fn drop(&mut self) {
        let id = self.id;
        {
            let log = &mut *self.log.borrow_mut();
            let it = &log.spied[id];
            if !it.gone {
                log.tell(format_args!("{:1$} drop {id}", "", log.work.len()));
            }
            if it.waits && !it.gone {
                let resting = log
                    .work
                    .iter()
                    .filter(|it| it.child == Some(Poll::Pending))
                    .map(|it| it.id);
                let guarded = resting.into_iter().any(|outer| log.is_guard(id, outer));
                log.expect(!guarded, "was dropped in spite of its shield (C3)", id);
            }
            log.spied[id].gone = true;
        }
        // What is inside is dropped with the log free.
        self.checkpoint = None;
    }
}

/// The future of a checkpoint, watched from inside. Like a stream it may be ready more than once.
pub(super) struct Inside {
    pub(super) id: Rc<Cell<usize>>,
    log: Shared,
    child: Local,
    /// What it is when that was ready.
    later: Vec<Local>,
    /// What it was, until it is polled once more.
    earlier: Option<Local>,
}

impl Inside {
    pub(super) fn new(id: usize, log: Shared, child: Local) -> Self {
        Self {
            id: Rc::new(Cell::new(id)),
            log,
            child,
            later: Vec::new(),
            earlier: None,
        }
    }

    /// By what the log knows it.
    pub(super) fn names(&self) -> (usize, Shared) {
        (self.id.get(), Rc::clone(&self.log))
    }

    pub(super) fn and_later(mut self, later: Vec<Local>) -> Self {
        self.later = later;
        self
    }

    fn note(&self, polled: Poll<()>) {
        let (id, log) = (self.id.get(), &mut *self.log.borrow_mut());
        let since = log
            .work
            .last()
            .expect("it is polled by its checkpoint")
            .since;
        let ctx = log.spied[id].ctx;
        let answered = log.spied.iter().any(|it| {
            let answers = it.waits && !it.gone && !it.between && it.polled > since;
            answers && it.met.contains(&id) && log.descent(it.ctx, ctx) == Some(false)
        });
        let held = log.is_held(id);
        let work = log.work.last_mut().expect("it is polled by its checkpoint");
        work.held = held;
        work.child = Some(polled);
        work.answered = answered;
    }
}

impl Future for Inside {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        drop(self.earlier.take());
        let polled = self.child.as_mut().poll(cx);
        self.note(polled);
        let next = polled.is_ready().then(|| self.later.pop()).flatten();
        if let Some(next) = next {
            let this = &mut *self;
            this.earlier = Some(mem::replace(&mut this.child, next));
        }
        polled
    }
}
