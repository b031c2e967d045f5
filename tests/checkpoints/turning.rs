//! C8 where the members of a join take turns in being the first, as `tokio::join!` polls them, and every poll has a waker
//! of its own.

use super::helpers::{ROOT, waiting};
use crate::support::Wakes;
use ctx::CancelScope;
use futures::{FutureExt, future::LocalBoxFuture};
use std::{
    future::{Future, poll_fn},
    task::{Context as TaskContext, Poll, Waker},
};

/// One in one in one, of which only the innermost waits.
fn nested(scope: &CancelScope, depth: usize) -> LocalBoxFuture<'static, ()> {
    (1..depth).fold(waiting(scope).map(drop).boxed_local(), |work, _| {
        scope
            .run_until_cancelled_owned(work)
            .map(drop)
            .boxed_local()
    })
}

/// Polls its members one after the other, and begins so many further on every time.
fn turning(mut members: Vec<LocalBoxFuture<'static, ()>>, by: usize) -> impl Future<Output = ()> {
    let mut first = 0;
    poll_fn(move |cx| {
        let count = members.len();
        let pending =
            (0..count).all(|at| members[(first + at) % count].poll_unpin(cx).is_pending());
        assert!(pending, "its context is live");
        first = (first + by) % count;
        Poll::Pending
    })
}

/// Polls it with so many new wakers in a row, and does so again as long as one of them was woken.
fn comes_to_rest(mut work: LocalBoxFuture<'static, ()>, polls: usize) -> bool {
    let (mut all, mut before) = (Vec::new(), 0);
    let woken = |all: &[std::sync::Arc<Wakes>]| all.iter().map(|it| it.count()).sum::<usize>();
    for round in 0..100 {
        for _ in 0..polls {
            let wakes = Wakes::new();
            let current: Waker = wakes.waker();
            let polled = work.poll_unpin(&mut TaskContext::from_waker(&current));
            assert!(polled.is_pending(), "its context is live");
            all.push(wakes);
        }
        let now = woken(&all);
        if round > 12 && now == before {
            return true;
        }
        before = now;
    }
    false
}

#[test]
fn c8_a_join_whose_members_take_turns_comes_to_rest_on_a_live_context() {
    for members in 1..4 {
        for by in 0..members {
            for depths in [[1, 1, 1], [2, 2, 2], [2, 1, 1], [3, 2, 1], [1, 3, 2]] {
                for polls in 1..4 {
                    let scope = ROOT.with_cancel();
                    let all = depths.iter().take(members).map(|it| nested(&scope, *it));
                    let work = turning(all.collect(), by);
                    let work = scope
                        .run_until_cancelled_owned(work)
                        .map(drop)
                        .boxed_local();
                    let case = (members, by, depths, polls);
                    assert!(
                        comes_to_rest(work, polls),
                        "members, by, depths, polls: {case:?}"
                    );
                }
            }
        }
    }
}
