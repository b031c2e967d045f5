//! What the macros refuse, what they accept, what they say, and what they cost.
//!
//! `fail/` has one mistake a file, named for it; the `.stderr` next to it is what the author reads.
//! `pass/` has what must compile without a warning under clippy's pedantic and nursery groups. These
//! files are modules of this binary, so clippy reads them with every other target, and each runs
//! what it has compiled.

mod fail;
mod growth;
mod pass;

use std::{ffi::OsStr, fs, path::Path};

/// The contents of every file in `folder` with this extension, by name, in order.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder of the cases") {
        let path = entry.expect("a case").path();
        if path.extension() == Some(OsStr::new(extension)) {
            let name = path.file_stem().expect("a name").to_string_lossy();
            let text = fs::read_to_string(&path).expect("a case is text");
            files.push((name.into_owned(), text));
        }
    }
    files.sort();
    files
}

#[test]
fn every_passing_case_is_a_module_under_all_lints() {
    let cases = files("pass", "rs");
    assert!(cases.len() >= 45, "only {} passing cases", cases.len());
    for (name, text) in cases {
        let module = format!("mod {name};");
        assert!(
            include_str!("pass.rs").lines().any(|line| line == module),
            "{name}"
        );
        let lints = "#![deny(warnings, clippy::pedantic, clippy::nursery)]";
        assert!(text.starts_with(lints), "{name} does not deny every lint");
    }
}
