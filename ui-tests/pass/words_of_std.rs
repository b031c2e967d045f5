#![deny(warnings, clippy::pedantic, clippy::nursery)]
#![allow(clippy::dbg_macro, reason = "it is what is tested")]

use ctx::{Cancelled, Context, with_context};
use std::{env, fmt::Debug, future::ready, process::Command};

#[derive(PartialEq, Eq)]
struct Empty {}

/// Each expression in a function with checkpoints and in one without.
macro_rules! twice {
    ($($name:ident { $($expr:tt)* })*) => {
        mod annotated {
            use super::*;
            $(#[with_context] pub(super) async fn $name(asserts: bool) -> Result<bool, Cancelled> {
                if asserts {
                    assert!($($expr)*);
                }
                Ok(dbg!($($expr)*))
            })*
        }
        mod plain {
            use super::*;
            $(pub(super) async fn $name(asserts: bool) -> bool {
                if asserts {
                    assert!($($expr)*);
                }
                dbg!($($expr)*)
            })*
        }
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// One of them in a task of its own.
        fn spawn(name: &str, annotated: bool, asserts: bool) -> tokio::task::JoinHandle<bool> {
            let ctx = Context::background();
            match (name, annotated) {
                $((name, true) if name == stringify!($name) => tokio::spawn(async move {
                    annotated::$name(&ctx, asserts).await.unwrap()
                }),
                (name, false) if name == stringify!($name) => tokio::spawn(plain::$name(asserts)),)*
                _ => unreachable!(),
            }
        }
    };
}

twice! {
    negation { !ready(true).await }
    apart { !ready (true) .await }
    slice { &ready(String::from("abc")).await[1..] == "c" }
    operators { ready(1).await + 2 * -3 == 0 }
    method { ready(Some(1)).await.is_none() }
    generic { ready::<Result<u32, ()>>(Ok(1)).await.is_err() }
    pattern { matches!(ready(1).await, 2 | 3) }
    cast { ready([1_u8, 2]).await[0] as char == 'b' }
    closure { ready(|number: u32| number > 1).await(1) }
    tuple { ready((1, 2)).await == (2, 1) }
    branches { if ready(true).await { 1 } else { 2 } == 2 }
    block { { let number = ready(1).await; number > 1 } }
    elements { ready(vec![1_u8; 3]).await.iter().any(|&byte| byte > 1) }
    empty { ready(Empty {}).await != Empty {} }
    reference { *ready(&false).await }
    range { (0..ready(3).await).contains(&5) }
    lines {
        ready(1)
            .await == 2
    }
    lines_that_end_in_a_dot {
        ready(1).
            await == 2
    }
}

/// A condition whose parts a macro has put into another order than they were written in.
macro_rules! turned {
    ($right:tt $sign:tt $left:ident) => {
        #[with_context]
        async fn turned_annotated() -> Result<(), Cancelled> {
            assert!(ready($left).await $sign $right);
            Ok(())
        }
        async fn turned_plain() {
            assert!(ready($left).await $sign $right);
        }
    };
}

const TWO: u32 = 2;

turned! { 1 == TWO }

async fn panic_of<T: Debug>(task: tokio::task::JoinHandle<T>) -> String {
    let panic = task.await.unwrap_err().into_panic();
    let text = panic.downcast_ref::<String>().cloned();
    text.unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap()).to_owned())
}

#[tokio::test]
async fn are_those_of_our_assertions() {
    for name in NAMES {
        let ours = panic_of(spawn(name, true, true)).await;
        assert_eq!(ours, panic_of(spawn(name, false, true)).await);
    }
    let ours = async { turned_annotated(&Context::background()).await };
    let ours = panic_of(tokio::spawn(ours)).await;
    assert_eq!(ours, panic_of(tokio::spawn(turned_plain())).await);
}

/// A process of its own, whose standard error can be read.
#[tokio::test]
async fn are_those_that_we_print() {
    const CHILD: &str = "CTX_WORDS_OF_STD";
    const FILE: &str = concat!("[", file!());
    if let Ok(annotated) = env::var(CHILD) {
        for name in NAMES {
            assert!(!spawn(name, annotated == "true", false).await.unwrap());
        }
        return;
    }
    let name = concat!(module_path!(), "::are_those_that_we_print");
    let name = name.split_once("::").unwrap().1;
    let print = |annotated| {
        let child = Command::new(env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture"])
            .env(CHILD, annotated)
            .output()
            .unwrap();
        let printed = String::from_utf8(child.stderr).unwrap();
        let printed: Vec<_> = printed.split(FILE).map(without_place).collect();
        assert_eq!(printed.len(), NAMES.len() + 1);
        printed
    };
    assert_eq!(print("true"), print("false"));
}

/// Behind the line and the column.
fn without_place(printed: &str) -> String {
    printed
        .split_once("] ")
        .map_or("", |(_, words)| words)
        .to_owned()
}
