#!/usr/bin/env bash
# How long a cold debug build takes of a small program on ctx, beside the same on tokio-util and tokio's
# macros, in turn. Both ask for the same features of tokio, and both lock what this repository locks.
# `build.sh 5` takes five rounds; the rows of benches/cost take three. It prints a line for each round,
# `round <ours> <theirs>` in seconds, and the ratio of the medians.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-3}
# A folder under the target directory, which cargo may have been told to put elsewhere.
folder="${CARGO_TARGET_DIR:-$PWD/target}/bench/build"
repository=$PWD
mkdir -p "$folder/ours/src" "$folder/theirs/src"

for program in ours theirs; do
  cp Cargo.lock "$folder/$program/Cargo.lock"
  cat >"$folder/$program/Cargo.toml" <<END
[package]
name = "small"
version = "0.1.0"
edition = "2024"

[workspace]

[dependencies]
tokio = { version = "1.47", features = ["rt", "time", "macros"] }
END
done
echo "ctx = { path = \"$repository/ctx\" }" >>"$folder/ours/Cargo.toml"
echo 'tokio-util = { version = "0.7", features = ["rt"] }' >>"$folder/theirs/Cargo.toml"

cat >"$folder/ours/src/main.rs" <<'END'
use ctx::{Cancelled, Context, with_context};
use std::time::Duration;

#[with_context]
async fn work(steps: u32) -> Result<u32, Cancelled> {
    for _ in 0..steps {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(steps)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let scope = Context::background().with_cancel();
    let task = tokio::spawn(async move { work(&scope, 3).await });
    println!("{:?}", task.await.unwrap().ok());
}
END
cat >"$folder/theirs/src/main.rs" <<'END'
use std::time::Duration;
use tokio_util::sync::CancellationToken;

async fn work(token: &CancellationToken, steps: u32) -> Option<u32> {
    for _ in 0..steps {
        tokio::select! {
            () = token.cancelled() => return None,
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
    }
    Some(steps)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let token = CancellationToken::new();
    let task = tokio::spawn(async move { work(&token, 3).await });
    println!("{:?}", task.await.unwrap());
}
END

# What is not at hand is fetched before the clock starts.
for program in ours theirs; do
  cargo fetch --quiet --offline --manifest-path "$folder/$program/Cargo.toml" 2>/dev/null ||
    cargo fetch --quiet --manifest-path "$folder/$program/Cargo.toml"
done

seconds() {
  rm -rf "$folder/$1/target"
  local start end
  start=$(date +%s%N)
  CARGO_TARGET_DIR="$folder/$1/target" \
    cargo build --quiet --offline --manifest-path "$folder/$1/Cargo.toml"
  end=$(date +%s%N)
  awk -v ns=$((end - start)) 'BEGIN { printf "%.3f", ns / 1e9 }'
}

for _ in $(seq "$rounds"); do
  echo "round $(seconds ours) $(seconds theirs)"
done | tee "$folder/rounds.txt"
median() {
  cut -d' ' -f"$1" "$folder/rounds.txt" | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}
awk -v ours="$(median 2)" -v theirs="$(median 3)" \
  'BEGIN { printf "ctx %.2f s, tokio-util %.2f s: %.2f x\n", ours, theirs, ours / theirs }'
