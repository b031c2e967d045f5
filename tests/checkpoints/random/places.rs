//! Places out of which futures are taken, and into which they are put.

use super::spies::Local;
use crate::checkpoints::helpers::FreshWaker;
use futures::FutureExt;
use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Context as TaskContext, Poll, Waker},
};

/// A place out of which the schedule takes a future, or into which it puts one.
#[derive(Clone, Default)]
pub(super) struct Place(pub(super) Rc<RefCell<Content>>);

#[derive(Default)]
pub(super) struct Content {
    pub(super) future: Option<Local>,
    /// The waker of whoever waits there.
    waker: Option<Waker>,
    closed: bool,
    /// Somebody polls the future that is otherwise here, and puts it back.
    busy: bool,
    /// The place in whose future this one is.
    around: Option<usize>,
}

impl Place {
    pub(super) fn future(&self) -> Local {
        struct Close(Place);
        impl Drop for Close {
            fn drop(&mut self) {
                let future = {
                    let content = &mut *self.0.0.borrow_mut();
                    content.closed = true;
                    content.future.take()
                };
                drop(future);
            }
        }
        let open = Close(self.clone());
        Box::pin(poll_fn(move |cx| {
            let content = &open.0.0;
            content.borrow_mut().waker = Some(cx.waker().clone());
            let Some(future) = open.0.lend() else {
                return Poll::Pending;
            };
            open.0.poll(future, cx)
        }))
    }

    /// Takes the future out, to poll it.
    fn lend(&self) -> Option<Local> {
        let content = &mut *self.0.borrow_mut();
        let future = content.future.take();
        content.busy |= future.is_some();
        future
    }

    /// Polls the future that was lent, and takes it back. Where whoever waited here was dropped meanwhile, it
    /// was his, and is dropped too.
    fn poll(&self, mut future: Local, cx: &mut TaskContext<'_>) -> Poll<()> {
        struct Busy<'a>(&'a Place);
        impl Drop for Busy<'_> {
            fn drop(&mut self) {
                self.0.0.borrow_mut().busy = false;
            }
        }
        let busy = Busy(self);
        let polled = future.as_mut().poll(cx);
        drop(busy);
        let closed = self.0.borrow().closed;
        if polled.is_pending() && !closed {
            self.0.borrow_mut().future = Some(future);
        }
        polled
    }

    /// Puts a future in, if somebody waits here with nothing in hand; else gives it back.
    fn put(&self, future: Local) -> Result<(), Local> {
        let content = &mut *self.0.borrow_mut();
        match &content.waker {
            Some(waker) if content.future.is_none() && !content.closed && !content.busy => {
                content.future = Some(future);
                waker.wake_by_ref();
                Ok(())
            }
            _ => Err(future),
        }
    }
}

/// All places, and the futures that were taken out of them and are in nobody's hands.
#[derive(Clone, Default)]
pub(super) struct Places {
    pub(super) all: Rc<RefCell<Vec<Place>>>,
    pub(super) strays: Rc<RefCell<Vec<Local>>>,
    /// How many are at work who poll with another waker each time.
    changing: Rc<Cell<usize>>,
    /// Whether any was visited: by turns, that is, by somebody else and by who waits there.
    pub(super) visited: Rc<Cell<bool>>,
}

impl Places {
    fn any(&self, number: usize) -> Option<Place> {
        let all = self.all.borrow();
        all.get(number % all.len().max(1)).cloned()
    }

    pub(super) fn add(&self, around: Option<usize>) -> Place {
        let place = Place::default();
        place.0.borrow_mut().around = around;
        self.all.borrow_mut().push(place.clone());
        place
    }

    /// Takes a future out of its place. It goes to another one, or it is left over.
    pub(super) fn shift(&self, [from, to, how]: [usize; 3]) -> Option<Local> {
        let all = self.all.borrow();
        let (from, to) = (from % all.len().max(1), to % all.len().max(1));
        let future = all.get(from)?.0.borrow_mut().future.take()?;
        let around = |at: &usize| all[*at].0.borrow().around;
        let inside_itself =
            std::iter::successors(Some(to), around).any(|at| around(&at) == Some(from));
        let outcome = if how == 0 || inside_itself {
            Err(future)
        } else {
            all[to].put(future)
        };
        for place in &*all {
            let around = &mut place.0.borrow_mut().around;
            if *around == Some(from) {
                *around = outcome.is_ok().then_some(to);
            }
        }
        outcome.err()
    }

    /// Takes a future out of its place in the middle of somebody's poll.
    pub(super) fn meddle(&self, how: [usize; 4]) {
        let [drops, rest @ ..] = how;
        match self.shift(rest) {
            Some(future) if drops == 0 => drop(future),
            stray => self.strays.borrow_mut().extend(stray),
        }
    }

    /// Polls with another waker each time. Nobody visits meanwhile: one whom two poll by turns with ever new wakers
    /// has to tell each time the one who relied on the waker before.
    pub(super) fn change_waker(&self, future: Local) -> Local {
        let (mut future, changing) = (FreshWaker::new(future), Rc::clone(&self.changing));
        Box::pin(poll_fn(move |cx| {
            changing.update(|count| count + 1);
            let polled = future.poll_unpin(cx);
            changing.update(|count| count - 1);
            polled
        }))
    }

    /// Polls what is in a place where somebody waits with the same waker, who need not be told.
    pub(super) fn visit(&self, at: usize, cx: &mut TaskContext<'_>) {
        let waker = |place: &Place| place.0.borrow().waker.clone();
        let place = self
            .any(at)
            .filter(|it| waker(it).is_some_and(|it| it.will_wake(cx.waker())));
        let Some(place) = place.filter(|_| self.changing.get() == 0) else {
            return;
        };
        if let Some(future) = place.lend() {
            self.visited.set(true);
            // Where it is ready, whoever waits there finds nothing more.
            let _ = place.poll(future, cx);
        }
    }

    /// Polls what is in somebody else's place, who is told if he is another.
    pub(super) fn peek(&self, at: usize, cx: &mut TaskContext<'_>) {
        let is_awaited = |place: &Place| place.0.borrow().waker.is_some();
        let Some(place) = self.any(at).filter(is_awaited) else {
            return;
        };
        let Some(future) = place.lend() else { return };
        if place.poll(future, cx).is_ready() || place.0.borrow().closed {
            return;
        }
        let content = &*place.0.borrow();
        if let Some(waker) = content
            .waker
            .as_ref()
            .filter(|it| !it.will_wake(cx.waker()))
        {
            waker.wake_by_ref();
        }
    }
}
