//! C3 and C8 where checkpoints of one line and one task stand inside each other, and have one frame.

use super::helpers::{ROOT, Slot, finish};
use crate::support::Wakes;
use std::{
    cell::Cell,
    future::{Future, pending, poll_fn},
    pin::pin,
};

#[test]
fn c3_a_middle_one_decides_though_its_inner_one_is_dropped_beside_it_and_the_context_ends() {
    let scope = ROOT.with_cancel();
    let inner = Slot::new(scope.run_until_cancelled_owned(pending::<()>()));
    let mut middle = Box::pin(scope.run_until_cancelled_owned(inner.future()));
    let surfaced = Cell::new(false);
    let mut first = true;
    let outer = pin!(scope.run_until_cancelled(poll_fn(|cx| {
        let polled = middle.as_mut().poll(cx);
        if std::mem::take(&mut first) {
            drop(inner.take());
            scope.cancel();
        }
        surfaced.set(surfaced.get() | polled.is_ready());
        polled.map(drop)
    })));
    assert!(finish(outer, &Wakes::new()).is_ok());
    assert!(surfaced.get());
}
