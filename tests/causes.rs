//! The table of causes: what is done, then what `err()` says. It is Go's `TestCause` and a little more.

use crate::support::HOUR;
use ctx::{Cancelled, Context, Reason};
use std::{fmt, time::Duration};

#[derive(Clone, PartialEq)]
struct Said(Option<(Reason, Option<String>)>);

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn said(cancelled: Option<&Cancelled>) -> Said {
    Said(cancelled.map(|it| (it.reason(), it.cause().map(ToString::to_string))))
}

fn ask(ctx: &Context) -> Vec<Said> {
    vec![said(ctx.err().as_ref())]
}

fn cancelled(cause: &str) -> Said {
    ended(Reason::Cancelled, cause)
}

fn expired(cause: &str) -> Said {
    ended(Reason::DeadlineExceeded, cause)
}

fn ended(reason: Reason, cause: &str) -> Said {
    Said(Some((
        reason,
        (!cause.is_empty()).then(|| cause.to_owned()),
    )))
}

/// A row: its number in the contract, the set-up, and what everybody who is asked says.
type Row = (u32, fn() -> Vec<Said>, Said);

/// Parent and child are cancelled as the row tells, in this order; the child is asked.
fn parent_and_child(first: Whom, second: Whom) -> Vec<Said> {
    let parent = Context::background().with_cancel();
    let child = parent.with_cancel();
    for whom in [first, second] {
        match whom {
            Whom::Parent("") => parent.cancel(),
            Whom::Parent(cause) => parent.cancel_with(cause),
            Whom::Child("") => child.cancel(),
            Whom::Child(cause) => child.cancel_with(cause),
        };
    }
    ask(&child)
}

enum Whom {
    Parent(&'static str),
    Child(&'static str),
}
use Whom::{Child, Parent};

const LIVE: Said = Said(None);

#[expect(clippy::too_many_lines, reason = "the table has nineteen rows")]
fn rows() -> Vec<Row> {
    vec![
        (
            1,
            || [ask(&Context::background()), ask(&Context::todo())].concat(),
            LIVE,
        ),
        (
            2,
            || {
                let scope = Context::background().with_cancel();
                scope.cancel();
                ask(&scope)
            },
            cancelled(""),
        ),
        (
            3,
            || {
                let scope = Context::background().with_cancel();
                scope.cancel_with("P");
                ask(&scope)
            },
            cancelled("P"),
        ),
        (
            4,
            || parent_and_child(Parent("P"), Child("C")),
            cancelled("P"),
        ),
        (
            5,
            || parent_and_child(Child("C"), Parent("P")),
            cancelled("C"),
        ),
        (
            6,
            || parent_and_child(Parent("P"), Child("")),
            cancelled("P"),
        ),
        (
            7,
            || parent_and_child(Child(""), Parent("P")),
            cancelled(""),
        ),
        (
            8,
            || parent_and_child(Parent(""), Child("C")),
            cancelled(""),
        ),
        (
            9,
            || parent_and_child(Child("C"), Parent("")),
            cancelled("C"),
        ),
        (
            10,
            || {
                let scope = Context::background().with_timeout(Duration::ZERO);
                scope.cancel();
                ask(&scope)
            },
            expired(""),
        ),
        (
            11,
            || {
                let scope = Context::background().with_timeout(HOUR);
                scope.cancel();
                ask(&scope)
            },
            cancelled(""),
        ),
        (
            12,
            || {
                let scope = Context::background().with_timeout_cause(Duration::ZERO, "T");
                scope.cancel();
                ask(&scope)
            },
            expired("T"),
        ),
        (
            13,
            || {
                let scope = Context::background().with_timeout_cause(HOUR, "T");
                scope.cancel();
                ask(&scope)
            },
            cancelled(""),
        ),
        (14, || timeout_below_a_scope(Duration::ZERO), expired("T")),
        (15, || timeout_below_a_scope(HOUR), cancelled("F")),
        (
            16,
            || {
                let scope = Context::background().with_cancel();
                scope.cancel();
                let late = Context::background().with_timeout(Duration::ZERO);
                [
                    ask(&Context::background().without_cancel()),
                    ask(&scope.without_cancel()),
                    ask(&late.without_cancel()),
                ]
                .concat()
            },
            LIVE,
        ),
        (
            17,
            || {
                let ended = Context::background().with_cancel();
                ended.cancel();
                let late = Context::background().with_timeout(Duration::ZERO);
                let below = |ctx: &Context| {
                    let scope = ctx.without_cancel().with_cancel();
                    scope.cancel_with("C");
                    ask(&scope)
                };
                [below(&Context::background()), below(&ended), below(&late)].concat()
            },
            cancelled("C"),
        ),
        (
            19,
            || {
                let elsewhere = Context::background().with_timeout_cause(Duration::ZERO, "T");
                let scope = Context::background().with_cancel();
                scope.cancel_with(elsewhere.err().unwrap());
                let cause = scope.err().unwrap();
                let cause = cause.cause_as::<Cancelled>().expect("that error, as it is");
                assert_eq!(said(Some(cause)), expired("T"));
                ask(&scope)
            },
            cancelled("context deadline exceeded"),
        ),
    ]
}

fn timeout_below_a_scope(after: Duration) -> Vec<Said> {
    let outer = Context::background().with_cancel();
    let inner = outer.with_timeout_cause(after, "T");
    outer.cancel_with("F");
    ask(&inner)
}

#[tokio::test(start_paused = true)]
async fn t5_the_whole_table_of_causes_holds() {
    for (number, set_up, expected) in rows() {
        for answer in set_up() {
            assert_eq!(answer, expected, "row {number}");
        }
    }
    // Row 18 is the one in which time passes.
    let at = ctx::Instant::now() + HOUR;
    let parent = Context::background().with_deadline_cause(at, "the parent's");
    let child = parent.with_deadline_cause(at, "the child's");
    tokio::time::advance(HOUR).await;
    assert_eq!(ask(&child), [expired("the parent's")], "row 18");
}
