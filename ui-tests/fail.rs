//! The failing cases: one error each, where the author wrote the mistake.

use super::files;
use std::{env, process::Command};

/// The compiler that the `.stderr` files are from. Another one words its own errors in another way.
const COMPILER: &str = "rustc 1.95.0 ";

/// The cases with more than one error, and why each of the others has to be there.
const SEVERAL: [(&str, usize, &str); 1] = [(
    "shield_is_in_a_function_without_a_context",
    2,
    "no macro of ours sees the function: both are rustc's own",
)];

/// The cases with an error that does not stand where the author wrote the mistake, and why.
const ELSEWHERE: [(&str, &str); 1] = [(
    "trait_and_impl_do_not_agree_on_owned",
    "the parameter that does not agree is written by the attribute's own argument",
)];

#[test]
fn each_mistake_is_refused() {
    if let Some(other) = other_compiler() {
        println!("skipped: the .stderr files are from {COMPILER}, and this is {other}");
        return;
    }
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}

/// The version of the compiler, if it is not the one that the files are from.
fn other_compiler() -> Option<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let version = output.expect("a compiler that says its version").stdout;
    let version = String::from_utf8_lossy(&version).trim().to_owned();
    (!version.starts_with(COMPILER)).then_some(version)
}

#[test]
fn each_mistake_has_its_message() {
    let cases = files("fail", "rs").into_iter().map(|(name, _)| name);
    let messages = files("fail", "stderr").into_iter().map(|(name, _)| name);
    let cases: Vec<String> = cases.collect();
    assert!(cases.len() >= 45, "only {} failing cases", cases.len());
    assert_eq!(cases, messages.collect::<Vec<String>>());
}

#[test]
fn each_mistake_is_one_error() {
    for (name, text) in files("fail", "stderr") {
        let errors = text.lines().filter(|line| is_error(line)).count();
        let allowed = SEVERAL.iter().find(|(case, ..)| *case == name);
        let expected = allowed.map_or(1, |(_, count, _)| *count);
        assert_eq!(errors, expected, "{name} has {errors} errors:\n{text}");
    }
}

fn is_error(line: &str) -> bool {
    line.starts_with("error") && !line.starts_with("error: aborting due to")
}

/// An error that rustc shows at the attribute says so in a note.
#[test]
fn no_error_is_at_the_attribute() {
    for (name, text) in files("fail", "stderr") {
        let elsewhere = text.contains("attribute macro");
        let allowed = ELSEWHERE.iter().any(|(case, _)| *case == name);
        assert_eq!(
            elsewhere, allowed,
            "{name} is not at the author's token:\n{text}"
        );
    }
}

#[test]
fn no_message_depends_on_other_crates() {
    for (name, text) in files("fail", "stderr") {
        for foreign in ["$CARGO", "$RUST"] {
            assert!(
                !text.contains(foreign),
                "{name} quotes the source of another crate"
            );
        }
    }
}
