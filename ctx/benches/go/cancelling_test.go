package ctxbench

import (
	"context"
	"sync"
	"testing"
	"time"
)

// cancel reports what the cancel of a parent takes, divided by `each`. A child that is waited for has a
// goroutine at its Done, and the figure is cancel's own: the goroutines run after it.
func cancel(b *testing.B, children int, waiting bool, each int) {
	var total time.Duration
	runs := 0
	for b.Loop() {
		parent, end := context.WithCancel(context.Background())
		kept, stops := make([]context.Context, children), make([]func(), children)
		var ready, done sync.WaitGroup
		for n := range kept {
			kept[n], stops[n] = context.WithCancel(parent)
			if waiting {
				ready.Add(1)
				done.Add(1)
				go func() {
					channel := kept[n].Done()
					ready.Done()
					<-channel
					done.Done()
				}()
			}
		}
		ready.Wait()
		start := time.Now()
		end()
		total += time.Since(start)
		runs++
		done.Wait()
		for _, stop := range stops {
			stop()
		}
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(runs*each), "ns/each")
}

func BenchmarkCancelWaiting100000(b *testing.B) { cancel(b, 100_000, true, 100_000) }

func BenchmarkCancelIdle100000(b *testing.B) { cancel(b, 100_000, false, 100_000) }
