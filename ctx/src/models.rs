//! The races, each played in every order that loom finds within the bound on preemptions.
//!
//! Run by `RUSTFLAGS="--cfg ctx_loom" cargo test --release -p ctx --lib models`. Each model is named after
//! the race, with the rule that it holds. What is left to std, and so not modelled, says `sync.rs`.

use crate::{
    Cancelled, Context, Trigger,
    node::ScopeRef,
    sync::{AtomicUsize, Ordering},
};
use loom::thread;
use std::{
    cell::RefCell,
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context as TaskContext, Poll, Wake, Waker},
    time::Duration,
};

mod linking;
mod waiting;

/// A waker that counts.
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn counter() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count(AtomicUsize::new(0)));
    (Arc::clone(&count), Waker::from(count))
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut TaskContext::from_waker(waker))
}

fn model(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.check(body);
}

/// A child that is in its parent's list.
fn linked(parent: &Context) -> Context {
    let ctx = parent.with_cancel().detach();
    ctx.scope().expect("a scope").link();
    ctx
}

fn children_of(ctx: &Context) -> usize {
    let scope = ctx.scope().expect("a scope");
    let count = scope.own.links.lock().child_count();
    count
}

fn cause(cancelled: &Cancelled) -> String {
    cancelled.cause().expect("a cause").to_string()
}

#[test]
fn t1_two_cancellers_in_one_subtree_leave_no_live_descendant_behind() {
    model(|| {
        let root = Context::background().with_cancel();
        let middle = root.with_cancel();
        let lower = middle.with_cancel();
        let leaf = lower.with_cancel();
        let watched = leaf.without_cancel();
        drop(watched);
        ScopeRef::link(leaf.scope().expect("a scope"));
        let (canceller, seen) = (middle.canceller(), leaf.clone());
        let other = thread::spawn(move || {
            if canceller.cancel() {
                assert!(seen.is_cancelled());
            }
        });
        assert!(root.cancel());
        assert!(middle.is_cancelled() && lower.is_cancelled() && leaf.is_cancelled());
        other.join().unwrap();
        assert_eq!(
            (
                children_of(&root),
                children_of(&middle),
                children_of(&lower)
            ),
            (0, 0, 0)
        );
    });
}

#[test]
fn t1_two_cancellers_of_a_merge_leave_no_live_descendant_behind() {
    model(|| {
        let left = Context::background().with_cancel();
        let right = Context::background().with_cancel();
        let both = left.merge(&right);
        let below = both.with_cancel();
        ScopeRef::link(below.scope().expect("a scope"));
        let (canceller, seen) = (right.canceller(), below.clone());
        let other = thread::spawn(move || {
            canceller.cancel_with("right");
            assert!(seen.is_cancelled());
        });
        left.cancel_with("left");
        assert!(below.is_cancelled());
        other.join().unwrap();
        assert_eq!(cause(&both.err().unwrap()), cause(&below.err().unwrap()));
        assert_eq!((children_of(&left), children_of(&right)), (0, 0));
    });
}

#[test]
fn t2_of_two_cancellers_one_wins() {
    model(|| {
        let scope = Context::background().with_cancel();
        let canceller = scope.canceller();
        let other = thread::spawn(move || canceller.cancel_with("other"));
        let mine = scope.cancel_with("mine");
        let seen = cause(&scope.err().unwrap());
        let others = other.join().unwrap();
        assert!(mine != others);
        assert_eq!(seen, if mine { "mine" } else { "other" });
        assert_eq!(cause(&scope.err().unwrap()), seen);
    });
}

#[test]
fn t3_t4_whoever_sees_the_end_sees_all_of_it_and_done_is_ready() {
    model(|| {
        let scope = Context::background().with_cancel();
        let child = scope.with_value(&KEY, 1).with_cancel();
        let ctx = child.clone();
        let reader = thread::spawn(move || {
            let (_, waker) = counter();
            let ended = ctx.is_cancelled();
            let error = ctx.err();
            assert!(!ended || error.is_some());
            if let Some(error) = error {
                assert_eq!(
                    (cause(&error).as_str(), error.trigger()),
                    ("why", Trigger::Call)
                );
                assert!(poll(pin!(ctx.done()), &waker).is_ready());
            }
        });
        scope.cancel_with("why");
        assert_eq!(cause(&child.err().unwrap()), "why");
        reader.join().unwrap();
    });
}

#[test]
fn t3_t5_an_inherited_end_that_is_read_during_the_walk_is_the_end_of_the_root() {
    model(|| {
        let root = Context::background().with_cancel();
        let middle = root.with_cancel();
        let leaf = middle.with_cancel();
        ScopeRef::link(leaf.scope().expect("a scope"));
        let (upper, lower) = (middle.clone(), leaf.clone());
        let reader = thread::spawn(move || {
            let ended = lower.is_cancelled();
            let below = lower.err();
            let above = upper.err();
            assert!(!ended || below.is_some());
            for error in below.iter().chain(&above) {
                assert_eq!(cause(error), "why");
            }
            assert!(below.is_none() || above.is_some());
            assert!(below.is_none() || lower.err().is_some());
        });
        root.cancel_with("why");
        // Here too a read may be the one that writes the end down.
        assert_eq!(cause(&leaf.err().unwrap()), "why");
        reader.join().unwrap();
        assert_eq!(cause(&middle.err().unwrap()), "why");
    });
}

/// Its parent has ended before both reads, so neither may say "live", though one of them finds in the scope what
/// the other is about to write.
#[test]
fn t1_t3_two_reads_of_an_orphan_at_once_both_see_its_end() {
    model(|| {
        let root = Context::background().with_cancel();
        let child = root.with_cancel();
        let (behind, seen) = (child.with_value(&KEY, 1), child.clone());
        root.cancel_with("why");
        let reader = thread::spawn(move || {
            assert!(behind.is_cancelled());
            assert_eq!(cause(&behind.err().unwrap()), "why");
        });
        assert!(seen.is_cancelled());
        assert_eq!(cause(&seen.check().unwrap_err()), "why");
        reader.join().unwrap();
    });
}

/// While a scope enters its parent's list it stops asking the parent, and the walk that will end it may be on
/// its way: a read that has seen the parent's end writes it down before it answers.
#[test]
fn t3_an_end_that_is_read_while_the_scope_is_linked_is_not_taken_back() {
    model(|| {
        let root = Context::background().with_cancel();
        let child = root.with_cancel();
        let (linked, seen, behind) = (child.clone(), child.clone(), child.with_value(&KEY, 1));
        let linker = thread::spawn(move || linked.scope().expect("a scope").link());
        let reader = thread::spawn(move || {
            let before = seen.is_cancelled();
            let after = behind.is_cancelled();
            assert!(!before || after);
            assert!(!after || seen.check().is_err());
        });
        root.cancel();
        assert!(child.is_cancelled());
        linker.join().unwrap();
        reader.join().unwrap();
    });
}

#[test]
fn d6_a_deadline_that_is_read_during_a_later_cancel_ends_all_who_have_it() {
    model(|| {
        let root = Context::background().with_cancel();
        let late = root.with_timeout(Duration::ZERO);
        let middle = late.with_cancel();
        let leaf = middle.with_cancel();
        ScopeRef::link(leaf.scope().expect("a scope"));
        let read = leaf.clone();
        let reader = thread::spawn(move || {
            assert_eq!(read.err().unwrap().trigger(), Trigger::Deadline);
        });
        root.cancel_with("too late for them");
        for ctx in [&*middle, &*late, &*leaf] {
            assert_eq!(ctx.err().unwrap().trigger(), Trigger::Deadline);
        }
        reader.join().unwrap();
        assert!(!middle.cancel());
    });
}

crate::ctx_value! { KEY: u8; }

#[test]
fn t6_a_child_derived_during_a_cancel_is_cancelled_with_its_cause() {
    model(|| {
        let root = Context::background().with_cancel();
        let parent = root.with_cancel();
        let ctx = parent.clone();
        let deriver = thread::spawn(move || {
            let (count, waker) = counter();
            let child = ctx.with_cancel();
            let mut done = child.done_owned();
            let first = poll(Pin::new(&mut done), &waker);
            (child, done, first, count)
        });
        root.cancel_with("why");
        let (child, mut done, first, count) = deriver.join().unwrap();
        assert!(first.is_ready() || count.get() == 1, "the wake-up was lost");
        let Poll::Ready(error) = poll(Pin::new(&mut done), &counter().1) else {
            panic!("still waiting");
        };
        assert_eq!(cause(&error), "why");
        assert_eq!(cause(&child.err().unwrap()), "why");
    });
}

#[test]
fn t12_the_side_of_a_merge_that_ended_first_ends_it() {
    model(|| {
        let left = Context::background().with_cancel();
        let right = Context::background().with_cancel();
        let both = left.merge(&right);
        let reader = both.clone();
        let other = thread::spawn(move || {
            // A reader may settle the merge in between.
            reader.err().map(|error| cause(&error))
        });
        right.cancel_with("right");
        left.cancel_with("left");
        assert_eq!(cause(&both.err().unwrap()), "right");
        assert!(other.join().unwrap().is_none_or(|seen| seen == "right"));
    });
}
