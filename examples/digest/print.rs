//! The printer: one line for each file, in the order of the tickets.

use crate::{
    hash::{Hash, NoHash},
    progress::Progress,
    walk::Failure,
};
use ctx::Cancelled;
use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, Write},
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{runtime::Handle, sync::mpsc, task::JoinHandle};

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

    /// Prints until the queue or the context ends. It blocks, and fails if stdout does; the result inside
    /// says whether every ticket got its line.
    #[with_context]
    pub(crate) fn run(mut self) -> io::Result<Result<(), Cancelled>> {
        let runtime = Handle::current();
        let outcome = loop {
            let ticket = match self.queue.try_recv() {
                Ok(ticket) => ticket,
                Err(TryRecvError::Disconnected) => break Ok(()),
                Err(TryRecvError::Empty) => {
                    self.write()?;
                    match runtime.block_on(self.next(ctx)) {
                        Ok(Some(ticket)) => ticket,
                        Ok(None) => break Ok(()),
                        Err(cancelled) => break Err(cancelled),
                    }
                }
            };
            if let Err(cancelled) = self.print(ctx, ticket, &runtime)? {
                break Err(cancelled);
            }
        };
        self.print_the_rest()?;
        Ok(outcome)
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
        self.files += 1;
    }

    fn write(&mut self) -> io::Result<()> {
        let lines = mem::take(&mut self.lines);
        self.progress.above_bar(|| {
            let mut out = io::stdout().lock();
            out.write_all(&lines)?;
            out.flush()
        })
        .map_err(|error| io::Error::new(error.kind(), format!("standard output: {error}")))?;
        self.progress.add_done(mem::take(&mut self.files));
        Ok(())
    }

    /// A file without a digest is done with, too.
    fn give_up(&mut self, path: &Path, error: &dyn Display) -> io::Result<()> {
        self.complain(path, error)?;
        self.progress.add_done(1);
        Ok(())
    }

    /// One line on stderr, after the lines before it.
    fn complain(&mut self, path: &Path, error: &dyn Display) -> io::Result<()> {
        self.write()?;
        self.progress.add_failed();
        let mut line = b"digest: ".to_vec();
        line.extend_from_slice(&escaped(path));
        line.extend_from_slice(format!(": {error}\n").as_bytes());
        // A stderr that nobody reads is no reason to stop.
        self.progress.above_bar(|| drop(io::stderr().write_all(&line)));
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
