//! The walk: every file under the paths, in path order, one at a time.

use ctx::{Cancelled, with_context};
use std::{
    ffi::OsString,
    fs::{self, DirEntry},
    io,
    path::{Path, PathBuf},
    vec,
};

/// A file to hash, or a place that could not be looked at.
pub(crate) type Found = Result<PathBuf, Failure>;

/// A path, and what went wrong with it.
pub(crate) struct Failure {
    pub(crate) path: PathBuf,
    pub(crate) error: io::Error,
}

/// A directory on the way down: its name, and the names in it that are still to come.
struct Level {
    directory: PathBuf,
    names: vec::IntoIter<OsString>,
}

/// Tells `visit` of every regular file under the paths, and of every path that is no directory, whatever
/// else it is: who names a pipe wants it read.
#[with_context]
pub(crate) fn walk(paths: &[PathBuf], visit: &mut dyn FnMut(Found)) -> Result<(), Cancelled> {
    for path in paths {
        ctx.check()?;
        match is_directory(path) {
            Ok(true) => tree(ctx, path, visit)?,
            Ok(false) => visit(Ok(path.clone())),
            Err(error) => visit(Err(failure(path, error))),
        }
    }
    Ok(())
}

fn is_directory(path: &Path) -> io::Result<bool> {
    // Standard input has no name to look up.
    Ok(path != Path::new("-") && fs::metadata(path)?.is_dir())
}

/// Goes down one directory. It keeps a list and does not recurse, since a tree may be deeper than a stack.
#[with_context]
fn tree(top: &Path, visit: &mut dyn FnMut(Found)) -> Result<(), Cancelled> {
    let mut levels = vec![level(ctx, top.to_owned(), visit)?];
    while let Some(last) = levels.last_mut() {
        ctx.check()?;
        let Some(name) = last.names.next() else {
            levels.pop();
            continue;
        };
        let path = last.directory.join(&name);
        if name.as_encoded_bytes().ends_with(b"/") {
            levels.push(level(ctx, path, visit)?);
        } else {
            visit(Ok(path));
        }
    }
    Ok(())
}

/// Reads one directory, which may be huge: the names are what has to fit into memory.
#[with_context]
fn level(directory: PathBuf, visit: &mut dyn FnMut(Found)) -> Result<Level, Cancelled> {
    let mut names = Vec::new();
    match fs::read_dir(&directory) {
        Err(error) => visit(Err(failure(&directory, error))),
        Ok(entries) => {
            for entry in entries {
                ctx.check()?;
                match entry.and_then(|entry| name(&entry)) {
                    Ok(name) => names.extend(name),
                    Err(error) => visit(Err(failure(&directory, error))),
                }
            }
        }
    }
    names.sort_unstable();
    let names = names.into_iter();
    Ok(Level { directory, names })
}

/// The name of a regular file, or of a directory with a slash behind it, which puts `a.txt` before `a/b`
/// as the order of whole paths has it. Nothing else is looked for.
fn name(entry: &DirEntry) -> io::Result<Option<OsString>> {
    let kind = entry.file_type()?;
    let mut name = entry.file_name();
    if kind.is_dir() {
        name.push("/");
    }
    Ok((kind.is_dir() || kind.is_file()).then_some(name))
}

fn failure(path: &Path, error: io::Error) -> Failure {
    let path = path.to_owned();
    Failure { path, error }
}
