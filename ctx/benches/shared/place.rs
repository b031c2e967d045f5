//! Where the benchmarks write.

use std::path::{Path, PathBuf};

/// The target directory that this binary was built into, as `target/release/deps/name-hash`.
pub(crate) fn target() -> PathBuf {
    let binary = std::env::current_exe().expect("a benchmark knows its own path");
    let up = binary.ancestors().nth(3);
    up.expect("cargo builds benchmarks three levels down")
        .to_owned()
}

/// The root of the repository.
#[allow(dead_code, reason = "not every benchmark writes into the repository")]
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("the package is a member of a workspace")
}
