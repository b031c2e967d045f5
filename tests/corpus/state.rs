//! Shared state: actors, locks across awaits, transactions, caches.

use super::{
    app::{AppError, Remote},
    driver::{Guard, Live, Run, survives},
};
use ctx::{Context, with_context};
use std::{cell::Cell, collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, OnceCell, RwLock, mpsc, oneshot},
    time::sleep,
};

const STEP: Duration = Duration::from_millis(2);

enum Request {
    Add(u32),
    Total(oneshot::Sender<u32>),
}

/// The owner of a number, which nobody else touches.
#[with_context(owned)]
async fn counter(mut requests: mpsc::Receiver<Request>, _task: Guard) -> Result<(), AppError> {
    let mut total = 0;
    while let Some(request) = requests.recv().await {
        match request {
            Request::Add(amount) => {
                sleep(STEP).await;
                total += amount;
            }
            // Who asked may have left.
            Request::Total(answer) => drop(answer.send(total)),
        }
    }
    Ok(())
}

#[derive(Clone)]
struct Counter(mpsc::Sender<Request>);

#[with_context]
impl Counter {
    async fn add(&self, amount: u32) -> Result<(), AppError> {
        Ok(self.0.send(Request::Add(amount)).await?)
    }

    async fn total(&self) -> Result<u32, AppError> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Request::Total(answer)).await?;
        Ok(answered.await?)
    }
}

#[with_context]
async fn count(live: &Live) -> Result<u32, AppError> {
    let (send, requests) = mpsc::channel(2);
    tokio::spawn(counter(ctx.clone(), requests, live.guard()));
    let counter = Counter(send);
    for amount in 1..=4 {
        counter.add(ctx, amount).await?;
    }
    counter.total(ctx).await
}

#[test]
fn an_actor_answers() {
    survives(10, async |run: Run| count(&run.ctx, &run.live).await);
}

struct Bank {
    accounts: Mutex<HashMap<&'static str, i64>>,
}

impl Bank {
    fn new() -> Self {
        let accounts = Mutex::new(HashMap::from([("a", 100), ("b", 0)]));
        Self { accounts }
    }

    async fn total(&self) -> i64 {
        self.accounts.lock().await.values().sum()
    }
}

/// The lock is held across an await, and what happens under it happens as a whole.
#[with_context]
async fn transfer(bank: &Bank, from: &str, to: &str, sum: i64) -> Result<(), AppError> {
    let mut accounts = bank.accounts.lock().await;
    let has = accounts.get(from).copied().unwrap_or_default();
    if has < sum {
        return Err(AppError::Failed("not enough".to_owned()));
    }
    #[shield]
    {
        *accounts.get_mut(from).ok_or(AppError::Closed)? -= sum;
        sleep(STEP).await;
        *accounts.get_mut(to).ok_or(AppError::Closed)? += sum;
    }
    Ok(())
}

#[with_context]
async fn transfers(bank: &Bank) -> Result<i64, AppError> {
    let there = async {
        for _ in 0..3 {
            transfer(ctx, bank, "a", "b", 20).await?;
        }
        Ok::<_, AppError>(())
    };
    let returned = #[with_context]
    async {
        sleep(STEP * 4).await;
        transfer(ctx, bank, "b", "a", 10).await
    };
    let (there, returned) = tokio::join!(there, returned);
    there.and(returned)?;
    Ok(bank.accounts.lock().await["b"])
}

#[test]
fn money_is_neither_lost_nor_made() {
    survives(50, async |run: Run| {
        let bank = Bank::new();
        let result = transfers(&run.ctx, &bank).await;
        assert_eq!(bank.total().await, 100);
        result
    });
}

/// A database connection that must not be left inside a transaction.
#[derive(Default)]
struct Database {
    rows: Cell<u32>,
    committed: Cell<u32>,
    open: Cell<bool>,
    busy: Cell<bool>,
}

impl Database {
    /// A statement that is dropped half-way leaves the connection unusable.
    async fn statement(&self, effect: impl FnOnce(&Self)) {
        assert!(!self.busy.replace(true), "a statement was dropped half-way");
        sleep(STEP).await;
        effect(self);
        self.busy.set(false);
    }

    async fn begin(&self) {
        self.statement(|db| db.open.set(true)).await;
    }

    async fn insert(&self) {
        self.statement(|db| db.rows.set(db.rows.get() + 1)).await;
    }

    async fn commit(&self) {
        self.statement(|db| {
            db.committed.set(db.rows.get());
            db.open.set(false);
        })
        .await;
    }

    async fn rollback(&self) {
        self.statement(|db| {
            db.rows.set(db.committed.get());
            db.open.set(false);
        })
        .await;
    }
}

/// Between two statements there is a good place to stop, inside of one there is not.
#[with_context(checkpoints = between)]
async fn insert_all(db: &Database, rows: u32) -> Result<(), AppError> {
    db.begin().await;
    for _ in 0..rows {
        db.insert().await;
    }
    db.commit().await;
    Ok(())
}

#[with_context]
async fn transaction(db: &Database, rows: u32) -> Result<u32, AppError> {
    let inserted = insert_all(ctx, db, rows).await;
    if inserted.is_err() && db.open.get() {
        #[shield]
        db.rollback().await;
    }
    inserted.map(|()| db.committed.get())
}

#[test]
fn a_transaction_happens_or_does_not() {
    survives(4, async |run: Run| {
        let db = Database::default();
        let result = transaction(&run.ctx, &db, 4).await;
        assert!(!db.open.get() && !db.busy.get());
        assert_eq!(db.rows.get(), db.committed.get());
        assert_eq!(db.committed.get(), if result.is_ok() { 4 } else { 0 });
        result
    });
}

/// A cache that asks once for each key, and reads without waiting for writers of other keys.
#[derive(Default)]
struct Cache {
    cells: RwLock<HashMap<u32, Arc<OnceCell<u32>>>>,
    asked: Cell<u32>,
}

#[with_context]
impl Cache {
    async fn get(&self, key: u32, remote: &Remote) -> Result<u32, AppError> {
        let cell = self.cells.read().await.get(&key).cloned();
        let cell = match cell {
            Some(cell) => cell,
            None => self.cells.write().await.entry(key).or_default().clone(),
        };
        let load = #[with_context]
        async || -> Result<u32, AppError> {
            self.asked.set(self.asked.get() + 1);
            Ok(remote.call(key).await)
        };
        Ok(*cell.get_or_try_init(load).await?)
    }
}

#[with_context]
async fn read_through(cache: &Cache, remote: &Remote) -> Result<u32, AppError> {
    let (a, b, c) = tokio::try_join!(
        cache.get(ctx, 1, remote),
        cache.get(ctx, 1, remote),
        cache.get(ctx, 2, remote),
    )?;
    Ok(a + b + c + cache.get(ctx, 2, remote).await?)
}

#[test]
fn a_cache_asks_once() {
    survives(60, async |run: Run| {
        let cache = Cache::default();
        let result = read_through(&run.ctx, &cache, &Remote::new(&run.live, 3)).await;
        assert!(cache.asked.get() <= 2);
        assert!(result.is_err() || cache.asked.get() == 2);
        // Whoever asks next gets an answer, though the one before was given up.
        let (root, remote) = (Context::background(), Remote::new(&run.live, 3));
        let next = cache.get(&root, 1, &remote).await;
        assert_eq!(next.expect("nobody cancels it"), 10);
        result
    });
}

/// Files that must not stay behind.
#[derive(Default)]
struct Disk {
    temporary: Cell<u32>,
    kept: Cell<u32>,
}

#[with_context]
async fn fill(disk: &Disk, mut parts: mpsc::Receiver<u32>) -> Result<u32, AppError> {
    disk.temporary.set(disk.temporary.get() + 1);
    let mut size = 0;
    while let Some(part) = parts.recv().await {
        sleep(STEP).await;
        size += part;
    }
    Ok(size)
}

/// Takes an upload into a temporary file, which is kept or removed, but never forgotten.
#[with_context]
async fn upload(disk: &Disk, parts: mpsc::Receiver<u32>) -> Result<u32, AppError> {
    let filled = fill(ctx, disk, parts).await;
    #[shield]
    {
        sleep(STEP).await;
        disk.temporary.set(disk.temporary.get().saturating_sub(1));
        if filled.is_ok() {
            sleep(STEP).await;
            disk.kept.set(disk.kept.get() + 1);
        }
    }
    filled
}

#[test]
fn an_upload_leaves_no_temporary_file() {
    survives(15, async |run: Run| {
        let disk = Disk::default();
        let (send, parts) = mpsc::channel(1);
        let open = run.live.guard();
        tokio::spawn(async move {
            for part in 1..6 {
                if send.send(part).await.is_err() {
                    break;
                }
            }
            drop(open);
        });
        let result = upload(&run.ctx, &disk, parts).await;
        assert_eq!(disk.temporary.get(), 0);
        assert_eq!(disk.kept.get(), u32::from(result.is_ok()));
        result
    });
}
