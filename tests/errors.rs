//! What a cancellation says: `report` letter by letter, `Display`, conversions, and what all types are.

use crate::support::Polled;
use ctx::{
    BoxError, CancelScope, Cancelled, Canceller, Context, Done, DoneOwned, FromCancelled, Instant,
    Key, MissingValue, OnCancel, Reason, RunUntilCancelled, RunUntilCancelledOwned, Trigger,
};
use std::{
    error::Error,
    fmt::{self, Debug},
    future::{Ready, pending},
    io,
    panic::{RefUnwindSafe, UnwindSafe},
    time::Duration,
};

/// Compares letter by letter. `AT` and `HERE` stand for the two places, whose lines are tested below.
#[track_caller]
fn report_is(cancelled: &Cancelled, expected: &str) {
    let at = cancelled.cancelled_at();
    assert_eq!(at.file(), file!());
    let mut expected = expected.replace(
        "AT",
        &format!("{}:{}:{}", at.file(), at.line(), at.column()),
    );
    if let Some(noticed) = cancelled.noticed_at() {
        expected = expected.replace("HERE", &noticed.to_string());
    }
    assert_eq!(cancelled.report().to_string(), expected);
}

#[tokio::test(start_paused = true)]
async fn report_of_a_timeout() {
    let root = Context::background();
    let plain = root.with_timeout(Duration::from_millis(50));
    let caused = root.with_timeout_cause(Duration::from_millis(1500), "price lookup budget");
    tokio::time::advance(Duration::from_secs(2)).await;
    let (plain, caused) = (
        plain.with_cancel(),
        caused.with_timeout(Duration::from_secs(7)),
    );
    report_is(
        &plain.err().unwrap(),
        "context deadline exceeded\n  deadline: 50ms, set at AT",
    );
    report_is(
        &plain.check().unwrap_err(),
        "context deadline exceeded\n  deadline: 50ms, set at AT\n  noticed:  HERE",
    );
    report_is(
        &caused.err().unwrap(),
        "context deadline exceeded\n  deadline: 1.5s, set at AT\n  cause:    price lookup budget",
    );
    let late = caused
        .run_until_cancelled(pending::<()>())
        .await
        .unwrap_err();
    report_is(
        &late,
        "context deadline exceeded\n  deadline: 1.5s, set at AT\n  noticed:  HERE\n  cause:    price lookup budget",
    );
}

#[test]
fn report_of_a_deadline() {
    let root = Context::background();
    let plain = root.with_deadline(Instant::now());
    let caused = root.with_deadline_cause(Instant::now(), "maintenance");
    let below = plain.with_timeout(Duration::from_secs(1));
    report_is(
        &below.err().unwrap(),
        "context deadline exceeded\n  deadline: set at AT",
    );
    report_is(
        &caused.check().unwrap_err(),
        "context deadline exceeded\n  deadline: set at AT\n  noticed:  HERE\n  cause:    maintenance",
    );
}

#[test]
fn report_of_a_call() {
    let plain = Context::background().with_cancel();
    let caused = plain.with_cancel();
    caused.canceller().cancel_with("client disconnected");
    plain.cancel();
    report_is(&plain.err().unwrap(), "context cancelled\n  by:       AT");
    let run = plain.run_until_cancelled(pending::<()>());
    report_is(
        &Polled::new(run).ready().unwrap_err(),
        "context cancelled\n  by:       AT\n  noticed:  HERE",
    );
    report_is(
        &caused.check().unwrap_err(),
        "context cancelled\n  by:       AT\n  noticed:  HERE\n  cause:    client disconnected",
    );
    report_is(
        &caused.err().unwrap(),
        "context cancelled\n  by:       AT\n  cause:    client disconnected",
    );
}

/// An error with another one behind it.
#[derive(Debug)]
struct Outer(BoxError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

#[test]
fn report_of_all_that_led_to_a_cause() {
    let elsewhere = Context::background().with_timeout_cause(Duration::ZERO, "price lookup budget");
    let elsewhere = elsewhere.err().unwrap();
    let made = elsewhere.cancelled_at();
    let scope = Context::background().with_cancel();
    scope.cancel_with(Outer(Box::new(Outer("connection reset".into()))));
    report_is(
        &scope.err().unwrap(),
        "context cancelled\n  by:       AT\n  cause:    outer\n  because:  outer\n  because:  connection reset",
    );
    for (cause, first) in [
        (BoxError::from(elsewhere.clone()), "cause:    "),
        (
            BoxError::from(Outer(Box::new(elsewhere))),
            "cause:    outer\n  because:  ",
        ),
    ] {
        let scope = Context::background().with_cancel();
        scope.cancel_with(cause);
        report_is(
            &scope.err().unwrap(),
            &format!(
                "context cancelled\n  by:       AT\n  {first}context deadline exceeded, {made}\n  because:  price lookup budget"
            ),
        );
    }
}

#[test]
fn report_of_a_dropped_scope() {
    let ctx = Context::background().with_cancel().clone();
    report_is(
        &ctx.err().unwrap(),
        "context cancelled\n  by:       the end of the scope made at AT (was it a temporary?)",
    );
    report_is(
        &ctx.check().unwrap_err(),
        "context cancelled\n  by:       the end of the scope made at AT (was it a temporary?)\n  noticed:  HERE",
    );
}

#[test]
fn cancelled_at_names_the_line_that_did_it() {
    let root = Context::background();
    let scope = root.with_timeout(Duration::from_secs(1));
    let line = line!() + 1;
    scope.cancel();
    assert_eq!(scope.err().unwrap().cancelled_at().line(), line);
    let line = line!() + 1;
    let merged = root.merge(&root);
    let below = merged.with_cancel();
    drop(merged);
    assert_eq!(below.err().unwrap().cancelled_at().line(), line);
    assert_eq!(below.err().unwrap().cancelled_at().file(), file!());
}

#[test]
fn noticed_at_is_the_receiver_s_own() {
    let scope = Context::background().with_cancel();
    scope.cancel();
    let line = line!() + 1;
    let noticed = scope.check().unwrap_err();
    assert_eq!(noticed.noticed_at().unwrap().line(), line);
    assert!(scope.err().unwrap().noticed_at().is_none());
    assert!(Polled::new(scope.done()).ready().noticed_at().is_none());
}

#[test]
fn the_cause_is_the_source_and_is_not_repeated() {
    let scope = Context::background().with_cancel();
    scope.cancel_with(Outer("inner".into()));
    let cancelled = scope.err().unwrap();
    assert_eq!(cancelled.to_string(), "context cancelled");
    assert_eq!(format!("{cancelled:>20}|"), "   context cancelled|");
    let source = cancelled.source().unwrap();
    assert_eq!(source.to_string(), "outer");
    assert_eq!(source.source().unwrap().to_string(), "inner");
    assert_eq!(
        cancelled.cause_as::<Outer>().unwrap().0.to_string(),
        "inner"
    );
    assert!(cancelled.cause_as::<io::Error>().is_none());
    assert!(cancelled.clone().cause_as::<Outer>().is_some());
}

#[test]
fn a_cause_is_whatever_io_error_takes() {
    let boxed: BoxError = "boxed".into();
    for scope in [0, 1, 2].map(|_| Context::background().with_cancel()) {
        scope.cancel_with("a str");
    }
    let scope = Context::background().with_cancel();
    assert!(scope.cancel_with(String::from("a string")));
    let scope = Context::background().with_cancel();
    assert!(scope.cancel_with(boxed));
    assert_eq!(scope.err().unwrap().cause().unwrap().to_string(), "boxed");
}

#[test]
fn display_and_debug() {
    let late = Context::background()
        .with_timeout_cause(Duration::ZERO, "why")
        .err()
        .unwrap();
    assert_eq!(late.to_string(), "context deadline exceeded");
    let debug = format!("{late:?}");
    for part in [
        "DeadlineExceeded",
        "Deadline",
        file!(),
        "why",
        "noticed_at: None",
    ] {
        assert!(debug.contains(part), "{debug} lacks {part}");
    }
}

#[test]
fn io_errors_are_of_a_kind_that_is_not_retried() {
    let late = Context::background()
        .with_timeout_cause(Duration::ZERO, "why")
        .err()
        .unwrap();
    let error = io::Error::from(late);
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let inner = error
        .get_ref()
        .unwrap()
        .downcast_ref::<Cancelled>()
        .unwrap();
    assert_eq!(inner.cause().unwrap().to_string(), "why");
    let scope = Context::background().with_cancel();
    scope.cancel();
    let error = io::Error::from(scope.err().unwrap());
    assert_eq!(error.kind(), io::ErrorKind::Other);
    assert_eq!(error.to_string(), "context cancelled");
}

#[test]
fn early_returns_are_made_for_results_and_options() {
    let scope = Context::background().with_cancel();
    scope.cancel_with("why");
    let cancelled = scope.err().unwrap();
    assert_eq!(Option::<u8>::from_cancelled(cancelled.clone()), None);
    let plain = Result::<u8, Cancelled>::from_cancelled(cancelled.clone());
    assert_eq!(plain.unwrap_err().reason(), Reason::Cancelled);
    let io = Result::<u8, io::Error>::from_cancelled(cancelled.clone());
    assert_eq!(io.unwrap_err().kind(), io::ErrorKind::Other);
    let boxed = Result::<u8, BoxError>::from_cancelled(cancelled);
    assert_eq!(boxed.unwrap_err().source().unwrap().to_string(), "why");
}

#[test]
fn every_public_type_is_what_the_contract_says() {
    fn shared<T: Send + Sync + UnwindSafe + RefUnwindSafe + Debug>() {}
    fn error<T: Error + Clone + Send + Sync + 'static>() {}
    shared::<Context>();
    shared::<CancelScope>();
    shared::<Canceller>();
    shared::<Cancelled>();
    shared::<Reason>();
    shared::<Trigger>();
    shared::<Key<String>>();
    shared::<MissingValue>();
    shared::<OnCancel>();
    shared::<Done<'_>>();
    shared::<DoneOwned>();
    shared::<RunUntilCancelled<'_, Ready<()>>>();
    shared::<RunUntilCancelledOwned<Ready<()>>>();
    error::<Cancelled>();
    error::<MissingValue>();
    assert_eq!(size_of::<Result<(), Cancelled>>(), size_of::<usize>());
    assert_eq!(size_of::<Context>(), size_of::<usize>());
}

#[test]
fn futures_print_the_context_they_wait_for() {
    ctx::ctx_value! { WHO: u8; }
    let ctx = Context::background().with_value(&WHO, 1);
    for text in [
        format!("{:?}", ctx.done()),
        format!("{:?}", ctx.done_owned()),
        format!("{:?}", ctx.run_until_cancelled(pending::<()>())),
        format!("{:?}", ctx.run_until_cancelled_owned(pending::<()>())),
        format!("{:?}", ctx.on_cancel(|_| ())),
    ] {
        assert!(text.contains("Background.with_value(WHO)"), "{text}");
    }
}
