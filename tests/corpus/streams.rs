//! Streams and pipelines.

use super::{
    app::{AppError, Remote},
    driver::{Run, survives},
};
use ctx::with_context;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use std::{pin::pin, time::Duration};
use tokio::{
    sync::{broadcast, mpsc},
    time::sleep,
};

fn ticking(values: impl IntoIterator<Item = u32>, millis: u64) -> impl Stream<Item = u32> {
    let pause = Duration::from_millis(millis);
    stream::iter(values).then(move |value| async move {
        sleep(pause).await;
        value
    })
}

/// The sums of windows, as `while let` reads them.
#[with_context]
async fn sums(values: impl Stream<Item = u32>, window: usize) -> Result<Vec<u32>, AppError> {
    let mut windows = pin!(values.chunks(window));
    let mut sums = Vec::new();
    while let Some(window) = windows.next().await {
        sums.push(window.iter().sum());
    }
    Ok(sums)
}

#[test]
fn a_stream_is_read_to_its_end() {
    survives(vec![6, 15, 7], async |run: Run| {
        sums(&run.ctx, ticking(1..8, 3), 3).await
    });
}

struct Page {
    rows: Vec<u32>,
    next: Option<u32>,
}

#[with_context]
async fn load_page(remote: &Remote, cursor: u32) -> Result<Page, AppError> {
    let row = remote.call(cursor).await;
    Ok(Page {
        rows: vec![row, row + 1],
        next: (cursor < 4).then_some(cursor + 1),
    })
}

/// Page after page, until there is no next one.
#[with_context]
async fn list(remote: &Remote, limit: usize) -> Result<Vec<u32>, AppError> {
    let mut rows = Vec::new();
    let mut cursor = Some(0);
    while let Some(at) = cursor {
        let page = load_page(ctx, remote, at).await?;
        rows.extend(page.rows);
        cursor = page.next.filter(|_| rows.len() < limit);
    }
    rows.truncate(limit);
    Ok(rows)
}

#[test]
fn pages_are_read_up_to_a_limit() {
    survives(vec![0, 1, 10, 11, 20, 21, 30], async |run: Run| {
        list(&run.ctx, &Remote::new(&run.live, 4), 7).await
    });
}

/// Reads, computes and writes at once, each stage with its own buffer.
#[with_context]
async fn pipeline(lines: Vec<&str>, remote: &Remote) -> Result<Vec<u32>, AppError> {
    let (parsed, mut numbers) = mpsc::channel(1);
    let (computed, mut answers) = mpsc::channel(1);
    let parse = #[with_context]
    async move {
        for line in lines {
            let number: u32 = line.parse().map_err(|_| AppError::Closed)?;
            parsed.send(number).await?;
        }
        Ok::<_, AppError>(())
    };
    let compute = #[with_context]
    async move {
        while let Some(number) = numbers.recv().await {
            computed.send(remote.call(number).await).await?;
        }
        Ok::<_, AppError>(())
    };
    let write = #[with_context]
    async move {
        let mut written = Vec::new();
        while let Some(answer) = answers.recv().await {
            written.push(answer);
        }
        Ok::<_, AppError>(written)
    };
    let ((), (), written) = tokio::try_join!(parse, compute, write)?;
    Ok(written)
}

#[test]
fn a_pipeline_runs_its_stages_at_once() {
    survives(vec![50, 30, 10, 70], async |run: Run| {
        pipeline(
            &run.ctx,
            vec!["5", "3", "1", "7"],
            &Remote::new(&run.live, 2),
        )
        .await
    });
}

/// Many requests, few at once, answers in the order of the requests.
#[with_context]
async fn download(remote: &Remote, parts: u32) -> Result<u32, AppError> {
    let mut answers = stream::iter(0..parts)
        .map(|part| remote.flaky(part, 0))
        .buffered(3);
    let mut digest = 0;
    while let Some(answer) = answers.try_next().await? {
        digest = digest * 3 + answer;
    }
    Ok(digest)
}

#[test]
fn downloads_are_buffered() {
    survives(1_790, async |run: Run| {
        download(&run.ctx, &Remote::new(&run.live, 6), 6).await
    });
}

/// Two subscriptions in one, each value once, until both are closed.
#[with_context]
async fn listen(
    mut feed: broadcast::Receiver<u32>,
    own: mpsc::Receiver<u32>,
) -> Result<(u32, u64), AppError> {
    let theirs = stream::poll_fn({
        let mut own = own;
        move |cx| own.poll_recv(cx)
    });
    let mut theirs = pin!(theirs.fuse());
    let (mut sum, mut missed, mut open) = (0, 0, true);
    loop {
        tokio::select! {
            news = feed.recv(), if open => match news {
                Ok(value) => sum += value,
                Err(broadcast::error::RecvError::Lagged(count)) => missed += count,
                Err(broadcast::error::RecvError::Closed) => open = false,
            },
            Some(value) = theirs.next() => {
                sum += value;
                sleep(Duration::from_millis(8)).await;
            }
            else => return Ok((sum, missed)),
        }
    }
}

#[test]
fn a_listener_counts_what_it_missed() {
    survives(true, async |run: Run| {
        let (news, feed) = broadcast::channel(2);
        let (send, own) = mpsc::channel(4);
        tokio::spawn(async move {
            for value in 0..6 {
                let _ = send.try_send(100);
                sleep(Duration::from_millis(3)).await;
                let _ = news.send(value);
            }
        });
        let (sum, missed) = listen(&run.ctx, feed, own).await?;
        // A slow listener misses some of the numbers, and which depends on the order of two timers.
        Ok(sum >= 400 && missed < 6)
    });
}
