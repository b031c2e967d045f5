//! The hashes: threads that take files and answer with digests.

use crate::progress::Progress;
use ctx::{Cancelled, with_context};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, mpsc},
};
use tokio::sync::oneshot;

/// How much is read between two looks at the context: a fraction of a millisecond's work.
const BLOCK: usize = 64 * 1024;

/// A SHA-256 digest.
pub(crate) type Hash = [u8; 32];

/// A file to hash, and where the hash is waited for.
pub(crate) struct Job {
    pub(crate) path: PathBuf,
    pub(crate) answer: oneshot::Sender<io::Result<Hash>>,
}

/// Does jobs until there are none left. It blocks.
#[with_context]
pub(crate) fn work(
    jobs: &Mutex<mpsc::Receiver<Job>>,
    progress: &Progress,
) -> Result<(), Cancelled> {
    let mut block = vec![0; BLOCK];
    // The lock is held while waiting: whoever gets the next job is next in the queue for the lock.
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(Job { path, answer }) = next() {
        let hash = read(ctx, &path, &mut block, progress)?;
        // Nobody waits for it only after the end.
        let _ = answer.send(hash);
    }
    Ok(())
}

/// Reads and hashes block by block, with a checkpoint before each. An unreadable file is a result like
/// any other; only the end of the context is an error.
#[with_context]
fn read(path: &Path, block: &mut [u8], progress: &Progress) -> Result<io::Result<Hash>, Cancelled> {
    ctx.check()?;
    let mut input = match open(path) {
        Ok(input) => input,
        Err(error) => return Ok(Err(error)),
    };
    let mut sha = Sha256::new();
    loop {
        ctx.check()?;
        match input.read(block) {
            Ok(0) => return Ok(Ok(sha.finalize().into())),
            Ok(read) => {
                sha.update(&block[..read]);
                progress.add_read(read);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(error)),
        }
    }
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(File::open(path)?))
}
