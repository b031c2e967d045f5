//! The hash of one file.

use crate::{joined, progress::Progress};
use ctx::{Cancelled, with_context};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};

/// How much is read between two looks at the context: a fraction of a millisecond's work.
const BLOCK: usize = 64 * 1024;

/// A SHA-256 digest.
pub(crate) type Hash = [u8; 32];

/// Why a file has no hash.
pub(crate) enum NoHash {
    Unreadable(io::Error),
    Cancelled(Cancelled),
}

impl From<io::Error> for NoHash {
    fn from(error: io::Error) -> Self {
        NoHash::Unreadable(error)
    }
}

impl From<Cancelled> for NoHash {
    fn from(cancelled: Cancelled) -> Self {
        NoHash::Cancelled(cancelled)
    }
}

/// Hashes a file on a thread that may block, and takes its slot back when that thread is free again.
///
/// The thread looks at the context between two blocks. Where it cannot look, in a read that hangs, the
/// checkpoint at `.await` leaves it behind.
#[with_context(owned)]
pub(crate) async fn hash(
    path: PathBuf,
    slot: OwnedSemaphorePermit,
    progress: Arc<Progress>,
) -> Result<Hash, NoHash> {
    let reading = spawn_blocking({
        let ctx = ctx.clone();
        move || {
            let hash = read(&ctx, &path, &progress);
            drop(slot);
            hash
        }
    });
    joined(reading.await)
}

/// Reads and hashes block by block, with a checkpoint before each.
#[with_context]
fn read(path: &Path, progress: &Progress) -> Result<Hash, NoHash> {
    let mut input = open(path)?;
    let mut block = vec![0; BLOCK];
    let mut sha = Sha256::new();
    loop {
        ctx.check()?;
        match input.read(&mut block) {
            Ok(0) => return Ok(sha.finalize().into()),
            Ok(read) => {
                sha.update(&block[..read]);
                progress.add_read(read);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(File::open(path)?))
}
