//! One checkpoint, nothing around it.

use super::helpers::{ROOT, between, finish, gated, run};
use crate::support::{Polled, Wakes};
use ctx::__private::race;
use std::{
    future::{IntoFuture, pending, poll_fn, ready},
    pin::pin,
    task::Poll,
};

#[test]
fn c1_a_cancelled_context_polls_nothing() {
    let scope = ROOT.with_cancel();
    scope.cancel();
    let (by_race, future) = gated();
    assert!(
        Polled::new(scope.run_until_cancelled(future))
            .ready()
            .is_err()
    );
    let (by_between, future) = gated();
    assert!(Polled::new(between(&scope, future)).ready().is_err());
    assert_eq!((by_race.polls(), by_between.polls()), (0, 0));
}

#[test]
fn c1_the_refused_future_is_dropped_before_the_error_is_returned() {
    let scope = ROOT.with_cancel();
    scope.cancel();
    let (gate, future) = gated();
    let mut refused = Polled::new(scope.run_until_cancelled_owned(future));
    assert!(refused.ready().is_err());
    assert!(gate.is_dropped());
}

#[test]
fn c2_a_result_wins_over_an_end_in_the_same_poll() {
    let scope = ROOT.with_cancel();
    let future = poll_fn(|_| {
        scope.cancel();
        Poll::Ready(7)
    });
    let output = Polled::new(scope.run_until_cancelled(future)).ready();
    assert_eq!(output.unwrap(), 7);
}

#[test]
fn c2_a_result_wins_over_an_end_before_the_poll() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let mut waiting = Polled::pending(scope.run_until_cancelled(future));
    scope.cancel();
    gate.open();
    waiting.ready().unwrap();
}

#[test]
fn c2_between_delivers_what_it_started() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let wakes = Wakes::new();
    let mut waiting = pin!(between(&scope, future));
    assert!(run(waiting.as_mut(), &wakes).is_pending());
    scope.cancel();
    assert_eq!(wakes.count(), 0, "it would do nothing about it");
    assert!(run(waiting.as_mut(), &wakes).is_pending());
    assert!(!gate.is_dropped());
    gate.open();
    finish(waiting, &wakes).unwrap();
}

#[test]
fn c4_the_future_is_dropped_in_the_next_poll_before_the_error_is_returned() {
    let scope = ROOT.with_cancel();
    let (gate, future) = gated();
    let mut waiting = Polled::pending(scope.run_until_cancelled(future));
    scope.cancel();
    assert_eq!(waiting.woken(), 1);
    assert!(!gate.is_dropped());
    assert!(waiting.ready().is_err());
    assert!(gate.is_dropped());
}

#[test]
fn c4_a_checkpoint_that_gave_up_may_be_polled_again() {
    let scope = ROOT.with_cancel();
    let mut waiting = Polled::pending(scope.run_until_cancelled(pending::<()>()));
    scope.cancel();
    assert!(waiting.ready().is_err());
    assert!(waiting.ready().is_err());
}

#[test]
fn c6_the_error_names_the_line_of_the_checkpoint() {
    let scope = ROOT.with_cancel();
    let (waits, line) = (scope.run_until_cancelled(pending::<()>()), line!());
    let (owned, owned_line) = (scope.run_until_cancelled_owned(pending::<()>()), line!());
    let (refused, refused_line) = (race(&*scope, ready(())).into_future(), line!());
    let (mut waits, mut owned) = (Polled::pending(waits), Polled::pending(owned));
    scope.cancel();
    let noticed = |it: Result<(), ctx::Cancelled>| it.unwrap_err().noticed_at().unwrap();
    assert_eq!(noticed(waits.ready()).line(), line);
    assert_eq!(noticed(owned.ready()).line(), owned_line);
    assert_eq!(noticed(Polled::new(refused).ready()).line(), refused_line);
    assert_eq!(noticed(waits.ready()).file(), file!());
}

#[test]
fn c6_an_inherited_end_is_noticed_where_it_is_awaited() {
    let parent = ROOT.with_cancel();
    let child = parent.with_cancel();
    let (waits, at) = (child.run_until_cancelled(pending::<()>()), line!());
    let mut waits = Polled::pending(waits);
    parent.cancel();
    let error = waits.ready().unwrap_err();
    assert_eq!(error.noticed_at().unwrap().line(), at);
    assert_eq!(
        child.err().unwrap().noticed_at(),
        None,
        "the context itself noticed nothing"
    );
}

#[test]
fn a_checkpoint_adds_at_most_64_bytes() {
    let scope = ROOT.with_cancel();
    let leaf = || gated().1;
    let added = |size: usize| size - size_of_val(&leaf());
    assert!(added(size_of_val(&scope.run_until_cancelled(leaf()))) <= 64);
    assert!(added(size_of_val(&scope.run_until_cancelled_owned(leaf()))) <= 64);
    assert!(added(size_of_val(&race(&*scope, leaf()).into_future())) <= 64);
    let large = [0_u64; 100];
    let future = async move {
        ready(()).await;
        large
    };
    let alone = size_of_val(&future);
    assert!(size_of_val(&scope.run_until_cancelled(future)) - alone <= 64);
}
