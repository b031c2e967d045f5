//! Who waits for a scope while it ends: checkpoints, signals and callbacks.

use super::*;

#[test]
fn c4_c8_a_checkpoint_that_registers_during_a_cancel_is_woken_or_sees_it() {
    model(|| {
        let root = Context::background().with_cancel();
        let scope = root.with_cancel();
        let ctx = scope.clone();
        let task = thread::spawn(move || {
            let (count, waker) = counter();
            let mut work = pin!(ctx.run_until_cancelled(pending::<()>()));
            match poll(work.as_mut(), &waker) {
                Poll::Ready(_) => {}
                Poll::Pending => {
                    while count.get() == 0 {
                        thread::yield_now();
                    }
                    assert!(poll(work, &waker).is_ready());
                }
            }
        });
        root.cancel();
        task.join().unwrap();
    });
}

#[test]
fn c3_nested_checkpoints_register_once_and_the_inner_one_decides() {
    model(|| {
        let scope = Context::background().with_cancel();
        let ctx = scope.clone();
        let task = thread::spawn(move || {
            let (count, waker) = counter();
            let inner = async {
                let inner = ctx.run_until_cancelled(pending::<()>()).await;
                assert!(inner.is_err());
                "cleaned up"
            };
            let mut outer = pin!(ctx.run_until_cancelled(inner));
            // A context that ends before the first poll starts nothing; one that ends later is the
            // inner checkpoint's to notice.
            let started = !ctx.is_cancelled();
            let mut outcome = poll(outer.as_mut(), &waker);
            if outcome.is_pending() {
                while count.get() == 0 {
                    thread::yield_now();
                }
                outcome = poll(outer, &waker);
                assert_eq!(outcome.map(Result::unwrap), Poll::Ready("cleaned up"));
            } else {
                assert!(
                    ctx.is_cancelled() && (started || outcome.map(|it| it.is_err()).is_ready())
                );
            }
            assert!(count.get() <= 1);
        });
        scope.cancel();
        task.join().unwrap();
    });
}

type Shared = Rc<RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>>;

/// An inner checkpoint that its outer one polls where it lies, and that can be taken out.
fn nested(
    ctx: &Context,
) -> (
    Shared,
    impl Future<Output = Result<(), Cancelled>> + 'static,
) {
    let inner = ctx.run_until_cancelled_owned(pending::<()>());
    let place: Shared = Rc::new(RefCell::new(Some(Box::pin(async {
        let _ = inner.await;
    }))));
    let lent = Rc::clone(&place);
    let outer = ctx.run_until_cancelled_owned(poll_fn(move |cx| match &mut *lent.borrow_mut() {
        Some(inner) => inner.as_mut().poll(cx),
        None => Poll::Pending,
    }));
    (place, outer)
}

#[test]
fn c8_an_inner_checkpoint_that_is_dropped_during_a_cancel_hands_over() {
    model(|| {
        let scope = Context::background().with_cancel();
        let ctx = scope.clone();
        let task = thread::spawn(move || {
            let (count, waker) = counter();
            let (place, outer) = nested(&ctx);
            let mut outer = pin!(outer);
            if poll(outer.as_mut(), &waker).is_ready() {
                return;
            }
            let inner = place.borrow_mut().take();
            drop(inner);
            // Either the inner one woke the task as it went, or the canceller had its waker in hand.
            while count.get() == 0 {
                thread::yield_now();
            }
            let woken = count.get();
            if poll(outer.as_mut(), &waker).is_ready() {
                return;
            }
            while count.get() == woken {
                thread::yield_now();
            }
            assert!(poll(outer, &waker).is_ready());
        });
        scope.cancel();
        task.join().unwrap();
    });
}

#[test]
fn c8_a_checkpoint_that_changes_wakers_during_a_cancel_wakes_the_newer_one() {
    model(|| {
        let scope = Context::background().with_cancel();
        let ctx = scope.clone();
        let task = thread::spawn(move || {
            let (_, before) = counter();
            let (count, waker) = counter();
            let mut work = pin!(ctx.run_until_cancelled(pending::<()>()));
            if poll(work.as_mut(), &before).is_ready() || poll(work.as_mut(), &waker).is_ready() {
                return;
            }
            while count.get() == 0 {
                thread::yield_now();
            }
            assert!(poll(work, &waker).is_ready());
        });
        scope.cancel();
        task.join().unwrap();
    });
}

#[test]
fn a_waiter_that_is_dropped_during_the_wake_harms_nobody() {
    model(|| {
        let scope = Context::background().with_cancel();
        let (count, waker) = counter();
        let mut stays = scope.done_owned();
        let mut goes = scope.done_owned();
        assert!(poll(Pin::new(&mut goes), &counter().1).is_pending());
        assert!(poll(Pin::new(&mut stays), &waker).is_pending());
        let dropper = thread::spawn(move || drop(goes));
        scope.cancel();
        dropper.join().unwrap();
        assert_eq!(count.get(), 1);
    });
}

#[test]
fn a_scope_that_is_dropped_during_its_parents_cancel_ends_once() {
    model(|| {
        let parent = Context::background().with_cancel();
        let scope = parent.with_cancel();
        let (count, waker) = counter();
        let mut done = scope.done_owned();
        assert!(poll(Pin::new(&mut done), &waker).is_pending());
        let dropper = thread::spawn(move || drop(scope));
        parent.cancel_with("parent");
        let Poll::Ready(error) = poll(Pin::new(&mut done), &waker) else {
            panic!("still waiting");
        };
        dropper.join().unwrap();
        match error.trigger() {
            Trigger::Dropped => assert!(error.cause().is_none()),
            _ => assert_eq!(cause(&error), "parent"),
        }
        assert_eq!(count.get(), 1);
        assert_eq!(children_of(&parent), 0);
    });
}

#[test]
fn o1_a_callback_is_run_or_stopped_and_never_both() {
    model(|| {
        let scope = Context::background().with_cancel();
        let ran = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ran);
        let hook = scope.on_cancel(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let canceller = scope.canceller();
        let other = thread::spawn(move || canceller.cancel());
        let stopped = hook.stop();
        other.join().unwrap();
        if stopped {
            assert_eq!(ran.load(Ordering::SeqCst), 0);
        } else {
            while ran.load(Ordering::SeqCst) == 0 {
                thread::yield_now();
            }
        }
    });
}

#[test]
fn o1_a_callback_that_is_registered_during_a_cancel_runs() {
    model(|| {
        let scope = Context::background().with_cancel();
        let canceller = scope.canceller();
        let other = thread::spawn(move || canceller.cancel());
        let ran = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ran);
        let hook = scope.on_cancel(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        other.join().unwrap();
        while ran.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        assert!(!hook.stop());
    });
}
