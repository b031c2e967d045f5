package ctxbench

import (
	"context"
	"testing"
)

func value(b *testing.B, ctx context.Context, wanted key) {
	for b.Loop() {
		sinkAny = ctx.Value(wanted)
	}
}

const missing = key(1_000)

func BenchmarkValueHit100(b *testing.B) { value(b, layers(parent(b), 100, 20), 0) }

func BenchmarkValueMiss100(b *testing.B) { value(b, layers(parent(b), 100, 20), missing) }

func withValue(b *testing.B, inView int) {
	ctx, n := layers(parent(b), inView-1, inView-1), uint64(1_000)
	for b.Loop() {
		n++
		sinkCtx = context.WithValue(ctx, key(inView-1), n)
	}
}

func BenchmarkWithValue4(b *testing.B) { withValue(b, 4) }

func BenchmarkWithValue20(b *testing.B) { withValue(b, 20) }
