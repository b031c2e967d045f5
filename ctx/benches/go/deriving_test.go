package ctxbench

import (
	"context"
	"runtime"
	"testing"
	"time"
)

func derive(b *testing.B, parent context.Context) {
	for b.Loop() {
		ctx, cancel := context.WithCancel(parent)
		sinkCtx = ctx
		cancel()
	}
}

func BenchmarkDerive(b *testing.B) { derive(b, parent(b)) }

func BenchmarkDeriveBelowValue(b *testing.B) { derive(b, layers(parent(b), 1, 1)) }

func BenchmarkDeriveDeadline(b *testing.B) {
	parent := parent(b)
	for b.Loop() {
		ctx, cancel := context.WithTimeout(parent, time.Hour)
		sinkCtx = ctx
		cancel()
	}
}

// BenchmarkDeriveTwoThreads reports what one goroutine of the two takes.
func BenchmarkDeriveTwoThreads(b *testing.B) {
	parent := parent(b)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	b.RunParallel(func(pb *testing.PB) {
		var last context.Context
		for pb.Next() {
			ctx, cancel := context.WithCancel(parent)
			last = ctx
			cancel()
		}
		runtime.KeepAlive(last)
	})
	each := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	b.ReportMetric(2*each, "ns/each")
}
