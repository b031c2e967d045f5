// The rows of `benches/cost`, in Go: a benchmark here bears the name by which a row there asks for it.
package ctxbench

import (
	"context"
	"errors"
	"testing"
	"time"
)

var (
	sinkErr error
	sinkAny any
	sinkCtx context.Context
)

// key is a type of its own for each key, as Go's documentation asks for.
type key int

// parent is a live context that somebody can cancel.
func parent(b *testing.B) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	return ctx
}

func child(b *testing.B, of context.Context) context.Context {
	ctx, cancel := context.WithCancel(of)
	b.Cleanup(cancel)
	return ctx
}

// layers puts so many values on ctx: the first key once, at the bottom, and the others in turn above it.
func layers(ctx context.Context, layers, keys int) context.Context {
	for n := range layers {
		at := 0
		if n > 0 && keys > 1 {
			at = 1 + (n-1)%(keys-1)
		}
		ctx = context.WithValue(ctx, key(at), uint64(n))
	}
	return ctx
}

func err(b *testing.B, ctx context.Context) {
	for b.Loop() {
		sinkErr = ctx.Err()
	}
}

func BenchmarkErrRoot(b *testing.B) { err(b, parent(b)) }

func BenchmarkErr(b *testing.B) { err(b, child(b, parent(b))) }

func BenchmarkErrBehind16Values(b *testing.B) { err(b, layers(parent(b), 16, 1)) }

func BenchmarkErrDepth1000(b *testing.B) {
	ctx := parent(b)
	for range 999 {
		ctx = child(b, ctx)
	}
	err(b, ctx)
}

func BenchmarkErrCancelled(b *testing.B) {
	ctx, cancel := context.WithCancel(parent(b))
	cancel()
	err(b, ctx)
}

func BenchmarkErrDeadline(b *testing.B) {
	ctx, cancel := context.WithTimeout(parent(b), time.Hour)
	defer cancel()
	err(b, ctx)
}

// BenchmarkCauseCancelled asks for what one of our errors holds: that it has ended, and why.
func BenchmarkCauseCancelled(b *testing.B) {
	ctx, cancel := context.WithCancelCause(parent(b))
	cancel(errors.New("client disconnected"))
	for b.Loop() {
		sinkErr = ctx.Err()
		sinkErr = context.Cause(ctx)
	}
}

// BenchmarkSelectReady awaits what is ready, as Go does.
func BenchmarkSelectReady(b *testing.B) {
	ctx, ready := parent(b), make(chan int)
	close(ready)
	for b.Loop() {
		select {
		case <-ctx.Done():
		case <-ready:
		}
	}
}
