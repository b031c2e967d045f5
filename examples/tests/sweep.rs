//! The examples under every cancellation there is.
#![cfg(feature = "testing")]

use ctx::{
    Cancelled, Context, Instant,
    testing::{CancelAt, Half, cancel_at_every_checkpoint},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::spawn_blocking};

#[expect(dead_code, reason = "its `main` is the example's")]
#[path = "../request.rs"]
mod request;
#[expect(dead_code, reason = "its `main` is the example's")]
#[path = "../tree.rs"]
mod tree;

// These find each other at the root, as in the program.
#[path = "../digest/hash.rs"]
mod hash;
#[expect(dead_code, reason = "the bar is not drawn here")]
#[path = "../digest/progress.rs"]
mod progress;
#[path = "../digest/walk.rs"]
mod walk;

/// Wherever the request ends, a room that was reserved is paid for or given back.
#[test]
fn request_gives_the_room_back_wherever_it_ends() {
    let sweep = cancel_at_every_checkpoint(|ctx| async move {
        let begin = Instant::now();
        let booked = request::book(&ctx, "Lisbon").await;
        (booked, begin.elapsed())
    });
    let (reserve, pay, give_back) = (ms(50), ms(500), ms(50));
    // The call that reserves, and the sleep in each call; the cleanup cannot be cancelled.
    assert_eq!(sweep.checkpoints(), 3);
    let took: Vec<_> = sweep.iter().map(|run| run.output().1).collect();
    assert_eq!(
        took,
        [
            reserve + pay,
            // Before there is a room: at the call, and at its sleep, and in that.
            ms(0),
            ms(0),
            ms(0),
            // With a room, which is given back.
            reserve + give_back,
            reserve + give_back,
        ]
    );
    for run in &sweep {
        let noticed_at = run
            .output()
            .0
            .as_ref()
            .err()
            .and_then(Cancelled::noticed_at);
        assert_eq!(noticed_at, run.cancelled_at(), "{run}");
    }
}

/// Its only checkpoint waits for ever, so there is no undisturbed run to start from.
#[tokio::test]
async fn tree_is_told_at_the_await_where_it_waits() {
    for half in [Half::Start, Half::Pending] {
        let ctx = CancelAt::below(&Context::background());
        ctx.cancel_at(1, half);
        let told = tree::wait_forever(&ctx).await.unwrap_err();
        assert_eq!(told.noticed_at(), ctx.cancelled_at());
        assert!(told.noticed_at().unwrap().file().ends_with("tree.rs"));
    }
}

/// What the walk has found when it stops is the beginning of what there is.
#[test]
fn digest_walks_in_order_until_it_is_stopped() {
    let dir = tree_of(&["a.txt", "a/b", "a/c/d", "a0"]);
    let sweep = cancel_at_every_checkpoint(|ctx| {
        let paths = [dir.path().to_owned()];
        async move {
            let mut found = Vec::new();
            let mut visit = |it: walk::Found| found.extend(it.ok());
            let walk = walk::Walk {
                sorted: true,
                visit: &mut visit,
            };
            (walk_of(walk, &ctx, &paths), found)
        }
    });
    let (_, all) = sweep.iter().next().unwrap().output();
    assert_eq!(all.len(), 4);
    for run in &sweep {
        let (outcome, found) = run.output();
        assert!(all.starts_with(found), "{run}: {found:?}");
        assert_eq!(outcome.is_err(), run.cancelled_at().is_some(), "{run}");
    }
    assert!(sweep.checkpoints() > 10);
}

fn walk_of(mut walk: walk::Walk<'_>, ctx: &Context, paths: &[PathBuf]) -> Result<(), Cancelled> {
    walk.paths(ctx, paths)
}

/// The readers on their threads, beside the walk: a hash that is given is the right one, whenever they are
/// stopped, and nobody hangs.
#[test]
fn digest_gives_no_wrong_hash_wherever_it_is_stopped() {
    let dir = tree_of(&["a", "b", "c"]);
    let sweep = cancel_at_every_checkpoint(|ctx| {
        let dir = dir.path().to_owned();
        async move { hash_all(&ctx, dir).await }
    });
    let undisturbed = sweep.iter().next().unwrap().output();
    assert_eq!(undisturbed.len(), 3);
    for run in &sweep {
        let hashes = run.output();
        assert!(undisturbed.starts_with(hashes), "{run}: {hashes:?}");
    }
    // For each file one look before it is opened, and one before each of two reads.
    let file = |run: &&ctx::testing::Run<_>| {
        run.cancelled_at()
            .is_some_and(|at| at.file().ends_with("hash.rs"))
    };
    assert_eq!(sweep.iter().filter(file).count(), 3 * 3);
}

/// The files' hashes, in the order of the walk, as far as they are given.
async fn hash_all(ctx: &Context, dir: PathBuf) -> Vec<hash::Hash> {
    let progress = Arc::new(progress::Progress::new());
    let (jobs, queue) = mpsc::channel();
    let queue = Arc::new(Mutex::new(queue));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (ctx, queue, progress) = (ctx.clone(), Arc::clone(&queue), Arc::clone(&progress));
            spawn_blocking(move || hash::work(&ctx, &queue, &progress))
        })
        .collect();
    let walking = ctx.clone();
    let walk = spawn_blocking(move || {
        let mut answers = Vec::new();
        let mut give_out = |found: walk::Found| {
            let (answer, hash) = oneshot::channel();
            let path = found.unwrap_or_else(|it| panic!("{}: {}", it.path.display(), it.error));
            let _ = jobs.send(hash::Job { path, answer });
            answers.push(hash);
        };
        let walk = walk::Walk {
            sorted: true,
            visit: &mut give_out,
        };
        let _ = walk_of(walk, &walking, &[dir]);
        answers
    });
    let answers = walk.await.unwrap();
    for reader in readers {
        let _ = reader.await.unwrap();
    }
    let given = answers.into_iter().map(|mut hash| hash.try_recv());
    given.map_while(Result::ok).map(Result::unwrap).collect()
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A directory with these files, each with its own name in it.
fn tree_of(files: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path: &Path = &dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    dir
}
