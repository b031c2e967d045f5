#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Context, ctx_value};
use std::sync::Arc;

ctx_value! {}

ctx_value! {
    LAST: u32
}

ctx_value! {
    /// Docs stay.
    #[allow(dead_code)]
    pub USER: Option<&'static str>;
    pub(self) LOCALE: &'static str = "en";
    #[ctx(show)]
    TENANT: (u32, Vec<String>);
    #[cfg(any())]
    ABSENT: Absent;
    SHARED: Arc<dyn Fn(u32) -> u32 + Send + Sync>;
    #[ctx(show)]
    DEPTH: u32 = { 1 + 1 };
    #[allow(non_upper_case_globals)]
    r#type: u32;
}

mod other {
    ctx::ctx_value! { pub LAST: u32 = 9 }
}

fn in_a_function(ctx: &Context) -> Option<u32> {
    ctx_value! {
        LOCAL: u32;
    }
    ctx.with_value(&LOCAL, 3).value(&LOCAL).copied()
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let ctx = Context::background()
        .with_value(&LAST, 1)
        .with_value(&TENANT, (7, vec![]))
        .with_value(&SHARED, Arc::new(|number| number + 1));
    assert_eq!(
        (ctx.value(&LAST), ctx.value(&other::LAST)),
        (Some(&1), Some(&9))
    );
    assert_eq!(ctx.value(&LOCALE), Some(&"en"));
    assert_eq!(DEPTH.get(&ctx), Some(&2));
    assert_eq!(ctx.value(&SHARED).unwrap()(1), 2);
    assert_eq!(in_a_function(&ctx), Some(3));
    let printed = format!("{ctx:?}");
    assert!(
        printed.contains("TENANT = (7, [])")
            && printed.contains("SHARED")
            && !printed.contains("SHARED =")
    );
    assert_eq!((USER.name(), r#type.name()), ("USER", "type"));
    tokio::task::yield_now().await;
}
