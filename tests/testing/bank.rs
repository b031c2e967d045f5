//! The program that the README proves: a transfer that loses money if it is cancelled at its third await.

use ctx::{Cancelled, testing::cancel_at_every_checkpoint, with_context};
use std::{
    panic::catch_unwind,
    sync::atomic::{AtomicI64, Ordering::SeqCst},
};
use tokio::task::yield_now;

struct Bank {
    from: AtomicI64,
    to: AtomicI64,
}

impl Bank {
    fn with(money: i64) -> Self {
        Self {
            from: money.into(),
            to: 0.into(),
        }
    }

    async fn check(&self, sum: i64) -> bool {
        yield_now().await;
        self.from.load(SeqCst) >= sum
    }

    #[expect(clippy::unused_async, reason = "as a bank would have it")]
    async fn debit(&self, sum: i64) {
        self.from.fetch_sub(sum, SeqCst);
    }

    async fn credit(&self, sum: i64) {
        yield_now().await;
        self.to.fetch_add(sum, SeqCst);
    }

    fn total(&self) -> i64 {
        self.from.load(SeqCst) + self.to.load(SeqCst)
    }
}

#[with_context]
async fn wrong(bank: &Bank, sum: i64) -> Result<(), Cancelled> {
    if bank.check(sum).await {
        bank.debit(sum).await;
        bank.credit(sum).await;
    }
    Ok(())
}

#[with_context]
async fn right(bank: &Bank, sum: i64) -> Result<(), Cancelled> {
    if bank.check(sum).await {
        #[shield]
        {
            bank.debit(sum).await;
            bank.credit(sum).await;
        }
    }
    Ok(())
}

#[test]
fn x1_money_is_lost_at_the_third_await_and_nowhere_else() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let bank = Bank::with(100);
        let result = wrong(&ctx, &bank, 10).await;
        (result.is_ok(), bank.total())
    });
    assert_eq!(sweep.checkpoints(), 3);
    let mut cancelled = sweep.iter().filter_map(ctx::testing::Run::cancelled_at);
    let third = cancelled.next_back().expect("a run at the third await");
    for run in &sweep {
        let lost = run.output().1 != 100;
        assert_eq!(lost, run.cancelled_at() == Some(third), "{run}");
        assert_eq!(run.output().0, run.cancelled_at().is_none(), "{run}");
    }
    // The test that the README shows fails, and says where.
    let failed = catch_unwind(|| {
        for run in &sweep {
            assert_eq!(run.output().1, 100, "{run}");
        }
    });
    let text = failed.unwrap_err().downcast::<String>().unwrap();
    assert!(text.contains(&third.to_string()), "{text}");
}

#[test]
fn x1_a_shield_mends_it() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let bank = Bank::with(100);
        let result = right(&ctx, &bank, 10).await;
        (result.is_ok(), bank.total())
    });
    for run in &sweep {
        assert_eq!(run.output().1, 100, "{run}");
    }
    assert_eq!(sweep.checkpoints(), 1);
}
