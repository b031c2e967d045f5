#!/usr/bin/env bash
# What `#[with_context]` costs at compile time: `cargo check` of 400 annotated functions with 2,000 awaits,
# next to the same functions with the parameter written by hand. Exits with 1 above 1.3.
#
# Both crates are checked in turns, so that a noisy neighbour hits them alike, and the best time of each
# counts. REPETITIONS=n changes how often.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
repetitions=${REPETITIONS:-7}
work=$(mktemp -d)
[ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT; echo $work

# One crate: $1 is its name, $2 the attribute of each function, $3 the first parameter.
generate() {
  mkdir -p "$work/$1/src"
  cat >"$work/$1/Cargo.toml" <<TOML
[package]
name = "$1"
version = "0.0.0"
edition = "2024"

[dependencies]
ctx = { path = "$root/ctx" }
TOML
  awk -v attribute="$2" -v parameter="$3" '
    BEGIN {
      print "#![allow(dead_code, unused_variables, unused_imports)]"
      print "use ctx::{Cancelled, Context, with_context};"
      print "struct Conn { rows: Vec<u64> }"
      print "impl Conn {"
      print "    async fn begin(&mut self) {}"
      print "    async fn fetch(&mut self, key: u64) -> Result<u64, Cancelled> { Ok(key + self.rows.len() as u64) }"
      print "    async fn store(&mut self, value: u64) { self.rows.push(value) }"
      print "}"
      for (n = 0; n < 400; n++) {
        callee = n % 8 ? sprintf("step_%d(ctx, conn, value + %d).await?", n - 1, n) : "conn.fetch(value).await?"
        print attribute
        printf "async fn step_%d(%sconn: &mut Conn, key: u64) -> Result<u64, Cancelled> {\n", n, parameter
        print "    conn.begin().await;"
        printf "    let value = conn.fetch(key + %d).await?;\n", n
        print "    let mut sum = value;"
        print "    for part in 0..value % 3 {"
        print "        sum += conn.fetch(part).await?;"
        print "    }"
        print "    if sum > 100 {"
        print "        conn.store(sum).await;"
        print "    }"
        printf "    Ok(sum + %s)\n}\n", callee
      }
    }' >"$work/$1/src/lib.rs"
}

# Milliseconds of one `cargo check` of the crate $1, with all else built before.
check() {
  touch "$work/$1/src/lib.rs"
  local start end
  start=$(date +%s%N)
  cargo check --quiet --offline -p "$1"
  end=$(date +%s%N)
  echo $(((end - start) / 1000000))
}

generate annotated '#[with_context]' ''
generate by_hand '' 'ctx: \\&Context, '
sed -i 's/\\&Context/\&Context/' "$work/by_hand/src/lib.rs"
printf '[workspace]\nresolver = "3"\nmembers = ["annotated", "by_hand"]\n' >"$work/Cargo.toml"
cp "$root/Cargo.lock" "$work/Cargo.lock"
export CARGO_TARGET_DIR=$work/target CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-1}
cd "$work"
awaits=$(grep -c '\.await' annotated/src/lib.rs)
cargo check --quiet --offline

best_annotated=999999999 best_by_hand=999999999
for _ in $(seq "$repetitions"); do
  time=$(check annotated)
  if ((time < best_annotated)); then best_annotated=$time; fi
  time=$(check by_hand)
  if ((time < best_by_hand)); then best_by_hand=$time; fi
done

ratio=$((best_annotated * 1000 / best_by_hand))
printf '400 functions, %s awaits, cargo check, best of %s\n' "$awaits" "$repetitions"
printf '  annotated  %6d ms\n  by hand    %6d ms\n' "$best_annotated" "$best_by_hand"
printf '  ratio      %d.%03d (at most 1.300)\n' $((ratio / 1000)) $((ratio % 1000))
((ratio <= 1300))
