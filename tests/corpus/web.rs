//! The shapes of a web service: handlers, extractors, middleware, a store behind a trait.

use super::{
    app::{AppError, Remote},
    driver::{Guard, Run, survives},
};
use ctx::{Context, ctx_value, with_context};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::sleep};

ctx_value! {
    USER: String;
    LOCALE: &'static str = "en";
}

#[derive(Debug, PartialEq)]
struct Response {
    status: u16,
    body: String,
}

impl From<Result<String, AppError>> for Response {
    fn from(result: Result<String, AppError>) -> Self {
        let (status, body) = match result {
            Ok(body) => (200, body),
            Err(AppError::Stopped(cancelled)) if cancelled.is_deadline_exceeded() => {
                (504, "too late".to_owned())
            }
            Err(AppError::Stopped(_)) => (499, "you have left".to_owned()),
            Err(error) => (500, format!("{error:?}")),
        };
        Response { status, body }
    }
}

struct App {
    remote: Remote,
    log: Mutex<Vec<String>>,
    open: Guard,
}

impl App {
    fn new(run: &Run, millis: u64) -> Arc<Self> {
        Arc::new(App {
            remote: Remote::new(&run.live, millis),
            log: Mutex::default(),
            open: run.live.guard(),
        })
    }
}

/// A handler: what it needs of the request stands in its parameters.
#[with_context(owned)]
async fn show(
    app: Arc<App>,
    id: u32,
    #[value] user: &String,
    #[value] locale: Option<&&'static str>,
) -> Result<String, AppError> {
    let order = app.remote.call(id).await;
    let price = app.remote.call(order).await;
    let locale = locale.copied().unwrap_or("?");
    Ok(format!("{user} ({locale}): order {order} at {price}"))
}

type Answer = Pin<Box<dyn Future<Output = Result<String, AppError>> + Send>>;

/// Middleware: who asks, how long it may take, and what is written down about it at any rate.
#[with_context]
async fn handle(app: &Arc<App>, next: fn(Context, Arc<App>) -> Answer) -> Response {
    let scope = ctx
        .with_value(&USER, "ada".to_owned())
        .with_timeout(Duration::from_millis(40));
    let result = #[checkpoints(none)]
    next(scope.clone(), Arc::clone(app)).await;
    let response = Response::from(result);
    #[checkpoints(none)]
    app.log.lock().await.push(response.status.to_string());
    response
}

fn show_seven(ctx: Context, app: Arc<App>) -> Answer {
    Box::pin(show(ctx, app, 7))
}

#[test]
fn a_handler_stands_in_middleware() {
    for (millis, status) in [(15, 200), (25, 504)] {
        survives((), async |run: Run| {
            let app = App::new(&run, millis);
            let response = handle(&run.ctx, &app, show_seven).await;
            if run.ctx.is_cancelled() {
                assert!([200, 499, 504].contains(&response.status), "{response:?}");
            } else {
                assert_eq!(response.status, status, "{response:?}");
            }
            if response.status == 200 {
                assert_eq!(response.body, "ada (en): order 70 at 700");
            }
            assert_eq!(*app.log.lock().await, [response.status.to_string()]);
            let _ = &app.open;
            Ok(())
        });
    }
}

/// A store that services are written against.
#[with_context]
trait Store {
    async fn load(&self, key: u32) -> Result<u32, AppError>;

    async fn load_both(&self, one: u32, other: u32) -> Result<(u32, u32), AppError> {
        Ok((self.load(ctx, one).await?, self.load(ctx, other).await?))
    }
}

struct Slow(Remote);

#[with_context]
impl Store for Slow {
    async fn load(&self, key: u32) -> Result<u32, AppError> {
        sleep(Duration::from_millis(1)).await;
        Ok(self.0.call(key).await)
    }
}

/// A second store in front of the first.
struct Counted<S> {
    inner: S,
    count: std::cell::Cell<u32>,
}

#[with_context]
impl<S: Store> Store for Counted<S> {
    async fn load(&self, key: u32) -> Result<u32, AppError> {
        let loaded = self.inner.load(ctx, key).await?;
        self.count.set(self.count.get() + 1);
        Ok(loaded)
    }
}

#[with_context]
async fn compare(store: &impl Store) -> Result<bool, AppError> {
    let (one, other) = store.load_both(ctx, 1, 2).await?;
    Ok(one < other && other < store.load(ctx, 3).await?)
}

#[test]
fn a_store_stands_behind_a_trait() {
    survives(true, async |run: Run| {
        let inner = Slow(Remote::new(&run.live, 3));
        let store = Counted {
            inner,
            count: std::cell::Cell::new(0),
        };
        let result = compare(&run.ctx, &store).await;
        assert!(result.is_err() || store.count.get() == 3);
        result
    });
}

/// A tree of things, each of which is asked for its parts.
#[with_context]
fn weigh(
    remote: &Remote,
    depth: u32,
) -> Pin<Box<dyn Future<Output = Result<u32, AppError>> + Send + '_>> {
    Box::pin(async move {
        let own = remote.call(depth).await;
        if depth == 0 {
            return Ok(1);
        }
        let (left, right) =
            tokio::try_join!(weigh(ctx, remote, depth - 1), weigh(ctx, remote, depth - 1))?;
        Ok(own + left + right)
    })
}

#[test]
fn a_tree_is_walked_with_boxed_futures() {
    survives(118, async |run: Run| {
        weigh(&run.ctx, &Remote::new(&run.live, 2), 3).await
    });
}
