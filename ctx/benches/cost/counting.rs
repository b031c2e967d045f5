//! Allocations, counted.
//!
//! The counter stands under every row of this benchmark, on every side alike; while nobody counts it is one
//! load and a branch for each allocation.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{
        AtomicBool, AtomicUsize,
        Ordering::{Relaxed, SeqCst},
    },
};

struct Counting;

static ON: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to the system's allocator as it came, and counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Relaxed: one thread counts, and it is the one that switches this on.
        if ON.load(Relaxed) {
            ALLOCATIONS.fetch_add(1, Relaxed);
            BYTES.fetch_add(layout.size(), Relaxed);
        }
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

pub(crate) struct Count {
    pub(crate) allocations: f64,
    /// What was asked for, which is less than what the allocator takes for it.
    pub(crate) bytes: f64,
}

/// What `act` gives, and what it allocated. No other thread may run meanwhile.
#[expect(clippy::cast_precision_loss, reason = "figures are for reading")]
pub(crate) fn counted<R>(act: impl FnOnce() -> R) -> (R, Count) {
    let before = (ALLOCATIONS.load(SeqCst), BYTES.load(SeqCst));
    ON.store(true, SeqCst);
    let result = act();
    ON.store(false, SeqCst);
    let count = Count {
        allocations: (ALLOCATIONS.load(SeqCst) - before.0) as f64,
        bytes: (BYTES.load(SeqCst) - before.1) as f64,
    };
    (result, count)
}
