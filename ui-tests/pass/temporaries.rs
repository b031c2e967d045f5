#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::sync::{Mutex, MutexGuard};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

struct Noisy<'a>(&'static str, &'a Mutex<Vec<&'static str>>);

impl Drop for Noisy<'_> {
    fn drop(&mut self) {
        self.1.lock().unwrap().push(self.0);
    }
}

async fn first(text: &str) -> &str {
    tokio::task::yield_now().await;
    &text[..1]
}

async fn name(noisy: &Noisy<'_>) -> &'static str {
    tokio::task::yield_now().await;
    noisy.0
}

async fn borrow<'a>(numbers: &'a [u32], _: &Noisy<'_>) -> &'a u32 {
    tokio::task::yield_now().await;
    &numbers[0]
}

#[with_context]
async fn used_in_the_same_statement(key: u32) -> Result<usize, Cancelled> {
    Ok(first(&key.to_string()).await.len() + first(&format!("{key}{key}")).await.len())
}

#[with_context]
async fn dropped_after_the_statement(log: &Mutex<Vec<&'static str>>) -> Result<u32, Cancelled> {
    let number =
        *borrow(&[7], &Noisy("argument", log)).await + u32::from(log.lock().unwrap().is_empty());
    log.lock().unwrap().push("after");
    Ok(number)
}

#[with_context]
async fn dropped_after_the_match(log: &Mutex<Vec<&'static str>>) -> Result<(), Cancelled> {
    match name(&Noisy("scrutinee", log)).await {
        "scrutinee" => log.lock().unwrap().push("arm"),
        _ => unreachable!(),
    }
    if let word @ "condition" = name(&Noisy("condition", log)).await {
        assert_eq!(word.len(), 9);
        log.lock().unwrap().push("then");
    }
    Ok(())
}

#[with_context]
async fn extended() -> Result<usize, Cancelled> {
    let text = &first("hello").await.to_owned();
    let numbers = &[one().await, one().await];
    Ok(text.len() + numbers.len())
}

#[with_context]
async fn guard_in_an_argument(lock: &tokio::sync::Mutex<u32>) -> Result<u32, Cancelled> {
    let double = async |number: u32| number * 2;
    let doubled = double(*lock.lock().await).await;
    Ok(doubled + *lock.lock().await)
}

type Log = Mutex<Vec<&'static str>>;

fn taken(log: &Log) -> MutexGuard<'_, Vec<&'static str>> {
    log.lock().unwrap()
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background();
    let log = Mutex::new(Vec::new());
    assert_eq!(used_in_the_same_statement(&ctx, 12).await.unwrap(), 2);
    assert_eq!(dropped_after_the_statement(&ctx, &log).await.unwrap(), 8);
    assert_eq!(*taken(&log), ["argument", "after"]);
    taken(&log).clear();
    dropped_after_the_match(&ctx, &log).await.unwrap();
    assert_eq!(*taken(&log), ["arm", "scrutinee", "then", "condition"]);
    assert_eq!(extended(&ctx).await.unwrap(), 3);
    assert_eq!(
        guard_in_an_argument(&ctx, &tokio::sync::Mutex::new(2))
            .await
            .unwrap(),
        6
    );
}
