//! The printer: one line for each file, in the order of the tickets.

use crate::{
    hash::{Hash, Job},
    progress::Progress,
    walk::Failure,
};
use ctx::{Cancelled, with_context};
use std::{
    borrow::Cow,
    io::{self, Write},
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

/// How many bytes of output are gathered at most for one write.
const ENOUGH: usize = 32 * 1024;

/// A place in the order of the output.
pub(crate) enum Ticket {
    /// A file, and the hash it is going to have.
    Hashing(PathBuf, oneshot::Receiver<io::Result<Hash>>),
    /// A place that could not even be looked at.
    Failed(Failure),
}

impl Ticket {
    /// The two halves of one file's work.
    pub(crate) fn and_job(path: PathBuf) -> (Job, Ticket) {
        let (answer, hash) = oneshot::channel();
        let ticket = Ticket::Hashing(path.clone(), hash);
        (Job { path, answer }, ticket)
    }
}

/// Why the printer gave up.
pub(crate) enum Stop {
    Output(io::Error),
    Cancelled(Cancelled),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Output(error)
    }
}

impl From<Cancelled> for Stop {
    fn from(cancelled: Cancelled) -> Self {
        Stop::Cancelled(cancelled)
    }
}

/// Turns tickets into lines.
pub(crate) struct Printer {
    queue: mpsc::Receiver<Ticket>,
    progress: Arc<Progress>,
    /// The lines that are not written yet, and how many files they are.
    lines: Vec<u8>,
    files: u64,
}

impl Printer {
    pub(crate) fn new(queue: mpsc::Receiver<Ticket>, progress: Arc<Progress>) -> Self {
        Self {
            queue,
            progress,
            lines: Vec::new(),
            files: 0,
        }
    }

    /// Prints until the queue, the context or stdout ends. It blocks.
    #[with_context]
    pub(crate) fn run(mut self) -> Result<(), Stop> {
        let outcome = Handle::current().block_on(self.in_order(ctx));
        if let Err(Stop::Cancelled(_)) = outcome {
            self.at_hand()?;
        }
        outcome
    }

    /// Waits for one hash after the other, and holds no line back while it waits.
    #[with_context]
    async fn in_order(&mut self) -> Result<(), Stop> {
        loop {
            if self.queue.is_empty() || self.lines.len() >= ENOUGH {
                self.write()?;
            }
            match self.queue.recv().await {
                None => return Ok(self.write()?),
                Some(Ticket::Failed(Failure { path, error })) => self.complain(&path, &error)?,
                Some(Ticket::Hashing(path, hash)) => {
                    if hash.is_empty() {
                        self.write()?;
                    }
                    // A reader that panicked gives no answer; whoever joins it hears of it.
                    if let Ok(hash) = hash.await {
                        self.put(&path, hash)?;
                    }
                }
            }
        }
    }

    /// Prints, after the end, what needs no waiting: the end came in between for the rest.
    fn at_hand(&mut self) -> io::Result<()> {
        while let Ok(ticket) = self.queue.try_recv() {
            match ticket {
                Ticket::Failed(Failure { path, error }) => self.complain(&path, &error)?,
                Ticket::Hashing(path, mut hash) => {
                    if let Ok(hash) = hash.try_recv() {
                        self.put(&path, hash)?;
                    }
                }
            }
        }
        self.write()
    }

    fn put(&mut self, path: &Path, hash: io::Result<Hash>) -> io::Result<()> {
        self.files += 1;
        match hash {
            Ok(hash) => self.push(&hash, path),
            Err(error) => self.complain(path, &error)?,
        }
        Ok(())
    }

    fn push(&mut self, hash: &Hash, path: &Path) {
        let name = escaped(path);
        // So `sha256sum --check` knows that the name is to be read with escapes.
        if matches!(name, Cow::Owned(_)) {
            self.lines.push(b'\\');
        }
        for byte in hash {
            let digits = format!("{byte:02x}");
            self.lines.extend_from_slice(digits.as_bytes());
        }
        self.lines.extend_from_slice(b"  ");
        self.lines.extend_from_slice(&name);
        self.lines.push(b'\n');
    }

    fn write(&mut self) -> io::Result<()> {
        if self.files == 0 {
            return Ok(());
        }
        let lines = mem::take(&mut self.lines);
        self.progress
            .above_bar(|| {
                let mut out = io::stdout().lock();
                out.write_all(&lines)?;
                out.flush()
            })
            .map_err(|error| io::Error::new(error.kind(), format!("standard output: {error}")))?;
        self.progress.add_done(mem::take(&mut self.files));
        Ok(())
    }

    /// One line on stderr, after the lines before it.
    fn complain(&mut self, path: &Path, error: &io::Error) -> io::Result<()> {
        self.write()?;
        self.progress.add_failed();
        let mut line = b"digest: ".to_vec();
        line.extend_from_slice(&escaped(path));
        line.extend_from_slice(format!(": {error}\n").as_bytes());
        // A stderr that nobody reads is no reason to stop.
        self.progress
            .above_bar(|| drop(io::stderr().write_all(&line)));
        Ok(())
    }
}

/// The name as `sha256sum` prints it: on one line, whatever is in it.
fn escaped(path: &Path) -> Cow<'_, [u8]> {
    let name = path.as_os_str().as_encoded_bytes();
    if !name.iter().any(|byte| b"\\\n\r".contains(byte)) {
        return Cow::Borrowed(name);
    }
    let mut escaped = Vec::with_capacity(name.len() + 2);
    for byte in name {
        match byte {
            b'\\' => escaped.extend_from_slice(b"\\\\"),
            b'\n' => escaped.extend_from_slice(b"\\n"),
            b'\r' => escaped.extend_from_slice(b"\\r"),
            other => escaped.push(*other),
        }
    }
    Cow::Owned(escaped)
}
