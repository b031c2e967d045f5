#![deny(warnings, clippy::pedantic, clippy::nursery)]

use ctx::{Cancelled, Context, MissingValue, ctx_value, with_context};
use std::{future::pending, time::Duration};

const LIMIT: Duration = Duration::from_millis(5);

ctx_value! {
    USER: String;
}

async fn one() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[with_context(timeout = LIMIT)]
async fn limited() -> Result<u32, Cancelled> {
    /// What is waited for.
    const FOR: u32 = 3;
    Ok(FOR + pending::<u32>().await)
}

#[with_context]
async fn valued(#[value] user: Option<&String>) -> Result<usize, Cancelled> {
    use std::string::String as Text;
    const fn length(text: &Text) -> usize {
        text.len()
    }
    one().await;
    Ok(user.map_or(0, length))
}

#[with_context(timeout = LIMIT)]
fn counted(#[value] user: &String) -> Result<usize, MissingValue> {
    const MORE: usize = 3;
    Ok(user.len() + MORE + usize::from(ctx.deadline().is_some()))
}

#[with_context(timeout = LIMIT)]
fn returned() -> impl Future<Output = Result<u32, Cancelled>> {
    const MORE: u32 = 1;
    async {
        const FOR: u32 = 3;
        Ok(MORE + FOR + pending::<u32>().await)
    }
}

/// A macro sees the names that are bound before it.
#[with_context(timeout = LIMIT)]
async fn through_a_macro(#[value] user: Option<&String>) -> Result<usize, Cancelled> {
    const MORE: usize = 1;
    macro_rules! length {
        () => {
            user.map_or(0, String::len) + usize::from(ctx.deadline().is_some())
        };
    }
    one().await;
    Ok(length!() + MORE)
}

/// What an item is called says nothing to what is bound in front of it.
#[with_context(timeout = LIMIT)]
async fn named_alike(#[value] user: Option<&String>) -> Result<usize, Cancelled> {
    #[expect(dead_code)]
    const fn user() {}
    one().await;
    Ok(user.map_or(0, String::len) + usize::from(ctx.deadline().is_some()))
}

mod program {
    use super::{Cancelled, one, with_context};

    #[with_context]
    #[tokio::main(flavor = "current_thread")]
    pub async fn main() -> Result<u32, Cancelled> {
        const MORE: u32 = 1;
        #[expect(dead_code)]
        const fn ctx() {}
        Ok(MORE + one().await + u32::from(ctx.is_cancelled()))
    }
}

#[tokio::test(start_paused = true)]
async fn behaves() {
    let root = Context::background();
    let ctx = root.with_value(&USER, "Ada".to_owned());
    assert!(limited(&ctx).await.unwrap_err().is_deadline_exceeded());
    assert_eq!(valued(&root).await.unwrap(), 0);
    assert_eq!(valued(&ctx).await.unwrap(), 3);
    assert!(counted(&root).is_err());
    assert_eq!(counted(&ctx).unwrap(), 7);
    assert!(returned(&ctx).await.unwrap_err().is_deadline_exceeded());
    assert_eq!(through_a_macro(&ctx).await.unwrap(), 5);
    assert_eq!(named_alike(&ctx).await.unwrap(), 4);
}

#[test]
fn the_program_runs() {
    assert_eq!(program::main().unwrap(), 2);
}
