//! What the user asks for.

use clap::{Parser, value_parser};
use std::{num::NonZero, path::PathBuf, thread::available_parallelism, time::Duration};

/// Print the SHA-256 digest of every regular file under the paths, as sha256sum does.
///
/// Files are hashed in parallel. The digests come in the order of the paths given and, within a
/// directory, in the byte order of the file names, so the same files always give the same output.
/// Symbolic links are followed where they are given as a PATH, and passed over where they are found.
#[derive(Parser)]
#[command(name = "digest", version, after_help = EXIT_CODES)]
pub(crate) struct Options {
    /// Stop after this time, as in 500ms, 2s or "1m 30s"
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,

    /// How many files are read at a time, at most 512 [default: one for each core]
    #[arg(long, short, value_name = "N", value_parser = value_parser!(u16).range(1..=512))]
    jobs: Option<u16>,

    /// Files and directories; - is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    every file was hashed
  1    something could not be read, and a line on stderr says what
  2    the arguments make no sense
  124  --timeout was over
  130  interrupted by Ctrl-C; a second one ends the program at once";

impl Options {
    /// How many files are read at a time.
    pub(crate) fn jobs(&self) -> usize {
        match self.jobs {
            Some(jobs) => jobs.into(),
            None => available_parallelism().map_or(1, NonZero::get).min(512),
        }
    }
}
