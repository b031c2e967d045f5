#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(clippy::dbg_macro, reason = "it is what is tested")]

use ctx::{Cancelled, Context, with_context};
use std::{env, future::ready, process::Command};

#[with_context]
async fn prints() -> Result<u32, Cancelled> {
    let one = dbg!(ready(1).await);
    let (two, three) = dbg!(ready(one + 1).await, one + 2);
    dbg!(ready(()).await,);
    #[rustfmt::skip]
    dbg!(ready(0).await .. 2);
    Ok(one + two + three)
}

/// A process of its own, whose standard error can be read.
#[tokio::test]
async fn as_the_macro_of_std_does() {
    const CHILD: &str = "CTX_DBG_PRINTS";
    if env::var_os(CHILD).is_some() {
        assert_eq!(prints(&Context::background()).await.unwrap(), 6);
        return;
    }
    let name = concat!(module_path!(), "::as_the_macro_of_std_does");
    let name = name.split_once("::").unwrap().1;
    let child = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8(child.stderr).unwrap();
    for line in [
        "dbg_prints_the_expression.rs:9:15] ready(1).await = 1",
        "dbg_prints_the_expression.rs:10:24] ready(one + 1).await = 2",
        "dbg_prints_the_expression.rs:10:24] one + 2 = 3",
        "dbg_prints_the_expression.rs:11:5] ready(()).await = ()",
        "dbg_prints_the_expression.rs:13:5] ready(0).await .. 2 = 0..2",
    ] {
        assert!(printed.contains(line), "{line} is not in: {printed}");
    }
}
