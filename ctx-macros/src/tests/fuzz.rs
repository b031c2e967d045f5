//! Random functions, there and back.
//!
//! `CTX_FUZZ_FUNCTIONS` says how many: 100,000 in a release build, fewer in a debug build, which has
//! other tests to run. `CTX_FUZZ_SEED` is printed, and gives the same functions again.

use proc_macro2::TokenStream;
use syn::ItemFn;

use super::generate::{Sample, function};
use super::random::{Random, number, rounds, seed};
use super::strip::{canonical, stripped};
use crate::expand::expand;

#[test]
fn every_await_is_one_checkpoint_and_nothing_else_changes() {
    let default = if cfg!(debug_assertions) {
        1_000
    } else {
        100_000
    };
    let functions = number("CTX_FUZZ_FUNCTIONS").unwrap_or(default);
    let seed = seed();
    let checkpoints = rounds(functions, |at| {
        let sample = function(&mut Random::of_round(seed, at));
        let outcome = there_and_back(&sample);
        let (args, source) = (sample.args, sample.source);
        let difference = outcome.err().unwrap_or_default();
        assert!(
            difference.is_empty(),
            "function {at}: {difference}\n#[with_context({args})]\n{source}"
        );
        sample.checkpoints
    });
    println!("{functions} functions, {checkpoints} checkpoints");
    assert!(
        checkpoints as u64 > functions,
        "the functions hardly await anything"
    );
}

fn there_and_back(sample: &Sample) -> Result<(), String> {
    let input: TokenStream = sample
        .source
        .parse()
        .map_err(|error| format!("not tokens: {error}"))?;
    let written: ItemFn =
        syn::parse2(input.clone()).map_err(|error| format!("not valid: {error}"))?;
    let args = sample
        .args
        .parse()
        .map_err(|error| format!("not tokens: {error}"))?;
    let output = expand(args, input);
    let expanded: ItemFn =
        syn::parse2(output.clone()).map_err(|error| format!("bad output: {error}\n{output}"))?;
    let (back, checkpoints) = stripped(expanded);
    if checkpoints != sample.checkpoints {
        return Err(format!(
            "{checkpoints} checkpoints, not {}\n{output}",
            sample.checkpoints
        ));
    }
    let written = canonical(written);
    if back != written {
        return Err(format!(
            "changed\nwritten: {written}\nback:    {back}\n{output}"
        ));
    }
    Ok(())
}
