//! A scope that is linked while it ends, while its parents do, and while another thread links it too.

use super::{cause, children_of, counter, linked, model, poll};
use crate::Context;
use loom::thread;
use std::{pin::pin, time::Duration};

#[test]
fn t6_two_threads_that_derive_link_their_parent_once() {
    model(|| {
        let root = Context::background().with_cancel();
        let parent = root.with_cancel();
        let ctx = parent.clone();
        let other = thread::spawn(move || ctx.with_cancel());
        let mine = parent.with_cancel();
        assert!(children_of(&root) <= 1);
        let others = other.join().unwrap();
        assert_eq!(children_of(&root), 1);
        root.cancel();
        assert!(mine.is_cancelled() && others.is_cancelled());
    });
}

#[test]
fn t7_a_scope_that_ends_while_it_is_linked_leaves_no_trace() {
    model(|| {
        let root = Context::background().with_cancel();
        let parent = root.with_cancel();
        let ctx = parent.clone();
        let linker = thread::spawn(move || drop(ctx.with_cancel()));
        parent.cancel();
        linker.join().unwrap();
        assert_eq!(children_of(&root), 0);
    });
}

#[test]
fn t7_a_scope_that_ends_while_two_threads_link_it_leaves_no_trace() {
    model(|| {
        let root = Context::background().with_cancel();
        let scope = root.with_cancel();
        let link = || {
            let ctx = scope.clone();
            thread::spawn(move || ctx.scope().expect("a scope").link())
        };
        let (first, second) = (link(), link());
        scope.cancel();
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!(children_of(&root), 0);
    });
}

/// The first side has it already when the second turns out to have ended.
#[test]
fn t7_a_merge_whose_side_ends_while_it_is_linked_leaves_no_trace() {
    model(|| {
        let left = Context::background().with_cancel();
        let right = Context::background().with_cancel();
        let canceller = right.canceller();
        let other = thread::spawn(move || canceller.cancel());
        let both = left.merge(&right);
        other.join().unwrap();
        assert!(both.is_cancelled());
        drop(both);
        assert_eq!((children_of(&left), children_of(&right)), (0, 0));
    });
}

#[test]
fn t7_siblings_that_go_at_once_leave_no_trace() {
    model(|| {
        let root = Context::background().with_cancel();
        let (first, second, third) = (linked(&root), linked(&root), linked(&root));
        let other = thread::spawn(move || drop(third));
        drop(first);
        other.join().unwrap();
        assert_eq!(children_of(&root), 1);
        drop(second);
        assert_eq!(children_of(&root), 0);
    });
}

/// Who comes last to link it finds it ended and in the list. It stays there for a canceller of the parent to
/// find, since its own canceller may still be on the way to those below.
#[test]
fn t1_a_scope_that_two_threads_linked_stays_listed_until_those_below_have_ended() {
    model(|| {
        let root = Context::background().with_cancel();
        let scope = root.with_cancel();
        let ctx = scope.clone();
        let linker = thread::spawn(move || ctx.scope().expect("a scope").link());
        let below = scope.with_cancel();
        below.scope().expect("a scope").link();
        let canceller = scope.canceller();
        let other = thread::spawn(move || canceller.cancel());
        root.cancel();
        assert!(below.is_cancelled());
        linker.join().unwrap();
        other.join().unwrap();
        assert_eq!((children_of(&root), children_of(&scope)), (0, 0));
    });
}

/// Its owner, its parent's canceller and a linker all have it in hand, and the linker's handle is the last one.
#[test]
fn t7_a_scope_that_is_dropped_while_it_is_linked_and_its_parent_ends_leaves_no_trace() {
    model(|| {
        let root = Context::background().with_cancel();
        let scope = root.with_cancel();
        let ctx = scope.clone();
        let linker = thread::spawn(move || {
            let (count, waker) = counter();
            let mut done = pin!(ctx.done());
            while poll(done.as_mut(), &waker).is_pending() {
                while count.get() == 0 {
                    thread::yield_now();
                }
            }
        });
        let canceller = root.canceller();
        let other = thread::spawn(move || canceller.cancel());
        drop(scope);
        linker.join().unwrap();
        other.join().unwrap();
        assert_eq!(children_of(&root), 0);
    });
}

/// A read ends it, and takes it out of no list; whoever drops it does.
#[test]
fn t7_a_scope_that_a_read_ends_while_it_is_linked_leaves_no_trace() {
    model(|| {
        let root = Context::background().with_cancel();
        let scope = root.with_timeout(Duration::ZERO);
        let (linked, second, read) = (scope.clone(), scope.clone(), scope.clone());
        let linker = thread::spawn(move || linked.scope().expect("a scope").link());
        let reader = thread::spawn(move || assert!(read.is_cancelled()));
        second.scope().expect("a scope").link();
        linker.join().unwrap();
        reader.join().unwrap();
        drop((scope, second));
        assert_eq!(children_of(&root), 0);
    });
}

/// One side's deadline is the merge's own too, and is nobody's end before its time.
#[test]
fn d6_a_merge_whose_side_ends_while_it_is_linked_does_not_end_the_other_side() {
    model(|| {
        let left = Context::background().with_timeout(Duration::from_secs(3600));
        let right = Context::background().with_cancel();
        let canceller = right.canceller();
        let other = thread::spawn(move || canceller.cancel_with("right"));
        let both = left.merge(&right);
        other.join().unwrap();
        assert_eq!(cause(&both.err().unwrap()), "right");
        assert!(!left.is_cancelled());
    });
}

/// Each enters its own side first and the other's second, with one lock at a time.
#[test]
fn t12_two_merges_that_are_made_crosswise_while_a_side_ends_do_not_lock_each_other_out() {
    model(|| {
        let left = Context::background().with_cancel();
        let right = Context::background().with_cancel();
        let (a, b) = (left.clone(), right.clone());
        let other = thread::spawn(move || b.merge(&a));
        let canceller = left.canceller();
        let third = thread::spawn(move || canceller.cancel_with("left"));
        let mine = left.merge(&right);
        let others = other.join().unwrap();
        third.join().unwrap();
        for both in [mine, others] {
            assert_eq!(cause(&both.err().unwrap()), "left");
        }
        assert_eq!((children_of(&left), children_of(&right)), (0, 0));
    });
}

/// While it is on its way out, its dead entry may have gone with a sibling's, and others may have come since.
#[test]
fn t7_a_scope_that_goes_takes_no_live_one_out() {
    model(|| {
        let root = Context::background().with_cancel();
        let (first, second, third) = (linked(&root), linked(&root), linked(&root));
        let other = thread::spawn(move || drop(third));
        drop(second);
        let new = [linked(&root), linked(&root)];
        other.join().unwrap();
        assert_eq!(children_of(&root), 3);
        root.cancel();
        for ctx in [&first, &new[0], &new[1]] {
            assert!(ctx.scope().expect("a scope").node.state.load().ended());
        }
    });
}
