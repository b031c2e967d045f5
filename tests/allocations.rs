//! What contexts cost: allocations counted one by one, memory that stays flat (T7), and depth that is no
//! limit (T8).

use crate::support::{HOUR, Polled, Shuffle, Wakes, on_a_small_stack, poll};
use ctx::{CancelScope, Cancelled, Context, Instant, Key, with_context};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    future::{IntoFuture, pending, poll_fn, ready},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context as TaskContext, Poll, Wake, Waker},
};

pub(crate) const MILLION: usize = 1_000_000;

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
#[cfg(feature = "tokio-util")]
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

#[track_caller]
pub(crate) fn stays_flat(act: impl FnOnce()) {
    let before = LIVE_BYTES.get();
    act();
    let grown = LIVE_BYTES.get() - before;
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

#[test]
fn t7_a_million_scopes_under_one_live_root_leave_memory_flat() {
    let root = Context::background().with_cancel();
    let parent = root.with_value(&A, 1).with_cancel();
    stays_flat(|| {
        for n in 0..MILLION {
            let scope = parent.with_cancel();
            match n % 5 {
                0 => drop(scope),
                1 => assert!(scope.cancel()),
                // These enter the parent's list, and leave it in three ways.
                2 => drop((scope.with_cancel(), scope)),
                3 => drop((scope.with_cancel().detach(), scope.detach())),
                _ => {
                    let child = scope.with_cancel().detach();
                    drop((scope.detach(), child));
                }
            }
        }
    });
    assert!(root.cancel() && parent.is_cancelled());
}

#[test]
fn t7_a_million_merges_with_a_long_lived_context_leave_memory_flat() {
    let shutdown = Context::background().with_cancel();
    stays_flat(|| {
        for n in 0..MILLION {
            let request = Context::background().with_cancel();
            match n % 4 {
                0 => drop(request.merge(&shutdown)),
                1 => drop((shutdown.merge(&request), request)),
                2 => drop((request.merge(&shutdown).detach(), request.cancel())),
                _ => assert!(shutdown.merge(&request).cancel()),
            }
        }
    });
    assert!(shutdown.cancel());
}

#[test]
fn t7_a_million_merges_alive_at_once_leave_no_trace_in_whatever_order_they_go() {
    let shutdown = Context::background().with_cancel();
    let request = Context::background().with_cancel();
    stays_flat(|| {
        let mut merges: Vec<_> = (0..MILLION)
            .map(|n| {
                if n % 2 == 0 {
                    request.merge(&shutdown)
                } else {
                    shutdown.merge(&request)
                }
            })
            .collect();
        Shuffle(7).shuffle(&mut merges);
        for (n, scope) in merges.drain(..).enumerate() {
            match n % 3 {
                0 => drop(scope),
                1 => drop(scope.detach()),
                _ => assert!(scope.cancel()),
            }
        }
    });
    assert!(shutdown.cancel());
}

/// The merges themselves are still held: it is the list of the other side that must let them go.
#[test]
fn t7_a_merge_that_one_side_ended_leaves_the_other_side_at_once() {
    let shutdown = Context::background().with_cancel();
    let request = Context::background().with_cancel();
    let merges: Vec<_> = (0..10_000).map(|_| request.merge(&shutdown)).collect();
    request.cancel();
    let before = LIVE_BYTES.get();
    shutdown.cancel();
    let freed = before - LIVE_BYTES.get();
    assert!(freed < 8 * 1024, "{freed} bytes were left in its list");
    assert!(merges.iter().all(|it| it.is_cancelled()));
}

/// Waiters, timers and callbacks leave as little behind as scopes do.
#[test]
fn t7_waiters_and_callbacks_leave_nothing_behind() {
    let root = Context::background().with_timeout(HOUR);
    drop(Polled::pending(root.done()));
    stays_flat(|| {
        for _ in 0..10_000 {
            let child = root.with_cancel();
            drop(Polled::pending(child.done()));
            drop(Polled::pending(root.done_owned()));
            drop(Polled::pending(
                root.run_until_cancelled(std::future::pending::<()>()),
            ));
            assert!(root.on_cancel(|_| ()).stop());
            drop(child.on_cancel(|_| ()));
        }
    });
}

/// A context that expires while it is held, unseen by anybody, and then goes.
/// The place of each result stays until somebody waits, and that is all.
#[tokio::test]
async fn a_group_that_is_used_for_long_keeps_nothing_of_tasks_that_ended() {
    let mut group = Context::background().group::<(), Cancelled>();
    let before = LIVE_BYTES.get();
    for _ in 0..2_000 {
        let large = [0_u8; 1_000];
        group.spawn(move |_| async move {
            tokio::task::yield_now().await;
            assert_eq!(large[0], 0);
            Ok(())
        });
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }
    let grown = LIVE_BYTES.get() - before;
    assert!(grown < 16 * 1024, "{grown} bytes were left");
    assert_eq!(group.wait().await.unwrap().len(), 2_000);
}

#[tokio::test(start_paused = true)]
async fn t7_expired_scopes_leave_their_parent_too() {
    let root = Context::background().with_cancel();
    stays_flat(|| drop(root.with_timeout(HOUR).with_cancel()));
    for _ in 0..100 {
        let expired: Vec<_> = (0..100)
            .map(|_| root.with_timeout(HOUR))
            .map(|scope| (scope.with_cancel(), scope))
            .collect();
        tokio::time::advance(HOUR).await;
        assert!(expired.iter().all(|(below, _)| below.is_cancelled()));
    }
    let waiter = Polled::pending(root.done());
    root.cancel();
    assert_eq!(waiter.woken(), 1);
}

/// Makes a chain a million deep, of pieces that `below` makes `step` deep, ends it at its root, and drops
/// it from its end.
fn t8(step: usize, below: fn(&Context, &Context) -> Context) {
    on_a_small_stack(move || {
        let root = Context::background().with_cancel();
        let side = Context::background().with_cancel();
        let mut ctx = Context::clone(&root);
        for _ in 0..MILLION / step {
            ctx = below(&ctx, &side);
        }
        let mut waiter = Polled::pending(ctx.done_owned());
        assert!(root.cancel());
        assert_eq!(waiter.woken(), 1);
        assert!(ctx.is_cancelled());
        waiter.ready();
        drop((root, waiter));
        drop(ctx);
        assert!(side.cancel());
    });
}

#[test]
fn t8_a_million_scopes_deep() {
    t8(1, |ctx, _| ctx.with_cancel().detach());
}

#[test]
fn t8_a_million_values_deep() {
    t8(1, |ctx, _| ctx.with_value(&A, 1));
}

#[test]
fn t8_a_million_merges_deep_on_either_side() {
    t8(2, |ctx, side| {
        side.merge(&ctx.merge(side).detach()).detach()
    });
}

#[test]
fn t8_a_million_of_everything_deep() {
    t8(6, |ctx, side| {
        let ctx = ctx.with_value(&A, 1).with_cancel().detach();
        let ctx = ctx.merge(&ctx).detach().with_value(&B, 2);
        side.merge(&ctx.with_timeout(HOUR).detach()).detach()
    });
}

/// Each of these points at many of the others, and not only at the one above: also the last one, on top of which
/// there was another.
#[test]
fn t8_a_million_values_of_many_keys_deep() {
    t8(KEYS.len(), |ctx, _| {
        let keys = KEYS.iter().enumerate();
        let ctx = keys.fold(ctx.clone(), |ctx, (n, key)| ctx.with_value(key, n));
        drop(ctx.with_value(&A, 1));
        ctx
    });
}

#[test]
fn t8_a_million_shields_deep() {
    on_a_small_stack(|| {
        let root = Context::background().with_cancel();
        let mut ctx = Context::clone(&root);
        for _ in 0..MILLION {
            ctx = ctx.without_cancel();
        }
        root.cancel();
        assert!(!ctx.is_cancelled());
        drop(root);
        assert!(format!("{ctx:?}").len() > MILLION);
        drop(ctx);
    });
}

/// Every scope is still owned, and the root goes first: each one's drop cancels all that is left.
#[test]
fn t8_the_owners_of_a_deep_chain_may_go_in_any_order() {
    for seed in 1..4 {
        on_a_small_stack(move || {
            let mut scopes = vec![Context::background().with_cancel()];
            for _ in 0..100_000 {
                let next = scopes[scopes.len() - 1].with_cancel();
                scopes.push(next);
            }
            match seed {
                1 => drop(scopes),
                2 => scopes.into_iter().rev().for_each(drop),
                _ => {
                    Shuffle(seed).shuffle(&mut scopes);
                    scopes.into_iter().for_each(drop);
                }
            }
        });
    }
}
