#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, with_context};
use std::time::Duration;

/// Somebody calls it, so it takes its context from there.
#[with_context(timeout = Duration::from_millis(5))]
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn called() -> Result<(), Cancelled> {
    std::future::pending().await
}

mod program {
    use ctx::{Cancelled, with_context};
    use std::time::Duration;

    #[with_context(timeout = Duration::from_millis(5))]
    #[tokio::main(flavor = "current_thread", start_paused = true)]
    pub async fn main() -> Result<(), Cancelled> {
        assert!(ctx.deadline().is_some());
        std::future::pending().await
    }
}

#[test]
fn behaves() {
    assert!(
        called(&Context::background())
            .unwrap_err()
            .is_deadline_exceeded()
    );
    assert!(program::main().unwrap_err().is_deadline_exceeded());
}
