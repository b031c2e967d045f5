//! The chain of `sixteen`, under a token, bare, and with the least that a checkpoint must do.

pub(crate) mod token {
    use crate::{chain::Boxed, leaf::Leaf};
    use std::hint::black_box;
    use tokio_util::sync::CancellationToken;

    macro_rules! under_token {
        ($this:ident, $next:ident) => {
            pub(crate) async fn $this(token: &CancellationToken, yields: u32) -> Option<()> {
                let inner: Boxed<'_, _> = Box::pin($next(token, yields));
                token.run_until_cancelled(inner).await?
            }
        };
    }

    under_token!(outermost, second);
    levels!(under_token);

    async fn innermost(token: &CancellationToken, yields: u32) -> Option<()> {
        for _ in 0..yields {
            token.run_until_cancelled(Leaf(black_box(1))).await?;
        }
        Some(())
    }
}

pub(crate) mod bare {
    use crate::{chain::Boxed, leaf::Leaf};
    use std::hint::black_box;

    macro_rules! bare {
        ($this:ident, $next:ident) => {
            pub(crate) async fn $this(yields: u32) {
                let inner: Boxed<'_, ()> = Box::pin($next(yields));
                inner.await
            }
        };
    }

    bare!(outermost, second);
    levels!(bare);

    async fn innermost(yields: u32) {
        for _ in 0..yields {
            Leaf(black_box(1)).await;
        }
    }
}

pub(crate) mod least {
    use crate::{
        chain::Boxed,
        leaf::Leaf,
        least::{Outermost, least},
    };
    use ctx::Context;
    use std::hint::black_box;

    pub(crate) async fn outermost(ctx: &Context, yields: u32) -> Option<()> {
        let inner: Boxed<'_, _> = Box::pin(second(ctx, yields));
        Outermost(least(ctx, inner)).await?
    }

    macro_rules! level {
        ($this:ident, $next:ident) => {
            async fn $this(ctx: &Context, yields: u32) -> Option<()> {
                let inner: Boxed<'_, _> = Box::pin($next(ctx, yields));
                least(ctx, inner).await?
            }
        };
    }

    levels!(level);

    async fn innermost(ctx: &Context, yields: u32) -> Option<()> {
        for _ in 0..yields {
            least(ctx, Leaf(black_box(1))).await?;
        }
        Some(())
    }
}
