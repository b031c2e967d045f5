#!/usr/bin/env bash
# What `#[with_context]` costs at compile time: `cargo check` of 400 annotated functions with 2,000 awaits,
# next to the same functions with the parameter written by hand. Exits with 1 above 1.3.
#
# The functions call each other, and do what functions of services do between their awaits; BARE=1 takes
# that away and leaves next to nothing but awaits, which is the worst case and has no limit. What is
# counted is processor time, since other programs disturb that least, of a check from scratch
# (CARGO_INCREMENTAL=1: of one that finds its results of last time). Both crates are checked in turns, and
# the best time of each counts. REPETITIONS=n says how often.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
repetitions=${REPETITIONS:-5}
bare=${BARE:-0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=$work/target CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}

# One crate: $1 is its name, $2 the attribute of each function, $3 its first parameter.
generate() {
  mkdir -p "$work/$1/src"
  printf '[package]\nname = "%s"\nversion = "0.0.0"\nedition = "2024"\n\n[dependencies]\nctx = { path = "%s" }\n' \
    "$1" "$root/ctx" >"$work/$1/Cargo.toml"
  {
    cat <<'RUST'
#![allow(dead_code, unused_imports, unused_variables)]
use ctx::{Cancelled, Context, with_context};
struct Conn { rows: Vec<u64> }
impl Conn {
    async fn begin(&mut self) {}
    async fn fetch(&mut self, key: u64) -> Result<u64, Cancelled> { Ok(key + self.rows[0]) }
    async fn store(&mut self, value: u64) { self.rows.push(value) }
}
RUST
    for ((n = 0; n < 400; n++)); do
      last="conn.fetch(sum)"
      ((n % 8 == 0)) || last="step_$((n - 1))(ctx, conn, sum + $n)"
      write_function "$2" "$3" "$n" "$last"
    done
  } >"$work/$1/src/lib.rs"
}

# One function: attribute, first parameter, number, last call.
write_function() {
  cat <<RUST
$1
async fn step_$3($2conn: &mut Conn, key: u64) -> Result<u64, Cancelled> {
    conn.begin().await;
    let mut sum = conn.fetch(key + $3).await?;
    for part in 0..sum % 3 {
        sum += conn.fetch(part).await?;
    }
RUST
  ((bare)) || cat <<'RUST'
    let mut names: Vec<String> =
        conn.rows.iter().filter(|row| **row > key).map(|row| format!("row {row} of {key}")).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let longest = names.first().map_or("none", String::as_str);
    if longest.len() > 20 || names.iter().any(|name| name.contains("100")) {
        println!("found {longest} among {} names", names.len());
    }
    let mut counts = std::collections::HashMap::new();
    for name in &names {
        *counts.entry(name.len()).or_insert(0_u64) += 1;
    }
    match counts.get(&5) {
        Some(count) if *count > sum => return Ok(*count),
        Some(count) => sum = sum.wrapping_add(*count),
        None => sum = sum.wrapping_mul(3),
    }
RUST
  cat <<RUST
    if sum > 100 {
        conn.store(sum).await;
    }
    Ok(sum + $4.await?)
}
RUST
}

# Milliseconds of the processor for one `cargo check` of the crate $1, with all else built before.
check() {
  touch "$work/$1/src/lib.rs"
  local TIMEFORMAT='%3U %3S'
  { time cargo check --quiet --offline -p "$1" 2>"$work/errors"; } 2>&1 | awk '{ printf "%d", ($1 + $2) * 1000 }'
}

generate annotated '#[with_context]' ''
generate by_hand '' 'ctx: &Context, '
printf '[workspace]\nresolver = "3"\nmembers = ["annotated", "by_hand"]\n' >"$work/Cargo.toml"
cp "$root/Cargo.lock" "$work/Cargo.lock"
cd "$work"
awaits=$(grep -c '\.await' annotated/src/lib.rs)
cargo check --quiet --offline

annotated=999999999 by_hand=999999999
for _ in $(seq "$repetitions"); do
  took=$(check annotated)
  ((took >= annotated)) || annotated=$took
  took=$(check by_hand)
  ((took >= by_hand)) || by_hand=$took
done

ratio=$((annotated * 1000 / by_hand))
printf '400 functions, %s awaits, cargo check, best of %s\n' "$awaits" "$repetitions"
printf '  annotated  %6d ms\n  by hand    %6d ms\n' "$annotated" "$by_hand"
printf '  ratio      %d.%03d (limit 1.300)\n' $((ratio / 1000)) $((ratio % 1000))
((bare || ratio <= 1300))
