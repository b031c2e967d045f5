#!/usr/bin/env bash
# Runs the rows here and in Go, and prints one table. Go's side needs a `go` of 1.24 or newer on the PATH;
# without one it says that it skips Go. Arguments go to the rows, such as a part of a title.
# `compare.sh --write` runs everything in full, and renders it into docs/performance.md and docs/scale.svg;
# `compare.sh --quick` runs everything once over, to see that it does.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}

version=$(go env GOVERSION 2>/dev/null || true)
if [ -z "$version" ]; then
  echo "Go is skipped: there is no go on the PATH"
elif ! printf 'go1.24\n%s\n' "$version" | sort -V -C; then
  echo "Go is skipped: $version is older than go1.24"
else
  mkdir -p "$target/bench"
  # The toolchain that is here, and not one that it would download.
  (cd ctx/benches/go && GOTOOLCHAIN=local GOFLAGS= go test -c -o "$target/bench/go.test" .)
  export CTX_BENCH_GO="$target/bench/go.test" CTX_BENCH_GO_VERSION="$version"
  echo "comparing with $version"
fi

if [ "${1:-}" = --quick ]; then
  cargo bench -p ctx --bench cost -- --quick
  cargo bench -p ctx --bench scale -- --quick
elif [ "${1:-}" = --write ]; then
  cargo bench -p ctx --bench cost
  cargo bench -p ctx --bench scale
  cargo bench -p ctx --bench cost -- --write
  cargo bench -p ctx --bench scale -- --write
else
  cargo bench -p ctx --bench cost -- "$@"
fi
