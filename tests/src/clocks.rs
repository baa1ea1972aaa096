//! Clocks that a scenario owns.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use doorstep_client::Clock;
use doorstep_domain::{BootId, UnixMs};
use doorstep_server::NowFn;
use doorstep_store::Clocks;

/// True time, moved by hand, and how far the server's clock is off it.
#[derive(Clone)]
pub struct Hands(Arc<AtomicI64>, Arc<AtomicI64>);

impl Hands {
    /// Starts at a moment.
    pub fn at(start: UnixMs) -> Self {
        Self(Arc::new(AtomicI64::new(start.0)), Arc::default())
    }
    /// The true time.
    pub fn now(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::SeqCst))
    }
    /// Moves time on.
    pub fn advance(&self, minutes: i64) {
        self.0.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }
    /// The server's clock.
    pub fn server(&self) -> NowFn {
        let hands = self.clone();
        Arc::new(move || hands.server_now())
    }
    /// What it says.
    pub fn server_now(&self) -> UnixMs {
        self.now().plus(self.1.load(Ordering::SeqCst))
    }
    /// Puts the server's clock so many minutes ahead of the true time.
    pub fn put_server_ahead(&self, minutes: i64) {
        self.1.store(minutes * 60_000, Ordering::SeqCst);
    }
}

/// A device's clock. Its wall may be off; its monotonic clock is right, unless its owner moves it.
pub struct TestClock {
    hands: Hands,
    /// How far the wall clock is off, milliseconds.
    pub wall_off: AtomicI64,
    /// How far the monotonic clock was moved, milliseconds.
    mono_off: AtomicI64,
    /// Which boot; a reboot loses every anchor.
    pub boot: AtomicI64,
    start: UnixMs,
}

impl TestClock {
    /// A clock that is off by so many minutes.
    pub fn off_by(hands: &Hands, minutes: i64, boot: i64) -> Arc<Self> {
        Arc::new(Self {
            hands: hands.clone(),
            wall_off: AtomicI64::new(minutes * 60_000),
            mono_off: AtomicI64::new(0),
            boot: AtomicI64::new(boot),
            start: hands.now().plus(-3_600_000),
        })
    }

    /// Starts the device anew: another boot, whose monotonic clock begins at nothing.
    pub fn restart(&self) {
        // The boots of a world's devices are numbered from 1.
        self.boot.fetch_add(1_000, Ordering::SeqCst);
        self.mono_off.store(self.start.since(self.hands.now()), Ordering::SeqCst);
    }

    /// Moves the monotonic clock on by so many minutes, or back, in the same boot: what `unshare --boottime` does to a process.
    pub fn raise(&self, minutes: i64) {
        self.mono_off.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn read(&self) -> Clocks {
        let now = self.hands.now();
        let boot = self.boot.load(Ordering::SeqCst) as u32;
        Clocks {
            wall: now.plus(self.wall_off.load(Ordering::SeqCst)),
            mono_ms: u64::try_from(now.since(self.start) + self.mono_off.load(Ordering::SeqCst)).unwrap_or(0),
            boot: BootId(boot.to_be_bytes()),
        }
    }
    fn zone_quarters(&self) -> i8 {
        32
    }
}
