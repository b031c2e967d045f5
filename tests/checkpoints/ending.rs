//! C3 and C8 on a thread that is being torn down, where what the thread kept is gone already.

use super::helpers::{Boxed, ROOT, run};
use crate::support::{Wakes, poll_pinned};
use ctx::{CancelScope, Context};
use futures::future::select;
use std::{
    cell::RefCell,
    future::pending,
    sync::{Arc, mpsc::channel},
    task::Poll,
    thread,
};

type Work = Box<dyn FnOnce() + Send>;

/// Runs its work when the thread's variables are dropped.
struct Last(RefCell<Option<Work>>);

impl Drop for Last {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work();
        }
    }
}

thread_local! {
    static LAST: Last = const { Last(RefCell::new(None)) };
}

/// A chain of checkpoints, each on a narrower context than the one around it, and a call in a call inside.
/// It tells how many of them gave up.
fn chain(scope: &CancelScope) -> Boxed<usize> {
    let mut chain: Boxed<usize> = Box::pin(async {
        pending::<()>().await;
        0
    });
    let narrow: Vec<Context> = (0..3).map(|_| scope.with_cancel().detach()).collect();
    let contexts = narrow.iter().rev().flat_map(|it| [it.clone(), it.clone()]);
    for ctx in contexts.chain([(**scope).clone(), (**scope).clone()]) {
        let inside = ctx.run_until_cancelled_owned(chain);
        chain = Box::pin(async move { inside.await.unwrap_or(100) + 1 });
    }
    chain
}

/// Cancels on another thread, since tokio's clock, once any test has paused one, has no time for this one.
fn cancel(scope: CancelScope) {
    thread::spawn(move || scope.cancel()).join().unwrap();
}

/// Makes the variables of this crate, and so lets them be dropped before `LAST` is.
fn use_the_thread() -> (CancelScope, Arc<Wakes>, Boxed<usize>) {
    let scope = ROOT.with_cancel();
    let wakes = Wakes::new();
    let mut work = chain(&scope);
    assert!(run(work.as_mut(), &wakes).is_pending());
    (scope, wakes, work)
}

/// Runs the work when the variables of this crate are gone, on a thread that had them.
fn while_a_thread_is_torn_down(work: Work) {
    let outcome = thread::spawn(move || {
        LAST.with(|_| ());
        drop(use_the_thread());
        LAST.with(|last| last.0.replace(Some(work)));
    })
    .join();
    assert!(outcome.is_ok());
}

#[test]
fn c8_one_beside_another_one_in_a_wider_one_is_woken_by_its_own_end_while_its_thread_is_torn_down()
{
    let (tell, told) = channel();
    while_a_thread_is_torn_down(Box::new(move || {
        for has_answered in [false, true] {
            let (wide, wakes) = (ROOT.with_cancel(), Wakes::new());
            let narrow = wide.with_cancel();
            let beside = if has_answered { &wide } else { &ROOT };
            let beside = beside.run_until_cancelled_owned(pending::<()>());
            let inner = narrow.run_until_cancelled_owned(pending::<()>());
            let both = select(Box::pin(beside), Box::pin(inner));
            let mut outer: Boxed<_> = Box::pin(wide.run_until_cancelled_owned(both));
            let waits = run(outer.as_mut(), &wakes).is_pending();
            let before = wakes.count();
            cancel(narrow);
            let woken = wakes.count() > before;
            let ended = poll_pinned(outer.as_mut(), &wakes).is_ready();
            tell.send((waits, woken, ended)).unwrap();
        }
    }));
    let told: Vec<_> = told.iter().collect();
    assert_eq!(told, [(true, true, true); 2], "it waits, is woken and ends");
}

#[test]
fn c8_a_checkpoint_is_polled_while_its_thread_is_torn_down() {
    let (tell, told) = channel();
    let outcome = thread::spawn(move || {
        LAST.with(|_| ());
        let (early, its_wakes, mut begun) = use_the_thread();
        let work: Work = Box::new(move || {
            // One that was polled before, and is polled and dropped now; and one that is new.
            let goes_on = run(begun.as_mut(), &its_wakes).is_pending();
            cancel(early);
            let ends = matches!(run(begun.as_mut(), &its_wakes), Poll::Ready(_));
            drop(begun);
            let (scope, wakes, mut work) = use_the_thread();
            let before = wakes.count();
            cancel(scope);
            let woken = wakes.count() > before;
            let ended = run(work.as_mut(), &wakes);
            tell.send((goes_on, ends, woken, ended)).unwrap();
        });
        LAST.with(|last| last.0.replace(Some(work)));
    })
    .join();
    assert!(outcome.is_ok());
    let (goes_on, ends, woken, ended) = told.recv().unwrap();
    assert!(goes_on && ends && woken);
    assert!(ended.is_ready());
}
