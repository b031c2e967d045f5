//! The page that quotes the figures: each of its tables stands between two marks.

use crate::place::root;
use std::{fs, io, path::PathBuf};

/// Replaces what stands between `<!-- table -->` and `<!-- end of table -->` in `docs/performance.md`.
pub(crate) fn write(table: &str, text: &str) -> io::Result<PathBuf> {
    let path = root().join("docs/performance.md");
    let page = fs::read_to_string(&path)?;
    let (from, to) = (
        format!("<!-- {table} -->\n"),
        format!("<!-- end of {table} -->"),
    );
    let parts = page.split_once(&from).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&to)?;
        Some((before, after))
    });
    let Some((before, after)) = parts else {
        let missing = format!("{} has no place for the table {table}", path.display());
        return Err(io::Error::other(missing));
    };
    fs::write(&path, format!("{before}{from}{text}{to}{after}"))?;
    Ok(path)
}
