//! What contexts cost: allocations counted one by one; in `kept`, memory that stays flat (T7) and depth that is no
//! limit (T8).

mod kept;

use crate::support::{HOUR, Wakes, poll};
use ctx::{CancelScope, Cancelled, Context, Instant, Key, with_context};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    future::{IntoFuture, pending, poll_fn, ready},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context as TaskContext, Poll, Wake, Waker},
};

/// Counts for each thread apart, so that tests that run beside each other do not disturb.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVE_BYTES: Cell<isize> = const { Cell::new(0) };
}

fn note(allocations: usize, bytes: isize) {
    // A thread that is being torn down is not counted any more.
    let _ = ALLOCATIONS.try_with(|it| it.set(it.get() + allocations));
    let _ = LIVE_BYTES.try_with(|it| it.set(it.get() + bytes));
}

// SAFETY: every call is handed on to the system's allocator as it came, and counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size().cast_signed());
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        note(0, -layout.size().cast_signed());
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size.cast_signed() - layout.size().cast_signed());
        // SAFETY: the caller's promises are the same.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What this thread has allocated and not given back.
pub(crate) fn live_bytes() -> isize {
    LIVE_BYTES.get()
}

/// What `act` gives, and how often it allocated on the way.
fn counted<R>(act: impl FnOnce() -> R) -> (R, usize) {
    let before = ALLOCATIONS.get();
    let result = act();
    (result, ALLOCATIONS.get() - before)
}

#[track_caller]
fn costs<R>(expected: usize, act: impl FnOnce() -> R) -> R {
    let (result, allocations) = counted(act);
    assert_eq!(allocations, expected);
    result
}

pub(crate) const MILLION: usize = 1_000_000;

#[track_caller]
pub(crate) fn stays_flat(act: impl FnOnce()) {
    let before = live_bytes();
    act();
    let grown = live_bytes() - before;
    assert!(grown < 8 * 1024, "{grown} bytes were left");
}

macro_rules! keys {
    ($($name:ident)+) => {
        ctx::ctx_value! { $($name: usize;)+ }
        static KEYS: &[&Key<usize>] = &[$(&$name),+];
    };
}
keys! { A B C D E F G H I J K L M N O P Q R S T }

/// What a scope is derived from: the root, and a context deep below many layers.
fn parents() -> (CancelScope, [Context; 3]) {
    let root = Context::background().with_timeout(HOUR);
    let mut deep = root.clone();
    for depth in 0..100 {
        deep = deep.with_value(KEYS[depth % KEYS.len()], depth);
        if depth % 10 == 0 {
            deep = deep.with_cancel().detach();
        }
    }
    let parents = [Context::background(), root.clone(), deep];
    (root, parents)
}

#[test]
fn background_and_clones_allocate_nothing() {
    let (_root, parents) = parents();
    costs(0, || drop((Context::background(), Context::todo())));
    for parent in &parents {
        costs(0, || drop(parent.clone()));
    }
    costs(0, || drop(Context::background().without_cancel()));
}

#[test]
fn a_scope_allocates_once_and_a_merge_twice_wherever_it_is_made() {
    let (_root, parents) = parents();
    let shutdown = Context::background().with_cancel();
    let at = Instant::now() + HOUR / 2;
    for parent in &parents {
        // A merge enters two lists at once. The room in them is made first, and is kept.
        let both = || (parent.merge(&shutdown), shutdown.merge(parent));
        drop((0..16).map(|_| both()).collect::<Vec<_>>());
        costs(1, || drop(parent.with_cancel()));
        costs(1, || drop(parent.with_timeout(HOUR / 2)));
        costs(1, || drop(parent.with_timeout(2 * HOUR)));
        costs(1, || drop(parent.with_deadline(at)));
        // The other side stands apart, so that no other scope needs room for one.
        costs(2, || drop(parent.merge(&shutdown)));
        costs(2, || drop(shutdown.merge(parent)));
        costs(1, || parent.with_cancel().cancel());
    }
}

#[test]
fn a_value_allocates_twice_at_most_at_any_depth() {
    let (_root, parents) = parents();
    for parent in &parents {
        for key in KEYS {
            let ((), allocations) = counted(|| drop(parent.with_value(key, 1)));
            assert!(allocations <= 2);
        }
    }
}

#[test]
fn reads_and_ready_checkpoints_allocate_nothing() {
    let (_root, parents) = parents();
    let mut cx = TaskContext::from_waker(Waker::noop());
    let run = |parent: &Context, cx: &mut TaskContext<'_>| {
        let run = pin!(parent.run_until_cancelled(ready(7)));
        assert!(Future::poll(run, cx).is_ready());
    };
    run(&parents[1], &mut cx);
    for parent in &parents {
        costs(0, || {
            run(parent, &mut cx);
            assert!(!parent.is_cancelled() && parent.err().is_none() && parent.check().is_ok());
            assert!(parent.deadline().is_some() == parent.remaining().is_some());
            let _ = parent.value(&A);
        });
    }
}

/// It is one word, for those who hand it on, so what it says stands elsewhere: once for each who is told, and for each clone.
#[test]
fn an_error_allocates_once_for_who_is_told_of_the_end_and_nothing_on_its_way() {
    let hand_on = |told: Result<(), Cancelled>| -> Result<(), Cancelled> { Err(told.unwrap_err()) };
    let plain = Context::background().with_cancel();
    plain.cancel();
    let caused = Context::background().with_cancel();
    caused.cancel_with("a cause");
    for scope in [plain, caused] {
        costs(1, || drop(scope.err()));
        let told = costs(1, || scope.check());
        let handed_on = costs(0, || hand_on(hand_on(told))).unwrap_err();
        costs(0, || assert!(handed_on.noticed_at().is_some()));
        costs(1, || drop(handed_on.clone()));
    }
}

#[with_context]
async fn waits_for_one() -> Result<(), Cancelled> {
    pending::<()>().await;
    Ok(())
}

#[with_context]
async fn waits_for_any_of_three() -> Result<(), Cancelled> {
    tokio::select! {
        () = pending::<()>() => {}
        () = pending::<()>() => {}
        () = pending::<()>() => {}
    }
    Ok(())
}

/// The error, and for each checkpoint that had been pending what it keeps while its future is dropped.
#[test]
fn a_checkpoint_that_gives_up_allocates_one_error_whatever_it_awaits() {
    type Boxed<'a> = Pin<Box<dyn Future<Output = Result<(), Cancelled>> + 'a>>;
    type Make = for<'a> fn(&'a Context) -> Boxed<'a>;
    let wakes = Wakes::new();
    let told: [(Make, usize); 3] = [
        (|ctx| Box::pin(ctx.run_until_cancelled(pending())), 1),
        (|ctx| Box::pin(waits_for_one(ctx)), 1),
        (|ctx| Box::pin(waits_for_any_of_three(ctx)), 3),
    ];
    for (make, checkpoints) in told {
        let scope = Context::background().with_cancel();
        let mut waiting = make(&scope);
        let mut refused = make(&scope);
        assert!(poll(&mut waiting, &wakes).is_pending());
        scope.cancel();
        let poll = |future: &mut Boxed<'_>| poll(future, &wakes).map(|it| it.unwrap_err());
        assert!(costs(1, || poll(&mut refused)).is_ready());
        assert!(costs(1 + checkpoints, || poll(&mut waiting)).is_ready());
    }
}

#[test]
fn nested_ready_checkpoints_allocate_nothing() {
    let (_root, parents) = parents();
    let mut cx = TaskContext::from_waker(Waker::noop());
    let mut nested = || {
        let [a, b, c] = &parents;
        let inner = c.run_until_cancelled(c.run_until_cancelled(ready(7)));
        let outer = pin!(a.run_until_cancelled(b.run_until_cancelled(inner)));
        assert!(Future::poll(outer, &mut cx).is_ready());
    };
    nested();
    costs(0, nested);
}

/// There is nothing that it could ask for, so it leaves nothing on the thread for others to stand above.
#[test]
fn a_pending_between_call_on_a_context_without_an_end_leaves_nothing_behind() {
    let background = Context::background();
    let mut cx = TaskContext::from_waker(Waker::noop());
    let mut next_one_is_the_first = || {
        let scope = background.with_cancel();
        let mut next = pin!(scope.run_until_cancelled(ready(7)));
        costs(0, || assert!(next.as_mut().poll(&mut cx).is_ready()));
    };
    // The first checkpoint of a thread asks in a longer way.
    next_one_is_the_first();
    let mut call = pin!(ctx::__private::between(&background, pending::<()>()).into_future());
    for _ in 0..2 {
        let mut cx = TaskContext::from_waker(Waker::noop());
        costs(0, || assert!(call.as_mut().poll(&mut cx).is_pending()));
        next_one_is_the_first();
    }
}

/// A checkpoint takes over what the one before it on its thread has left, the room of its timer too, and
/// nothing that was anybody's is left in there.
#[tokio::test]
async fn waiting_for_a_deadline_allocates_the_scope_alone() {
    struct Nobody;
    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }
    let root = Context::background().with_cancel();
    let nobody = Arc::new(Nobody);
    let waker = Waker::from(Arc::clone(&nobody));
    let once = |polls: usize| {
        let mut left = 2;
        let future = poll_fn(|_| {
            left -= 1;
            if left == 0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        let scope = root.with_timeout(HOUR);
        let mut run = pin!(scope.run_until_cancelled(future));
        let mut cx = TaskContext::from_waker(&waker);
        for poll in 1..=polls {
            assert_eq!(run.as_mut().poll(&mut cx).is_ready(), poll == 2);
        }
    };
    // Finished, and dropped while it waits.
    for polls in [2, 1] {
        once(polls);
        costs(1, || once(polls));
        assert_eq!(Arc::strong_count(&nobody), 2);
    }
}

/// Their wakers are alike, so one of them is kept, and not as many as there are scopes.
#[test]
fn a_crowd_that_waits_in_one_task_is_ended_with_as_few_allocations_as_few_are() {
    let ends = |crowd: usize| {
        let root = Context::background().with_cancel();
        let scopes: Vec<_> = (0..crowd).map(|_| root.with_cancel()).collect();
        let wakes = Wakes::new();
        let waiting = |scope: &CancelScope| {
            let mut done = scope.done_owned();
            assert!(poll(&mut done, &wakes).is_pending());
            done
        };
        let waiters: Vec<_> = scopes.iter().map(waiting).collect();
        let (_, allocations) = counted(|| root.cancel());
        assert_eq!(wakes.count(), 1);
        drop(waiters);
        allocations
    };
    assert_eq!(ends(100_000), ends(100));
}

#[test]
fn s1_the_end_of_an_unwatched_scope_allocates_nothing() {
    let (root, parents) = parents();
    for parent in &parents {
        let scope = parent.with_cancel();
        let clones = [scope.clone(), scope.clone()];
        costs(0, || drop(scope));
        drop(clones);
        let (alone, called) = (parent.with_timeout(HOUR), parent.with_cancel());
        costs(0, || drop(alone));
        let merged = parent.merge(&Context::background().merge(&root));
        costs(0, || drop(merged));
        costs(0, || called.cancel());
    }
    drop(parents);
    costs(0, || drop(root));
}
