//! Byte streams: requests and answers that pass each other, a proxy, lines, a body.

use super::{
    app::AppError,
    driver::{Run, survives},
    wire::dribble,
};
use ctx::{Context, with_context};
use std::io;
use tokio::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, copy_bidirectional,
    duplex, split,
};

/// Sends all requests while it reads the answers, so that neither side can block the other.
#[with_context]
async fn pipeline(stream: DuplexStream, requests: &[u8]) -> Result<Vec<u8>, AppError> {
    let (mut reader, mut writer) = split(stream);
    let send = #[with_context]
    async {
        for request in requests {
            writer.write_u8(*request).await?;
        }
        writer.shutdown().await?;
        Ok::<_, AppError>(())
    };
    let receive = #[with_context]
    async {
        let mut answers = Vec::new();
        reader.read_to_end(&mut answers).await?;
        Ok::<_, AppError>(answers)
    };
    let ((), answers) = tokio::try_join!(send, receive)?;
    Ok(answers)
}

#[test]
fn requests_and_answers_pass_each_other() {
    survives(vec![1, 4, 9, 16, 25, 36], async |run: Run| {
        let (near, mut far) = duplex(1);
        tokio::spawn(async move {
            while let Ok(request) = far.read_u8().await {
                if far.write_u8(request * request).await.is_err() {
                    return;
                }
            }
        });
        pipeline(&run.ctx, near, &[1, 2, 3, 4, 5, 6]).await
    });
}

/// The io functions of a service may keep to `std::io::Result`.
#[with_context]
async fn proxy(mut inbound: DuplexStream, mut outbound: DuplexStream) -> io::Result<(u64, u64)> {
    let amounts = copy_bidirectional(&mut inbound, &mut outbound).await?;
    outbound.shutdown().await?;
    Ok(amounts)
}

#[test]
fn a_proxy_copies_both_ways() {
    survives((7, 7), async |run: Run| {
        let (client, inbound) = duplex(2);
        let (outbound, server) = duplex(3);
        tokio::spawn(async move {
            let (mut reader, mut writer) = split(server);
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
            let _ = writer.shutdown().await;
        });
        tokio::spawn(async move {
            let (mut reader, mut writer) = split(client);
            let mut answer = String::new();
            let send = async {
                let sent = writer.write_all(b"through").await;
                sent.and(writer.shutdown().await)
            };
            let _ = tokio::join!(send, reader.read_to_string(&mut answer));
        });
        Ok(proxy(&run.ctx, inbound, outbound).await?)
    });
}

/// Turns lines round, and counts them.
#[with_context]
async fn turn_lines(stream: DuplexStream) -> Result<usize, AppError> {
    let (reader, mut writer) = split(stream);
    let mut lines = BufReader::with_capacity(4, reader).lines();
    let mut count = 0;
    while let Some(line) = lines.next_line().await? {
        let turned: String = line.chars().rev().chain(['\n']).collect();
        #[checkpoints(between)]
        writer.write_all(turned.as_bytes()).await?;
        count += 1;
    }
    Ok(count)
}

#[test]
fn lines_are_read_and_answered_whole() {
    survives(3, async |run: Run| {
        let (near, far) = duplex(2);
        let reader = tokio::spawn(async move {
            let (mut reader, mut writer) = split(far);
            let mut turned = String::new();
            let send = async {
                let sent = writer.write_all(b"one\ntwo\nthree\n").await;
                sent.and(writer.shutdown().await)
            };
            let _ = tokio::join!(send, reader.read_to_string(&mut turned));
            turned
        });
        let count = turn_lines(&run.ctx, near).await;
        let turned = reader.await?;
        assert!("eno\nowt\neerht\n".starts_with(&turned));
        assert!(turned.is_empty() || turned.ends_with('\n'), "{turned:?}");
        count
    });
}

/// A context may stand in a field where the struct *is* one request.
struct Request {
    ctx: Context,
    body: DuplexStream,
}

#[with_context(owned)]
async fn read_body(mut body: DuplexStream, limit: usize) -> Result<Vec<u8>, AppError> {
    let mut bytes = vec![0; limit];
    let mut filled = 0;
    loop {
        match body.read(&mut bytes[filled..]).await? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[test]
fn a_body_is_read_up_to_its_limit() {
    survives(b"\x04body\x02is".to_vec(), async |run: Run| {
        let (body, far) = duplex(16);
        tokio::spawn(async move { dribble(far, &["body", "is", "cut"]).await });
        let request = Request { ctx: run.ctx, body };
        read_body(request.ctx, request.body, 8).await
    });
}
