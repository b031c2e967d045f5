#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::{pin::Pin, rc::Rc, sync::Arc};

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[derive(Clone)]
struct Pool(u32);

impl Pool {
    #[with_context]
    async fn by_value(self) -> Result<u32, Cancelled> {
        Ok(self.0 + one().await)
    }

    #[with_context]
    async fn by_mutable_value(mut self) -> Result<u32, Cancelled> {
        self.0 += one().await;
        Ok(self.0)
    }

    #[with_context]
    async fn by_reference(&self) -> Result<u32, Cancelled> {
        Ok(self.0 + one().await)
    }

    #[with_context]
    async fn by_named_reference<'a>(&'a self, other: &'a Self) -> Result<&'a Self, Cancelled> {
        Ok(if one().await > 1 { self } else { other })
    }

    #[with_context]
    async fn by_mutable_reference(&mut self) -> Result<&mut u32, Cancelled> {
        self.0 += one().await;
        Ok(&mut self.0)
    }

    #[with_context]
    async fn by_box(self: Box<Self>) -> Result<u32, Cancelled> {
        Ok(self.0 + one().await)
    }

    #[with_context]
    async fn by_arc(self: Arc<Self>) -> Result<u32, Cancelled> {
        Ok(self.0 + one().await)
    }

    #[with_context]
    async fn by_reference_to_arc(self: &Arc<Self>) -> Result<u32, Cancelled> {
        Ok(self.0 + one().await)
    }

    #[with_context]
    async fn by_pin(self: Pin<&mut Self>) -> Result<u32, Cancelled> {
        Ok(self.0 + one().await)
    }

    #[with_context]
    fn by_rc(self: &Rc<Self>) -> bool {
        self.0 == 0 && ctx.is_cancelled()
    }

    #[with_context]
    async fn without(start: u32) -> Result<Self, Cancelled> {
        Ok(Self(start + one().await))
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background().with_cancel();
    let mut pool = Pool::without(&ctx, 1).await.unwrap();
    assert_eq!(pool.clone().by_value(&ctx).await.unwrap(), 3);
    assert_eq!(pool.clone().by_mutable_value(&ctx).await.unwrap(), 3);
    assert_eq!(pool.by_reference(&ctx).await.unwrap(), 3);
    assert_eq!(pool.by_named_reference(&ctx, &Pool(7)).await.unwrap().0, 7);
    assert_eq!(*pool.by_mutable_reference(&ctx).await.unwrap(), 3);
    assert_eq!(Box::new(pool.clone()).by_box(&ctx).await.unwrap(), 4);
    let shared = Arc::new(pool.clone());
    assert_eq!(shared.by_reference_to_arc(&ctx).await.unwrap(), 4);
    assert_eq!(shared.by_arc(&ctx).await.unwrap(), 4);
    assert_eq!(Pin::new(&mut pool).by_pin(&ctx).await.unwrap(), 4);
    assert!(!Rc::new(pool.clone()).by_rc(&ctx));
    ctx.cancel();
    assert!(pool.by_reference(&ctx).await.is_err());
}
