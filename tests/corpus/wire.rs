//! Connections: frames over a byte stream, request loops, an accept loop.

use super::{
    app::AppError,
    driver::{Guard, Live, Run, survives},
};
use ctx::with_context;
use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::sleep,
};

type Db = Arc<Mutex<HashMap<String, String>>>;

/// A connection that carries frames: a length of one byte, then so many bytes of text.
struct Connection {
    stream: DuplexStream,
    buffer: Vec<u8>,
    _open: Guard,
}

impl Connection {
    fn new(stream: DuplexStream, live: &Live) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            _open: live.guard(),
        }
    }

    fn parse(&mut self) -> Option<String> {
        let length = usize::from(*self.buffer.first()?);
        let text = self.buffer.get(1..=length)?;
        let frame = String::from_utf8_lossy(text).into_owned();
        self.buffer.drain(..=length);
        Some(frame)
    }
}

#[with_context]
impl Connection {
    /// The next frame; `None` if the other side is done. What has been read of a frame stays in the
    /// buffer, so nothing is lost when this is given up.
    async fn read_frame(&mut self) -> Result<Option<String>, AppError> {
        loop {
            if let Some(frame) = self.parse() {
                return Ok(Some(frame));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                let complete = self.buffer.is_empty();
                return complete.then_some(None).ok_or(AppError::Closed);
            }
        }
    }

    /// Half a frame would spoil the connection, so one that was begun is finished.
    #[with_context(checkpoints = between)]
    async fn write_frame(&mut self, text: &str) -> io::Result<()> {
        let length = u8::try_from(text.len()).map_err(io::Error::other)?;
        self.stream.write_u8(length).await?;
        self.stream.write_all(text.as_bytes()).await?;
        self.stream.flush().await
    }
}

fn pair(live: &Live, capacity: usize) -> (Connection, Connection) {
    let (near, far) = duplex(capacity);
    (Connection::new(near, live), Connection::new(far, live))
}

/// Sends frames slowly, in pieces that end anywhere.
pub(super) async fn dribble(mut stream: DuplexStream, frames: &[&str]) {
    let mut bytes = Vec::new();
    for frame in frames {
        bytes.push(u8::try_from(frame.len()).expect("it is short"));
        bytes.extend_from_slice(frame.as_bytes());
    }
    for piece in bytes.chunks(3) {
        sleep(Duration::from_millis(2)).await;
        if stream.write_all(piece).await.is_err() {
            return;
        }
    }
}

#[with_context]
async fn collect_frames(connection: &mut Connection) -> Result<Vec<String>, AppError> {
    let mut frames = Vec::new();
    while let Some(frame) = connection.read_frame(ctx).await? {
        frames.push(frame);
    }
    Ok(frames)
}

#[test]
fn frames_are_read_one_by_one() {
    let sent = ["get a", "set b 1", "", "get b"];
    survives(sent.map(str::to_owned).to_vec(), async |run: Run| {
        let (near, far) = duplex(4);
        tokio::spawn(async move { dribble(far, &sent).await });
        let mut connection = Connection::new(near, &run.live);
        collect_frames(&run.ctx, &mut connection).await
    });
}

/// One client: a request, an answer, until the client hangs up.
#[with_context]
async fn serve(mut connection: Connection, db: &Db) -> Result<usize, AppError> {
    let mut served = 0;
    while let Some(request) = connection.read_frame(ctx).await? {
        let words: Vec<&str> = request.split(' ').collect();
        let answer = match words[..] {
            ["get", key] => db.lock().expect("no panic").get(key).cloned(),
            ["set", key, value] => {
                let mut db = db.lock().expect("no panic");
                db.insert(key.to_owned(), value.to_owned())
            }
            _ => Some(format!("what is {request}?")),
        };
        let answer = answer.unwrap_or_default();
        connection.write_frame(ctx, &answer).await?;
        served += 1;
    }
    Ok(served)
}

#[with_context]
async fn ask(connection: &mut Connection, request: &str) -> Result<String, AppError> {
    connection.write_frame(ctx, request).await?;
    connection.read_frame(ctx).await?.ok_or(AppError::Closed)
}

#[with_context]
async fn session(mut connection: Connection) -> Result<Vec<String>, AppError> {
    let mut answers = Vec::new();
    for request in ["set a 1", "get a", "set a 2", "get a", "help"] {
        answers.push(ask(ctx, &mut connection, request).await?);
    }
    Ok(answers)
}

/// Both sides in one task.
#[with_context]
async fn converse(near: Connection, far: Connection) -> Result<(usize, Vec<String>), AppError> {
    let db = Db::default();
    tokio::try_join!(serve(ctx, far, &db), session(ctx, near))
}

#[test]
fn a_request_loop_answers_until_its_client_hangs_up() {
    let answers = ["", "1", "1", "2", "what is help?"].map(str::to_owned);
    survives((5, answers.to_vec()), async |run: Run| {
        let (near, far) = pair(&run.live, 3);
        converse(&run.ctx, near, far).await
    });
}

/// Accepts clients up to a limit, and lets those who are in finish what they have begun.
#[with_context(owned)]
async fn accept(mut listener: mpsc::Receiver<Connection>, db: Db) -> Result<usize, AppError> {
    let limit = Arc::new(Semaphore::new(2));
    let mut clients = JoinSet::new();
    let accepted = accept_into(&ctx, &mut listener, &limit, &db, &mut clients).await;
    let mut served = 0;
    #[shield]
    while let Some(client) = clients.join_next().await {
        if let Ok(count) = client? {
            served += count;
        }
    }
    accepted.map(|()| served)
}

#[with_context]
async fn accept_into(
    listener: &mut mpsc::Receiver<Connection>,
    limit: &Arc<Semaphore>,
    db: &Db,
    clients: &mut JoinSet<Result<usize, AppError>>,
) -> Result<(), AppError> {
    loop {
        let permit = Arc::clone(limit).acquire_owned().await?;
        let Some(connection) = listener.recv().await else {
            return Ok(());
        };
        let (ctx, db) = (ctx.clone(), Arc::clone(db));
        clients.spawn(async move {
            let served = serve(&ctx, connection, &db).await;
            drop(permit);
            served
        });
    }
}

#[with_context(owned)]
async fn client(connect: mpsc::Sender<Connection>, live: Live) -> Result<Vec<String>, AppError> {
    let (near, far) = pair(&live, 64);
    connect.send(far).await?;
    session(&ctx, near).await
}

#[test]
fn an_accept_loop_limits_its_clients_and_drains_them() {
    survives(15, async |run: Run| {
        let (connect, listener) = mpsc::channel(1);
        let db = Db::default();
        let accepting = tokio::spawn(accept(run.ctx.clone(), listener, Arc::clone(&db)));
        for _ in 0..3 {
            tokio::spawn(client(run.ctx.clone(), connect.clone(), run.live.clone()));
        }
        drop(connect);
        let served = accepting.await?;
        assert_eq!(
            Arc::strong_count(&db),
            1,
            "every client has been waited for"
        );
        served
    });
}
