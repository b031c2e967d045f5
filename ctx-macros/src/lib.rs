//! The attribute macro of the crate `ctx`: every `.await` a cancellation checkpoint.
//!
//! The macro is a pipeline (`expand`): parse the arguments and the item, validate each signature,
//! rewrite each body, print all of it, and then what was wrong.

mod async_trait;
mod awaits;
mod body;
mod checkpoint;
mod definition;
mod errors;
mod expand;
mod foreign;
mod function;
mod future;
mod item;
mod join;
mod lifetime;
mod macros;
mod marks;
mod misplaced;
mod mistake;
mod namesake;
mod neighbour;
mod options;
mod owned;
mod parameter;
mod passage;
mod rewrite;
mod runtime;
mod scope;
mod seat;
mod select;
mod shield;
mod slot;
mod statement;
mod std_macro;
mod stretch;
mod syntax;
mod temporary;
mod tool;
mod validate;
#[cfg(test)]
mod tests;
mod uses;
mod value;
mod words;

use proc_macro::TokenStream;

/// Gives a function a parameter `ctx` and makes every `.await` in it a checkpoint, where work on a context
/// that has ended stops with an error.
///
/// It goes on an `async fn`, a method with any receiver, a `fn` that ends in `async {}` or
/// `Box::pin(async {})`, and on a whole `impl` or `trait` block, where it applies to all of these. A `fn` that
/// awaits nothing may have it too, for the parameter and the `#[value]`s.
///
/// Where the type of a boxed future is an alias, as in `fn load(&self) -> RowFuture<'_, u32>`, a body that ends in
/// `Box::pin(async {})` says what it is, and the only lifetime of the alias that of the context, too, if the block awaits.
/// A declaration in a trait has no body: write `ctx: &'a Context` there, and `RowFuture<'a, u32>`.
///
/// - [The expansion](#the-expansion)
/// - [Options](#options), [inside the body](#inside-the-body)
/// - [What happens to each await](#what-happens-to-each-await)
/// - [The order with other attributes](#the-order-with-other-attributes)
/// - [Cancel safety](#cancel-safety): which mode for which kind of call
///
/// # The expansion
///
/// ```
/// # use ctx::{Cancelled, with_context};
/// # async fn fetch(key: &str) -> usize { key.len() }
/// #[with_context]
/// async fn load(key: &str) -> Result<usize, Cancelled> {
///     Ok(fetch(key).await)
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # assert_eq!(load(&ctx::Context::background(), "key").await.unwrap(), 3);
/// # }
/// ```
///
/// becomes, the names of the hidden module aside,
///
/// ```
/// # use ctx::{Cancelled, with_context};
/// # async fn fetch(key: &str) -> usize { key.len() }
/// async fn load(ctx: &::ctx::Context, key: &str) -> Result<usize, Cancelled> {
///     Ok(match ctx.run_until_cancelled(fetch(key)).await {
///         Ok(value) => value,
///         Err(cancelled) => return ::ctx::FromCancelled::from_cancelled(cancelled),
///     })
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # assert_eq!(load(&ctx::Context::background(), "key").await.unwrap(), 3);
/// # }
/// ```
///
/// So the return type is one that can carry a cancellation: a `Result<_, E>` where `E: From<Cancelled>`, an
/// `Option`, or a type of yours that implements `FromCancelled`. The `ctx` of a checkpoint is the one in scope
/// at that await: after `let ctx = ctx.with_timeout(budget);` it is the tighter one. A first parameter that you
/// write as `ctx` yourself is used as it stands.
///
/// # Options
///
/// ## `checkpoints = race | between | none`
///
/// What a checkpoint does with a future that is pending when the context ends:
///
/// | | before the future starts | while it is pending |
/// |---|---|---|
/// | `race`, the default | a context that has ended starts nothing | the future is dropped |
/// | `between` | the same | it runs to its end, whatever happens |
/// | `none` | it starts | it is not looked at: there is no checkpoint, only the parameter |
///
/// ```
/// # use ctx::{Cancelled, Context, with_context};
/// # use tokio::task::yield_now;
/// #[with_context(checkpoints = between)]
/// async fn two_steps(steps: &mut Vec<u32>) -> Result<(), Cancelled> {
///     async { yield_now().await; steps.push(1) }.await; // once started, finished
///     steps.push(2);
///     yield_now().await; // not started if the context has ended
///     steps.push(3);
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (scope, mut steps) = (Context::background().with_cancel(), Vec::new());
/// let (outcome, _) = tokio::join!(two_steps(&scope, &mut steps), async { scope.cancel() });
/// assert!(outcome.is_err());
/// assert_eq!(steps, [1, 2]);
/// # }
/// ```
///
/// ## `timeout = EXPR`
///
/// The body runs under `ctx.with_timeout(EXPR)`, which may name the parameters.
///
/// ```
/// # use ctx::{Cancelled, Context, with_context};
/// # use std::{future::pending, time::Duration};
/// #[with_context(timeout = Duration::from_millis(5) * retries)]
/// async fn answer(retries: u32) -> Result<(), Cancelled> {
///     pending().await
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let cancelled = answer(&Context::background(), 2).await.unwrap_err();
/// assert!(cancelled.is_deadline_exceeded());
/// # }
/// ```
///
/// ## `owned`
///
/// The parameter is a `Context`, not a `&Context`: for functions that are spawned.
///
/// ```
/// # use ctx::{Cancelled, Context, with_context};
/// #[with_context(owned)]
/// async fn background(job: u32) -> Result<u32, Cancelled> {
///     tokio::task::yield_now().await;
///     Ok(job)
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let ctx = Context::background().with_cancel();
/// assert_eq!(tokio::spawn(background(ctx.clone(), 7)).await.unwrap().unwrap(), 7);
/// # }
/// ```
///
/// ## `crate = path`
///
/// Where the crate `ctx` is found, for crates that re-export it.
///
/// ```
/// mod framework {
///     pub use ctx as context;
/// }
/// use framework::context::{Cancelled, with_context};
///
/// #[with_context(crate = framework::context)]
/// async fn one() -> Result<u32, Cancelled> {
///     Ok(async { 1 }.await)
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # assert_eq!(one(&ctx::Context::background()).await.unwrap(), 1);
/// # }
/// ```
///
/// # Inside the body
///
/// These need no import.
///
/// **`#[shield]`** on a block, a `let` or an expression: nothing in it is interrupted, callees included, since
/// `ctx` there is `ctx.without_cancel()`. See [cancel safety](#cancel-safety).
///
/// **`#[checkpoints(race | between | none)]`** on a block, a `let` or an expression: the mode of the awaits in
/// it.
///
/// **`#[with_context]`** on an `async` block or `async` closure: its awaits become checkpoints that return from
/// the block. It takes `checkpoints` and nothing else.
///
/// **`#[value]`**, on a parameter: it leaves the signature and is read from the context. `user: &User` reads
/// the key `USER`, as `_user` does, and `#[value(path::KEY)]` another one. An `Option<&T>` may be missing; where a `&T` is, the
/// function returns an error, so its error type is `From<MissingValue>`.
///
/// ```
/// use ctx::{Cancelled, Context, MissingValue, ctx_value, with_context};
///
/// ctx_value! {
///     USER: String;
///     LOCALE: &'static str;
/// }
///
/// #[derive(Debug)]
/// enum AppError { Stopped(Cancelled), Missing(MissingValue) }
/// # impl From<Cancelled> for AppError { fn from(cancelled: Cancelled) -> Self { Self::Stopped(cancelled) } }
/// # impl From<MissingValue> for AppError { fn from(missing: MissingValue) -> Self { Self::Missing(missing) } }
///
/// #[with_context]
/// async fn greet(
///     #[value] user: &String,
///     #[value(LOCALE)] language: Option<&&'static str>,
///     mark: char,
/// ) -> Result<String, AppError> {
///     tokio::task::yield_now().await;
///     Ok(format!("{} {user}{mark}", language.map_or("Hello", |_| "Salut")))
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let ctx = Context::background();
/// assert!(matches!(greet(&ctx, '!').await, Err(AppError::Missing(_))));
/// let ctx = ctx.with_value(&USER, "Ada".to_owned());
/// assert_eq!(greet(&ctx, '!').await.unwrap(), "Hello Ada!");
/// # }
/// ```
///
/// # What happens to each await
///
/// No await of an `async fn` is skipped in silence: what cannot be made a checkpoint is an error that says what to write. Of
/// a function that returns a future it is the block at its end that is rewritten, as `async move { .. }` or in
/// `Box::pin(..)`; one that stands elsewhere, in a variable or a branch, is a block like others.
///
/// | The await stands | and is |
/// |---|---|
/// | in the body: loops, conditions, operands, before `?` | a checkpoint |
/// | in `println!`, `format!`, `assert!`, `dbg!`, `vec!`, `matches!`, `pin!` and their like in `std` | a checkpoint |
/// | as a branch of `tokio::select!` | a checkpoint. Where no branch is left because they gave up, the function returns; else it is your `else` |
/// | in a handler, a condition or the `else` of `tokio::select!` | a checkpoint of its own |
/// | as a branch of `join!`, tokio's or that of `futures` | a checkpoint. The function returns when all branches are ready or gave up |
/// | as a branch of `try_join!` | the same, unless a branch returns its own error, which fails the others as ever |
/// | under `#[shield]` | a checkpoint that nothing ends |
/// | under `#[checkpoints(..)]` | what that says |
/// | in an `async` block, a closure or a nested function | not touched: a return there would not leave this function. The await *on* the block is a checkpoint, which covers all that happens inside |
/// | in an `async` block or closure under its own `#[with_context]` | a checkpoint that returns from the block |
/// | in `futures::select!`, in a `macro_rules!` of the body, or in any other macro | an error: take it out, or put the macro under `#[checkpoints(none)]` |
///
/// A macro is known by its name: `select!`, `join!` and `try_join!`, alone or behind `tokio::`, are tokio's. So
/// import them as they are: behind `use tokio::select as first;` nobody sees that `first!` awaits, as nobody sees
/// into a macro of your own that is defined outside of the function.
///
/// After `use futures::select;`, too, `select!` is taken for tokio's. Where its branches can be read as such, that crate
/// then says what it makes of ours: "expected one of: identifier, `::`, `<`, ..", at the `select!`. Write
/// `tokio::select!`, or put that one under `#[checkpoints(none)]`.
///
/// Behind another path, as in `rt::select!`, nobody sees whose they are. They are an error there, but for a `join!` whose
/// arguments could be none of tokio's: `path::join!("a", "b")`.
///
/// # The order with other attributes
///
/// | | |
/// |---|---|
/// | `#[tokio::main]`, `#[tokio::test]` | `#[with_context]` above. Nobody passes them a context, so `ctx` is `Context::background()`. As they may await on others, they return what can carry a cancellation, too |
/// | `#[tracing::instrument]` | `#[with_context]` above |
/// | `#[async_recursion]` | `#[with_context]` above |
/// | `#[async_trait]` | on the block either way, or `#[with_context]` on the methods in it. A trait and its impl need not agree |
///
/// ```
/// use ctx::{Cancelled, with_context};
///
/// #[with_context]
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Cancelled> {
///     let ctx = ctx.with_timeout(std::time::Duration::from_secs(5));
///     tokio::task::yield_now().await;
///     Ok(ctx.check()?)
/// }
/// ```
///
/// # Cancel safety
///
/// A checkpoint drops a pending future at one of *its* awaits, as `select!` and `timeout` do. Which mode is right
/// depends on what is lost then:
///
/// | What is awaited | What a drop loses | Write |
/// |---|---|---|
/// | a query, a read, a sleep, `recv`, the wait for a lock or a connection | nothing | nothing: `race` |
/// | one call that must not stop half-way: `write_all`, `read_exact`, a frame | the part that is done | `#[checkpoints(between)]` |
/// | steps that belong together: a transaction | the steps that are left | `#[shield]` around them |
/// | anything while a lock guards a half-made change | the change's other half | the awaits before the lock, or `#[shield]` |
/// | sending what cannot be made again | the message | the permit first, then the message |
/// | cleanup after a call that was cancelled | all of it: an ended context starts nothing | `#[shield]` on it, and `#[checkpoints(none)]` on the call |
/// | `ctx.done()`, to go on afterwards | what comes afterwards, if the context has ended before | `#[checkpoints(none)]` on it, or on its `select!` |
///
/// Each of the programs below is cancelled where it first waits.
///
/// ## Queries
///
/// Wrong: nobody wants the row any more, and it is fetched to the end.
///
/// ```
/// # use ctx::{Cancelled, Context, with_context};
/// # struct Table(std::sync::atomic::AtomicU32);
/// # impl Table { async fn row(&self) -> u32 { for _ in 0..9 { tokio::task::yield_now().await; self.0.fetch_add(1, SeqCst); } 7 } }
/// # use std::sync::atomic::Ordering::SeqCst;
/// #[with_context(checkpoints = none)]
/// async fn wrong(table: &Table) -> Result<u32, Cancelled> {
///     Ok(table.row().await)
/// }
///
/// #[with_context]
/// async fn right(table: &Table) -> Result<u32, Cancelled> {
///     Ok(table.row().await)
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let table = Table(0.into());
/// # let scope = Context::background().with_cancel();
/// # assert_eq!(tokio::join!(wrong(&scope, &table), async { scope.cancel() }).0.unwrap(), 7);
/// # assert_eq!(table.0.swap(0, SeqCst), 9);
/// # let scope = Context::background().with_cancel();
/// # assert!(tokio::join!(right(&scope, &table), async { scope.cancel() }).0.is_err());
/// # assert!(table.0.load(SeqCst) < 9);
/// # }
/// ```
///
/// ## Transactions
///
/// Wrong: the money has left one account, and reached no other. Right: what has begun is finished, and what
/// has not begun when the context ends does not begin.
///
/// ```
/// # use ctx::{Cancelled, Context, with_context};
/// # use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
/// # #[derive(Default)] struct Bank { from: AtomicI64, to: AtomicI64 }
/// # impl Bank {
/// #     async fn debit(&self) { self.from.fetch_sub(1, SeqCst); }
/// #     async fn credit(&self) { for _ in 0..2 { tokio::task::yield_now().await } self.to.fetch_add(1, SeqCst); }
/// #     fn sum(&self) -> i64 { self.from.load(SeqCst) + self.to.load(SeqCst) }
/// # }
/// #[with_context]
/// async fn wrong(bank: &Bank) -> Result<(), Cancelled> {
///     bank.debit().await;
///     bank.credit().await;
///     Ok(())
/// }
///
/// #[with_context]
/// async fn right(bank: &Bank) -> Result<(), Cancelled> {
///     ctx.check()?;
///     #[shield]
///     {
///         bank.debit().await;
///         bank.credit().await;
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let (bank, scope) = (Bank::default(), Context::background().with_cancel());
/// # assert!(tokio::join!(wrong(&scope, &bank), async { scope.cancel() }).0.is_err());
/// # assert_eq!(bank.sum(), -1);
/// # let (bank, scope) = (Bank::default(), Context::background().with_cancel());
/// # assert!(tokio::join!(right(&scope, &bank), async { scope.cancel() }).0.is_ok());
/// # assert_eq!(bank.sum(), 0);
/// # }
/// ```
///
/// A `select!` whose other branch is ready first drops a shielded branch all the same, as that is what a
/// `select!` is for; so does a `try_join!` whose other branch returns an error, be it the cancellation that an
/// annotated callee noticed. Await what must be finished by itself, or spawn it.
///
/// ## Locks
///
/// Waiting for a lock is safe to stop. Wrong: an await while the lock guards a half-made change; the next one to
/// take the lock finds the half.
///
/// ```
/// # use ctx::{Cancelled, Context, with_context};
/// # use tokio::{sync::Mutex, task::yield_now};
/// # async fn next_id() -> u32 { yield_now().await; yield_now().await; 7 }
/// #[with_context]
/// async fn wrong(index: &Mutex<(Vec<u32>, usize)>) -> Result<(), Cancelled> {
///     let mut index = index.lock().await;
///     index.1 += 1; // the length, before the element
///     let id = next_id().await;
///     index.0.push(id);
///     Ok(())
/// }
///
/// #[with_context]
/// async fn right(index: &Mutex<(Vec<u32>, usize)>) -> Result<(), Cancelled> {
///     let id = next_id().await;
///     let mut index = index.lock().await;
///     index.1 += 1;
///     index.0.push(id); // no await in between
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let (index, scope) = (Mutex::default(), Context::background().with_cancel());
/// # assert!(tokio::join!(wrong(&scope, &index), async { scope.cancel() }).0.is_err());
/// # assert_eq!(*index.lock().await, (vec![], 1));
/// # let (index, scope) = (Mutex::default(), Context::background().with_cancel());
/// # assert!(tokio::join!(right(&scope, &index), async { scope.cancel() }).0.is_err());
/// # assert_eq!(*index.lock().await, (vec![], 0));
/// # assert!(right(&Context::background(), &index).await.is_ok());
/// # assert_eq!(*index.lock().await, (vec![7], 1));
/// # }
/// ```
///
/// ## Channels
///
/// `recv` loses nothing. Wrong: a job is taken from one channel, and dropped in the wait for room in the other.
///
/// ```
/// # use ctx::{Context, with_context};
/// # use tokio::sync::mpsc::{Receiver, Sender, channel};
/// #[with_context]
/// async fn wrong(inbox: &mut Receiver<u32>, outbox: &Sender<u32>) -> Option<()> {
///     let job = inbox.recv().await?;
///     outbox.send(job).await.ok()
/// }
///
/// #[with_context]
/// async fn right(inbox: &mut Receiver<u32>, outbox: &Sender<u32>) -> Option<()> {
///     let room = outbox.reserve().await.ok()?;
///     let job = inbox.recv().await?;
///     room.send(job);
///     Some(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let ((jobs, mut inbox), (outbox, _full)) = (channel(1), channel(1));
/// # outbox.send(0).await.unwrap();
/// # let scope = Context::background().with_cancel();
/// # jobs.send(1).await.unwrap();
/// # assert!(tokio::join!(wrong(&scope, &mut inbox, &outbox), async { scope.cancel() }).0.is_none());
/// # assert!(inbox.try_recv().is_err());
/// # let scope = Context::background().with_cancel();
/// # jobs.send(1).await.unwrap();
/// # assert!(tokio::join!(right(&scope, &mut inbox, &outbox), async { scope.cancel() }).0.is_none());
/// # assert_eq!(inbox.try_recv(), Ok(1));
/// # }
/// ```
///
/// ## Frames
///
/// Wrong: the connection has half a frame, and whatever is written next is taken for the other half.
///
/// ```
/// # use ctx::{Context, with_context};
/// # use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
/// #[with_context]
/// async fn wrong(peer: &mut DuplexStream, frame: &[u8]) -> Option<()> {
///     peer.write_all(frame).await.ok()
/// }
///
/// #[with_context(checkpoints = between)]
/// async fn right(peer: &mut DuplexStream, frame: &[u8]) -> Option<()> {
///     peer.write_all(frame).await.ok()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let (mut near, mut far) = duplex(4);
/// # let scope = Context::background().with_cancel();
/// # assert!(tokio::join!(wrong(&scope, &mut near, b"12345678"), async { scope.cancel() }).0.is_none());
/// # drop(near);
/// # let mut read = Vec::new();
/// # far.read_to_end(&mut read).await.unwrap();
/// # assert_eq!(read, b"1234");
/// # let (mut near, mut far) = duplex(4);
/// # let scope = Context::background().with_cancel();
/// # let mut read = [0; 8];
/// # let reading = async { scope.cancel(); far.read_exact(&mut read).await };
/// # assert!(tokio::join!(right(&scope, &mut near, b"12345678"), reading).0.is_some());
/// # assert_eq!(&read, b"12345678");
/// # }
/// ```
///
/// ## Cleanup
///
/// An error that has come up through `?` may be the cancellation itself, and an ended context starts nothing: not the
/// rollback, and not the call before it, which then returns from here.
///
/// ```
/// # use ctx::{Cancelled, Context, with_context};
/// # use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
/// # #[derive(Default)] struct Conn(AtomicU32);
/// # impl Conn { async fn rollback(&self) { self.0.fetch_add(1, SeqCst); } }
/// # #[with_context] async fn step(_conn: &Conn) -> Result<(), Cancelled> { std::future::pending().await }
/// #[with_context]
/// async fn wrong(conn: &Conn) -> Result<(), Cancelled> {
///     let outcome = step(ctx, conn).await; // returns here, if the context has ended before
///     if outcome.is_err() {
///         conn.rollback().await; // returns here, and rolls nothing back
///     }
///     outcome
/// }
///
/// #[with_context]
/// async fn right(conn: &Conn) -> Result<(), Cancelled> {
///     #[checkpoints(none)]
///     let outcome = step(ctx, conn).await;
///     if outcome.is_err() {
///         #[shield]
///         conn.rollback().await;
///     }
///     outcome
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # for ended_before in [false, true] {
/// #     let (conn, scope) = (Conn::default(), Context::background().with_cancel());
/// #     if ended_before { scope.cancel(); }
/// #     assert!(tokio::join!(wrong(&scope, &conn), async { scope.cancel() }).0.is_err());
/// #     assert_eq!(conn.0.load(SeqCst), 0);
/// # }
/// # for ended_before in [false, true] {
/// #     let (conn, scope) = (Conn::default(), Context::background().with_cancel());
/// #     if ended_before { scope.cancel(); }
/// #     assert!(tokio::join!(right(&scope, &conn), async { scope.cancel() }).0.is_err());
/// #     assert_eq!(conn.0.load(SeqCst), 1);
/// # }
/// # }
/// ```
#[proc_macro_attribute]
pub fn with_context(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(args.into(), item.into()).into()
}

/// A mistake in what a `macro_rules!` of `ctx` was given.
#[doc(hidden)]
#[proc_macro]
pub fn mistake(tokens: TokenStream) -> TokenStream {
    mistake::expand(tokens.into()).into()
}
