#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use futures::future::BoxFuture;
use std::pin::Pin;

type Rows<'a, T> = BoxFuture<'a, Result<T, Cancelled>>;
type DynRows<'a> = dyn Future<Output = Result<u32, Cancelled>> + Send + 'a;
type RowFuture<'a> = Pin<Box<DynRows<'a>>>;
type Owned = BoxFuture<'static, Result<u32, Cancelled>>;
type Of<F> = Pin<Box<F>>;

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

async fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(0) + one().await
}

#[with_context]
fn elided(text: &str) -> Rows<'_, u32> {
    Box::pin(async move { Ok(length(text).await) })
}

#[with_context]
fn named<'a>(text: &'a str, more: &str) -> Rows<'a, u32> {
    let more = u32::try_from(more.len()).unwrap_or(0);
    Box::pin(async move { Ok(length(text).await + more) })
}

#[with_context]
fn of_nothing_else(number: u32) -> Rows<'_, u32> {
    Box::pin(async move { Ok(number + one().await) })
}

#[with_context]
fn inside(text: &str) -> Pin<Box<DynRows<'_>>> {
    Box::pin(async move { Ok(length(text).await) })
}

/// What it borrows is not said by a lifetime.
#[with_context]
fn opaque() -> Of<impl Future<Output = Result<u32, Cancelled>>> {
    Box::pin(async { Ok(one().await) })
}

#[with_context(owned)]
fn owned() -> Owned {
    Box::pin(async { Ok(one().await) })
}

/// None of these takes the context along.
mod without_context {
    use super::{Owned, one, with_context};

    #[with_context(checkpoints = none)]
    pub(super) fn no_checkpoints() -> Owned {
        Box::pin(async { Ok(one().await) })
    }

    #[with_context]
    pub(super) fn no_awaits() -> Owned {
        let number = u32::from(ctx.is_cancelled());
        Box::pin(async move { Ok(number) })
    }

    #[with_context]
    pub(super) fn another() -> Owned {
        let ctx = ctx.clone();
        Box::pin(async move { Ok(one().await) })
    }
}

struct Table(u32);

impl Table {
    #[with_context]
    fn elided(&self, more: &str) -> Rows<'_, u32> {
        let more = u32::try_from(more.len()).unwrap_or(0);
        Box::pin(async move { Ok(self.0 + more + one().await) })
    }

    #[with_context]
    fn named<'a>(&'a self) -> Rows<'a, &'a u32> {
        Box::pin(async move {
            one().await;
            Ok(&self.0)
        })
    }
}

/// A future that was made by hand, and one that is ready.
struct NextFuture<'a>(&'a u32);

/// None of these takes the context along, which need not live as long as what they return.
impl Table {
    #[with_context]
    fn cloned(&self, more: u32) -> Rows<'_, u32> {
        let ctx = ctx.clone();
        Box::pin(async move { Ok(self.0 + more + one().await) })
    }

    #[with_context]
    fn next(&self) -> NextFuture<'_> {
        let _ = ctx.is_cancelled();
        NextFuture(&self.0)
    }

    #[with_context]
    fn ready(&self) -> RowFuture<'_> {
        Box::pin(std::future::ready(ctx.check().map(|()| self.0)))
    }
}

/// The lifetime is the type's, and not the receiver's.
struct Client<'c>(&'c Table);

impl<'c> Client<'c> {
    #[with_context]
    fn send(&self, more: u32) -> Rows<'c, u32> {
        let (ctx, table) = (ctx.clone(), self.0);
        Box::pin(async move { Ok(table.0 + more + one().await) })
    }
}

fn made_below_scopes<'a>(table: &'a Table, ctx: &Context) -> Vec<Rows<'a, u32>> {
    let scope = ctx.without_cancel();
    let client = Client(table);
    vec![
        table.cloned(&scope, 1),
        client.send(&scope, 2),
        table.ready(&scope),
    ]
}

fn next(table: &Table) -> &u32 {
    table.next(&Context::background()).0
}

/// A trait that was written by hand, whose futures take no context along.
trait Counts {
    fn count(&self, ctx: &Context) -> RowFuture<'_>;
}

#[with_context]
impl Counts for Table {
    #[with_context(checkpoints = none)]
    fn count(&self) -> RowFuture<'_> {
        Box::pin(async move { Ok(self.0 + one().await) })
    }
}

/// What it borrows it borrows from the context alone, and says nothing of that.
#[allow(mismatched_lifetime_syntaxes, elided_lifetimes_in_paths)]
mod hidden {
    use super::{RowFuture, one, with_context};

    #[with_context]
    pub(super) fn load(number: u32) -> RowFuture {
        Box::pin(async move { Ok(number + one().await) })
    }
}

trait Load {
    type Row<'a>
    where
        Self: 'a;

    fn load<'a>(&'a self, ctx: &'a Context, key: u32) -> RowFuture<'a>;

    /// Its own body tells that it is a future.
    #[with_context]
    fn twice(&self, key: u32) -> Rows<'_, u32>
    where
        Self: Sync,
    {
        Box::pin(async move { Ok(self.load(ctx, key).await? * 2) })
    }

    #[with_context]
    fn number(&self) -> Self::Row<'_>;
}

#[with_context]
impl Load for Table {
    type Row<'a> = &'a u32;

    fn load(&self, key: u32) -> RowFuture<'_> {
        Box::pin(async move { Ok(self.0 + key + one().await) })
    }

    #[with_context]
    fn number(&self) -> Self::Row<'_> {
        &self.0
    }
}

/// It is no future, and lives on without the context.
fn number(table: &Table) -> &u32 {
    table.number(&Context::background().with_cancel())
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    assert_eq!(elided(&ctx, "abc").await.unwrap(), 4);
    assert_eq!(named(&ctx, "abc", "d").await.unwrap(), 5);
    assert_eq!(of_nothing_else(&ctx, 2).await.unwrap(), 3);
    assert_eq!(inside(&ctx, "abc").await.unwrap(), 4);
    assert_eq!(opaque(&ctx).await.unwrap(), 1);
    assert_eq!(owned(ctx.clone()).await.unwrap(), 1);
    assert_eq!(Table(1).elided(&ctx, "a").await.unwrap(), 3);
    assert_eq!(Table(1).named(&ctx).await.unwrap(), &1);
    assert_eq!(Table(1).load(&ctx, 2).await.unwrap(), 4);
    assert_eq!(Table(1).twice(&ctx, 2).await.unwrap(), 8);
    assert_eq!(number(&Table(1)), &1);
    assert_eq!(next(&Table(1)), &1);
    assert_eq!(Table(1).count(&ctx).await.unwrap(), 2);
    assert_eq!(hidden::load(&ctx, 1).await.unwrap(), 2);
    let made = futures::future::join_all(made_below_scopes(&Table(1), &ctx)).await;
    assert_eq!(made.into_iter().map(Result::unwrap).sum::<u32>(), 3 + 4 + 1);
    ctx.cancel();
    assert!(elided(&ctx, "abc").await.is_err());
    assert!(Table(1).load(&ctx, 2).await.is_err());
    assert!(without_context::another(&ctx).await.is_err());
    assert_eq!(without_context::no_awaits(&ctx).await.unwrap(), 1);
    assert_eq!(without_context::no_checkpoints(&ctx).await.unwrap(), 1);
}
