//! A crate whose functions return an `impl Future` that says nothing of what it borrows. In edition 2021 such a type
//! captures no lifetime, but for that of the context.

#![forbid(unsafe_code)]
#![deny(warnings, clippy::pedantic, clippy::nursery)]

extern crate ctx_renamed as ctx;
extern crate tokio_renamed as tokio;

use ctx::{Cancelled, Context, with_context};
use std::{future::Future, pin::Pin, sync::Arc};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context]
fn alone(number: u32) -> impl Future<Output = Result<u32, Cancelled>> + Send {
    let number = number * 2;
    async move { Ok(number + one().await) }
}

#[with_context]
fn boxed(number: u32) -> Pin<Box<impl Future<Output = Result<u32, Cancelled>> + Send>> {
    Box::pin(async move { Ok(number + one().await) })
}

struct Pool(u32);

impl Pool {
    #[with_context]
    fn shared(self: Arc<Self>) -> impl Future<Output = Result<u32, Cancelled>> + Send {
        let number = self.0 + 1;
        async move { Ok(self.0 + number + one().await) }
    }

    #[with_context]
    fn generic<'a, T: Clone + Send>(
        &self,
        value: &'a T,
        other: impl Send,
    ) -> impl Future<Output = Result<(u32, T), Cancelled>> + Send {
        let (number, value) = (self.0, value.clone());
        async move {
            let number = number + one().await;
            drop(other);
            Ok((number, value))
        }
    }

    #[with_context]
    fn borrowing(&self) -> impl Future<Output = Result<u32, Cancelled>> + Send + '_ {
        let number = &self.0;
        async move { Ok(number + one().await) }
    }
}

#[with_context]
trait Load {
    fn load(&self) -> impl Future<Output = Result<u32, Cancelled>> + Send;
}

#[with_context]
impl Load for Pool {
    fn load(&self) -> impl Future<Output = Result<u32, Cancelled>> + Send {
        let number = self.0;
        async move { Ok(number + one().await) }
    }
}

macro_rules! define {
    ($name:ident, $output:ty, $body:block) => {
        #[with_context]
        fn $name() -> $output $body
    };
}

define!(in_a_macro, impl Future<Output = Result<u32, Cancelled>>, {
    let number = 1;
    async move { Ok(number + one().await) }
});

fn run<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn a_returned_future_takes_the_context_along() {
    run(async {
        let ctx = Context::background().with_cancel();
        let pool = Arc::new(Pool(2));
        assert_eq!(alone(&ctx, 3).await.unwrap(), 7);
        assert_eq!(boxed(&ctx, 3).await.unwrap(), 4);
        assert_eq!(Arc::clone(&pool).shared(&ctx).await.unwrap(), 6);
        assert_eq!(pool.generic(&ctx, &'x', ()).await.unwrap(), (3, 'x'));
        assert_eq!(pool.borrowing(&ctx).await.unwrap(), 3);
        assert_eq!(pool.load(&ctx).await.unwrap(), 3);
        assert_eq!(in_a_macro(&ctx).await.unwrap(), 2);
        ctx.cancel();
        assert!(alone(&ctx, 3).await.is_err());
        assert!(pool.load(&ctx).await.is_err());
    });
}
