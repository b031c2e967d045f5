//! The walk: every file under the paths, in path order, one at a time.

use ctx::{Cancelled, with_context};
use std::{
    ffi::{OsStr, OsString},
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

/// One walk, and who is told of what it finds.
pub(crate) struct Walk<'a> {
    /// Whether files come in path order. It takes the memory for all names of a directory at a time.
    pub(crate) sorted: bool,
    pub(crate) visit: &'a mut dyn FnMut(Found),
}

impl Walk<'_> {
    /// Visits every regular file under the paths, and every path that is no directory, whatever else it
    /// is: who names a pipe wants it read.
    #[with_context]
    pub(crate) fn paths(&mut self, paths: &[PathBuf]) -> Result<(), Cancelled> {
        for path in paths {
            ctx.check()?;
            match is_directory(path) {
                Ok(true) => self.tree(ctx, path)?,
                Ok(false) => (self.visit)(Ok(path.clone())),
                Err(error) => self.fail(path, error),
            }
        }
        Ok(())
    }

    /// Goes down one directory. It keeps a list and does not recurse, since a tree may be deeper than a
    /// stack.
    #[with_context]
    fn tree(&mut self, top: &Path) -> Result<(), Cancelled> {
        let mut levels = vec![self.level(ctx, top.to_owned())?];
        while let Some(last) = levels.last_mut() {
            ctx.check()?;
            let Some(name) = last.names.next() else {
                levels.pop();
                continue;
            };
            let path = last.directory.join(&name);
            if is_marked(&name) {
                levels.push(self.level(ctx, path)?);
            } else {
                (self.visit)(Ok(path));
            }
        }
        Ok(())
    }

    /// Reads one directory, which may be huge.
    #[with_context]
    fn level(&mut self, directory: PathBuf) -> Result<Level, Cancelled> {
        let mut names = Vec::new();
        match fs::read_dir(&directory) {
            Err(error) => self.fail(&directory, error),
            Ok(entries) => {
                for entry in entries {
                    ctx.check()?;
                    match entry.and_then(|entry| name(&entry)) {
                        Ok(Some(name)) if self.sorted || is_marked(&name) => names.push(name),
                        Ok(Some(name)) => (self.visit)(Ok(directory.join(name))),
                        Ok(None) => {}
                        Err(error) => self.fail(&directory, error),
                    }
                }
            }
        }
        names.sort_unstable();
        let names = names.into_iter();
        Ok(Level { directory, names })
    }

    fn fail(&mut self, path: &Path, error: io::Error) {
        let path = path.to_owned();
        (self.visit)(Err(Failure { path, error }));
    }
}

fn is_directory(path: &Path) -> io::Result<bool> {
    // Standard input has no name to look up.
    Ok(path != Path::new("-") && fs::metadata(path)?.is_dir())
}

/// The name of a regular file, or of a directory with a slash for a mark, which puts `a.txt` before
/// `a/b` as the order of whole paths has it. Nothing else is looked for.
fn name(entry: &DirEntry) -> io::Result<Option<OsString>> {
    let kind = entry.file_type()?;
    let mut name = entry.file_name();
    if kind.is_dir() {
        name.push("/");
    }
    Ok((kind.is_dir() || kind.is_file()).then_some(name))
}

fn is_marked(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(b"/")
}
