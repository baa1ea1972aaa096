//! The values of the operator's page that the database has. They are read when the page is asked for, in one view.

use doorstep_domain::{SmsState, UnixMs};

use crate::{
    devices::{self, Unsent},
    error::ApiError,
    store::{docs, messages, quarantine, tx::Tx},
};

/// The values of one view.
pub(crate) struct Gauges {
    /// The number of cases with changes that are not projected.
    pub unprojected: u64,
    /// The age of the oldest such change.
    pub unprojected_seconds: u64,
    /// The number of SMS in each state.
    pub sms: Vec<(SmsState, u64)>,
    /// The number of undecided changes in quarantine.
    pub quarantined: u64,
    pub unsent: Unsent,
}

/// Reads the values.
pub(crate) fn read(tx: &Tx<'_>, now: UnixMs) -> Result<Gauges, ApiError> {
    let (unprojected, since) = docs::unprojected(tx)?;
    Ok(Gauges {
        unprojected,
        unprojected_seconds: since.map_or(0, |since| seconds(now.since(since))),
        sms: messages::by_state(tx)?,
        quarantined: quarantine::count_open(tx)?,
        unsent: devices::unsent(tx, now)?,
    })
}

/// Whole seconds. A time ahead of the clock has the age 0.
fn seconds(ms: i64) -> u64 {
    u64::try_from(ms / 1000).unwrap_or(0)
}
