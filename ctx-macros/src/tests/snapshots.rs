//! Expansions as people read them: each file in `snapshots` holds an input and its output.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test -p ctx-macros` writes the outputs anew.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, File, Item, Meta};

use crate::expand::expand;

const DIVIDER: &str = "\n// Output:\n";

#[test]
fn expansions_are_as_recorded() {
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    let mut differences = String::new();
    let mut count = 0;
    for path in files() {
        let recorded = fs::read_to_string(&path).expect("a readable snapshot");
        let (input, before) = recorded.split_once(DIVIDER).unwrap_or((&recorded, ""));
        let now = print(&expansion(input));
        count += 1;
        if before == now {
            continue;
        }
        if update {
            let whole = format!("{}\n{DIVIDER}{now}", input.trim_end());
            fs::write(&path, whole).expect("a writable snapshot");
        } else {
            let path = path.display();
            writeln!(differences, "{path}\nrecorded:\n{before}\nnow:\n{now}\n").expect("a string");
        }
    }
    assert!(count > 30, "the snapshots are gone");
    assert!(differences.is_empty(), "{differences}");
}

fn files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/snapshots");
    let entries = fs::read_dir(folder).expect("the snapshots");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

/// Expands an item that starts with `#[with_context]`.
fn expansion(input: &str) -> TokenStream {
    let tokens: TokenStream = input.parse().expect("balanced tokens");
    let split = |input: ParseStream| {
        let attrs = input.call(Attribute::parse_outer)?;
        Ok((attrs, input.parse::<TokenStream>()?))
    };
    let (mut attrs, item) = split.parse2(tokens).expect("an attribute");
    let at = attrs
        .iter()
        .position(|attr| attr.path().is_ident("with_context"))
        .expect("`#[with_context]`");
    let args = match attrs.remove(at).meta {
        Meta::List(list) => list.tokens,
        _ => TokenStream::new(),
    };
    let attrs = attrs.iter().map(ToTokens::to_token_stream);
    let mut annotated: TokenStream = attrs.collect();
    annotated.extend(item);
    expand(args, annotated)
}

/// As Rust where it is Rust, and else as tokens.
fn print(expansion: &TokenStream) -> String {
    match syn::parse2::<File>(expansion.clone()) {
        Ok(file) if !file.items.iter().any(is_member) => prettyplease::unparse(&file),
        _ => format!("{expansion}\n"),
    }
}

/// A method that is declared stands in a trait only.
fn is_member(item: &Item) -> bool {
    matches!(item, Item::Verbatim(_))
}
