//! A crate whose modules are called like those that the expansion means.

#![forbid(unsafe_code)]
#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(unreachable_pub, reason = "a module here is a crate's public face")]

extern crate ctx_renamed as ctx;
extern crate tokio_renamed as tokio;

/// What the author calls `ctx`, `core`, `std` and `tokio` in here is something else.
mod user {
    use ::ctx::{Cancelled, ctx_value, with_context};

    mod ctx {}
    mod core {}
    mod std {}
    mod alloc {}
    mod tokio {}

    // Names of the prelude that the expansion has to do without.
    #[allow(dead_code, reason = "they only have to be in scope")]
    struct Result;
    #[allow(dead_code, reason = "they only have to be in scope")]
    struct Option;
    #[allow(dead_code, non_snake_case, reason = "they only have to be in scope")]
    const fn Ok() {}
    #[allow(dead_code, non_snake_case, reason = "they only have to be in scope")]
    const fn Err() {}
    #[allow(dead_code, non_snake_case, reason = "they only have to be in scope")]
    const fn Some() {}
    #[allow(dead_code, reason = "they only have to be in scope")]
    struct Context;

    type Outcome<T, E = Cancelled> = ::core::result::Result<T, E>;

    #[allow(clippy::unnecessary_wraps, reason = "there is no `Ok` in here")]
    const fn fine<T, E>(value: T) -> Outcome<T, E> {
        Outcome::Ok(value)
    }

    ctx_value! {
        #[ctx(show)]
        pub USER: u32;
        pub LIMIT: u32 = 7;
    }

    async fn one() -> u32 {
        ::tokio::task::yield_now().await;
        1
    }

    #[with_context]
    pub async fn load(
        key: u32,
        #[value(LIMIT)] limit: ::core::option::Option<&u32>,
    ) -> Outcome<u32> {
        let first = ::tokio::select! {
            number = one() => number,
        };
        let (second, third) = ::tokio::join!(one(), one());
        #[shield]
        let fourth = one().await;
        fine(key + first + second + third + fourth + limit.map_or(0, |limit| *limit))
    }

    #[with_context]
    pub async fn need(#[value] user: &u32) -> Outcome<u32, crate::AppError> {
        fine(*user + one().await)
    }

    #[with_context(owned, timeout = ::core::time::Duration::from_millis(5))]
    pub async fn wait() -> Outcome<u32> {
        let ctx = ctx.with_cancel();
        ::core::future::pending::<()>().await;
        fine(one().await + u32::from(ctx.is_cancelled()))
    }

    pub struct Pool;

    #[with_context]
    impl Pool {
        pub async fn number(&self) -> Outcome<u32> {
            let Self = self;
            fine(::tokio::try_join!(async { Outcome::<u32>::Ok(one().await) })?.0)
        }
    }

    macro_rules! define {
        ($name:ident, $number:expr) => {
            #[with_context]
            pub async fn $name() -> Outcome<u32> {
                fine($number + one().await + u32::from(ctx.is_cancelled()))
            }
        };
    }

    define!(two, 1);
}

#[derive(Debug)]
struct AppError(String);

impl From<ctx::Cancelled> for AppError {
    fn from(cancelled: ctx::Cancelled) -> Self {
        Self(cancelled.to_string())
    }
}

impl From<ctx::MissingValue> for AppError {
    fn from(missing: ctx::MissingValue) -> Self {
        Self(missing.to_string())
    }
}

fn run<F: std::future::Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn the_expansion_means_our_crate_and_the_standard_library() {
    run(async {
        let ctx = ctx::Context::background().with_cancel();
        assert_eq!(user::load(&ctx, 1).await.unwrap(), 12);
        assert_eq!(
            user::need(&ctx).await.unwrap_err().0,
            "the context carries no value for USER"
        );
        let with_user = ctx.with_value(&user::USER, 4);
        assert_eq!(user::need(&with_user).await.unwrap(), 5);
        assert_eq!(user::Pool.number(&ctx).await.unwrap(), 1);
        assert_eq!(user::two(&ctx).await.unwrap(), 2);
        assert!(
            user::wait(ctx.clone())
                .await
                .unwrap_err()
                .is_deadline_exceeded()
        );
        ctx.cancel();
        assert!(user::load(&ctx, 1).await.is_err());
        assert!(user::two(&ctx).await.is_err());
    });
}
