//! Panics and memory. libFuzzer sees time (`-timeout`) and, once a second, memory (`-rss_limit_mb`).

use std::{
    alloc::{GlobalAlloc, Layout, System},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// Most bytes that one input may hold in Rust's heap at a time. An allocation past it fails, which aborts; so a few bytes that
/// ask for much are found also when they give it back within libFuzzer's second.
const MOST: usize = 64 * 1024 * 1024;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

struct Bounded;

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

/// Counts `more` bytes, unless they are too many.
fn take(more: usize) -> bool {
    let fits = LIVE.fetch_add(more, Relaxed).saturating_add(more) <= MOST;
    if !fits {
        LIVE.fetch_sub(more, Relaxed);
    }
    fits
}

// SAFETY: every call is the system allocator's own; only counting is added, and null is what a failed allocation returns.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if take(layout.size()) { unsafe { System.alloc(layout) } } else { std::ptr::null_mut() }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if take(layout.size()) { unsafe { System.alloc_zeroed(layout) } } else { std::ptr::null_mut() }
    }
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !take(size) {
            return std::ptr::null_mut();
        }
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(place, layout, size) }
    }
}

/// Once, before the first input: libFuzzer's own panic hook aborts, also on the panics of Automerge that the core catches and
/// turns into an error. This one only remembers, so that [`fenced`] can tell.
pub fn prepare() {
    std::panic::set_hook(Box::new(|panic| {
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
}

/// Runs one input. A panic that gets here was caught by nobody: it is printed, and aborts.
pub fn fenced(run: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(run)).is_err() {
        eprintln!("{}", LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner));
        std::process::abort();
    }
}
