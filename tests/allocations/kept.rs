//! T7 and T8: what is left of what is over, and chains a million deep.

use super::{KEYS, MILLION, live_bytes, stays_flat};
use crate::support::{HOUR, Polled, Shuffle, on_a_small_stack};
use ctx::{Cancelled, Context};

#[test]
fn t7_a_million_scopes_under_one_live_root_leave_memory_flat() {
    let root = Context::background().with_cancel();
    let parent = root.with_value(KEYS[0], 1).with_cancel();
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
    let before = live_bytes();
    shutdown.cancel();
    let freed = before - live_bytes();
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
    let before = live_bytes();
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
    let grown = live_bytes() - before;
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
    t8(1, |ctx, _| ctx.with_value(KEYS[0], 1));
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
        let ctx = ctx.with_value(KEYS[0], 1).with_cancel().detach();
        let ctx = ctx.merge(&ctx).detach().with_value(KEYS[1], 2);
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
        drop(ctx.with_value(KEYS[0], 1));
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
