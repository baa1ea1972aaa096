//! The story's time: a file with the hour in it, moved by the stage, read by every process.

use std::{fs, io, os::unix::fs::FileExt, path::Path, sync::Arc};

use doorstep_client::Clock;
use doorstep_domain::{BootId, UnixMs};
use doorstep_store::Clocks;

/// Monday 2026-03-02, 00:00 in Asia/Shanghai.
pub const MONDAY: UnixMs = UnixMs(1_772_380_800_000);

/// The hour hand. Eight bytes, written and read in one call each.
pub struct StoryClock(fs::File);

impl StoryClock {
    /// Opens the clock file; makes it if it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map(Self)
    }
    /// Moves the hand.
    pub fn set(&self, now: UnixMs) -> io::Result<()> {
        self.0.write_all_at(&now.0.to_le_bytes(), 0)
    }
    /// Reads the hand.
    pub fn now(&self) -> UnixMs {
        let mut bytes = [0; 8];
        // A clock that can not be read shows the first hour; the verification would fail loudly.
        self.0.read_exact_at(&mut bytes, 0).map_or(MONDAY, |()| UnixMs(i64::from_le_bytes(bytes)))
    }
}

/// A device's clocks in the story: the wall may be off, the monotonic one never is, and it survives a killed process as a
/// phone's does.
pub struct DeviceClock {
    /// The story's time.
    pub story: StoryClock,
    /// How far the wall clock is off, milliseconds.
    pub wall_off_ms: i64,
    /// The boot.
    pub boot: u32,
}

impl Clock for DeviceClock {
    fn read(&self) -> Clocks {
        let now = self.story.now();
        Clocks {
            wall: now.plus(self.wall_off_ms),
            mono_ms: u64::try_from(now.since(MONDAY)).unwrap_or(0),
            boot: BootId(self.boot.to_be_bytes()),
        }
    }
    fn zone_quarters(&self) -> i8 {
        32
    }
}

/// A device's clock as the client takes it.
pub fn of_device(path: &Path, wall_off_minutes: i64, boot: u32) -> io::Result<Arc<DeviceClock>> {
    Ok(Arc::new(DeviceClock { story: StoryClock::open(path)?, wall_off_ms: wall_off_minutes * 60_000, boot }))
}
