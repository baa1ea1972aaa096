//! Clocks of the device.

use doorstep_domain::{BootId, UnixMs};
use doorstep_store::Clocks;

/// The device's clocks. A trait, so that a demo and tests can control time.
pub trait Clock: Send + Sync {
    /// Wall clock, monotonic clock and boot, read together.
    fn read(&self) -> Clocks;
    /// The zone, as quarter hours east of UTC.
    fn zone_quarters(&self) -> i8;
}

/// The operating system's clocks. The monotonic clock counts sleep (`CLOCK_BOOTTIME`), because otherwise a phone in a pocket
/// would lose hours. These clocks distinguish boots only on Linux and Android; on other systems a host passes its own [`Clock`]
/// that does.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    boot: BootId,
}

impl SystemClock {
    /// Reads the boot mark once. On Linux and Android it comes from the kernel, stays the same when the app is killed, and does
    /// not derive from the wall clock. On other systems it is random for each `SystemClock`, so times are proven only after its
    /// first contact with the server.
    pub fn new() -> Self {
        let boot = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: Vec<u8> = boot.iter().copied().filter(u8::is_ascii_hexdigit).take(8).collect();
        let mark = std::str::from_utf8(&digits).ok().and_then(|text| u32::from_str_radix(text, 16).ok());
        // Without the kernel's mark each instance counts as its own boot, so that no times of different boots are compared.
        let mark = mark.unwrap_or_else(|| {
            let mut bytes = [0; 4];
            getrandom::fill(&mut bytes).ok();
            u32::from_be_bytes(bytes)
        });
        Self { boot: BootId(mark.to_be_bytes()) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the edge: this is where clocks are read")]
    fn read(&self) -> Clocks {
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let id = rustix::time::ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let id = rustix::time::ClockId::Monotonic;
        let mono = rustix::time::clock_gettime(id);
        let mono_ms = u64::try_from(mono.tv_sec).unwrap_or(0) * 1000 + u64::try_from(mono.tv_nsec).unwrap_or(0) / 1_000_000;
        Clocks { wall: UnixMs(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)), mono_ms, boot: self.boot }
    }

    fn zone_quarters(&self) -> i8 {
        let seconds = chrono::Local::now().offset().local_minus_utc();
        i8::try_from(seconds / 900).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn the_boots_mark_is_the_kernels_and_the_same_after_the_app_was_killed() {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let (one, another) = (SystemClock::new().read(), SystemClock::new().read());
        let BootId(mark) = one.boot;
        assert_eq!(format!("{:08x}", u32::from_be_bytes(mark)), kernel.get(..8).unwrap());
        assert_eq!(one.boot, another.boot);
        assert!(one.mono_ms <= another.mono_ms);
    }
}
