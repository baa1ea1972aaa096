//! The device's clocks in a sending of version 2.

use doorstep_domain::{BootId, Clocks, UnixMs};
use minicbor::{Decode, Encode};

/// The device's clocks, which relate its monotonic times to the server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BatchClock {
    /// Wall clock, milliseconds since 1970.
    #[n(0)]
    pub wall_ms: i64,
    /// Monotonic clock, milliseconds.
    #[n(1)]
    pub mono_ms: u64,
    /// Mark of the boot.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub boot: [u8; 4],
}

impl BatchClock {
    /// Converts the core's clocks to their wire form.
    pub fn of(clocks: &Clocks) -> Self {
        Self { wall_ms: clocks.wall.0, mono_ms: clocks.mono_ms, boot: clocks.boot.0 }
    }

    /// The clocks in the core's type.
    pub fn clocks(&self) -> Clocks {
        Clocks { wall: UnixMs(self.wall_ms), mono_ms: self.mono_ms, boot: BootId(self.boot) }
    }
}
