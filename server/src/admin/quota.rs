//! The administrator's view of what a device has brought today.

use doorstep_domain::UnixMs;

use super::Admin;
pub use crate::quota::{QuotaOf, QuotaRow};
use crate::{AdminError, quota};

impl Admin {
    /// Returns what the device whose id begins with `prefix` has brought today, with its quotas.
    pub fn quota(&self, prefix: &str, now: UnixMs) -> Result<QuotaRow, AdminError> {
        let device = self.device(prefix)?;
        self.db.read(|tx| Ok(quota::of_device(tx, &self.rules, &device, now)?))
    }

    /// Gives the device whose id begins with `prefix` the day's quotas once more, and ends its wait.
    pub fn lift_quota(&mut self, prefix: &str, now: UnixMs) -> Result<QuotaRow, AdminError> {
        let device = self.device(prefix)?;
        self.db.write(|tx| {
            quota::lift(tx, &self.rules, &device, now)?;
            Ok(quota::of_device(tx, &self.rules, &device, now)?)
        })
    }
}
