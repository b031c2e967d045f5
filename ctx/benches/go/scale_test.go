package ctxbench

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// sizes runs a benchmark at each size that `benches/scale` asks for.
func sizes(b *testing.B, sizes []int, run func(b *testing.B, size int)) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) { run(b, size) })
	}
}

var (
	decades = []int{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000}
	few     = []int{1, 2, 4, 8, 16, 32, 64, 100}
)

// total reports the whole of a cancel.
func total(waiting bool) func(*testing.B, int) {
	return func(b *testing.B, size int) { cancel(b, size, waiting, 1) }
}

func BenchmarkScaleCancelWaiting(b *testing.B) { sizes(b, decades, total(true)) }

func BenchmarkScaleCancelIdle(b *testing.B) { sizes(b, decades, total(false)) }

// chain returns the lowest of so many contexts, each below the other, and what cancels the highest.
func chain(depth int) (context.Context, context.CancelFunc, []context.CancelFunc) {
	ctx, first := context.WithCancel(context.Background())
	rest := make([]context.CancelFunc, depth-1)
	for n := range rest {
		ctx, rest[n] = context.WithCancel(ctx)
	}
	return ctx, first, rest
}

func BenchmarkScaleCancelChain(b *testing.B) {
	sizes(b, decades, func(b *testing.B, depth int) {
		var total time.Duration
		runs := 0
		for b.Loop() {
			ctx, first, rest := chain(depth + 1)
			done := ctx.Done()
			start := time.Now()
			first()
			total += time.Since(start)
			runs++
			<-done
			for _, stop := range rest {
				stop()
			}
		}
		b.ReportMetric(float64(total.Nanoseconds())/float64(runs), "ns/each")
	})
}

func below(run func(*testing.B, context.Context)) func(*testing.B, int) {
	return func(b *testing.B, depth int) {
		ctx, first, rest := chain(depth)
		run(b, ctx)
		first()
		for _, stop := range rest {
			stop()
		}
	}
}

func BenchmarkScaleErr(b *testing.B) { sizes(b, decades, below(err)) }

func BenchmarkScaleDerive(b *testing.B) { sizes(b, decades, below(derive)) }

func BenchmarkScaleDeadline(b *testing.B) {
	sizes(b, decades, func(b *testing.B, live int) {
		parent, stop := context.WithCancel(context.Background())
		defer stop()
		stops := make([]context.CancelFunc, live)
		for n := range stops {
			_, stops[n] = context.WithTimeout(parent, time.Hour+time.Duration(n)*time.Millisecond)
		}
		for b.Loop() {
			ctx, cancel := context.WithTimeout(parent, time.Hour)
			sinkCtx = ctx
			cancel()
		}
		for _, stop := range stops {
			stop()
		}
	})
}

func BenchmarkScaleValueHit(b *testing.B) {
	sizes(b, few, func(b *testing.B, n int) { value(b, layers(parent(b), n, min(n, 20)), 0) })
}

func BenchmarkScaleValueMiss(b *testing.B) {
	sizes(b, few, func(b *testing.B, n int) { value(b, layers(parent(b), n, min(n, 20)), missing) })
}

func BenchmarkScaleKeysHit(b *testing.B) {
	sizes(b, few, func(b *testing.B, n int) { value(b, layers(parent(b), n, n), 0) })
}

func BenchmarkScaleWithValue(b *testing.B) { sizes(b, few, withValue) }
