//! How much a server takes of one device in one day of the network. The network sets it in the policy, and only a server uses it.

use serde::{Deserialize, Serialize};

/// The policy with sheets plus quotas. A server whose own policy names no quotas takes them from here.
pub const QUOTAS_POLICY: &[u8] = include_bytes!("../policies/policy-3.json");

/// The largest value of a quota: a petabyte, or as many changes.
const MOST: u64 = 1 << 50;

/// What one device may bring in one day. Beyond a quota the server takes the rest more slowly; it refuses nothing for good.
///
/// The values of [`QUOTAS_POLICY`] let a device deliver on one day what it recorded in three weeks without a network, and were
/// chosen from these numbers:
///
/// - photos: 21 days with 100 problem parcels and three photos each, of at most 300,000 bytes as they are sent (1.9 GB);
/// - changes: 21 days with 100 problem parcels of 9 changes each (18,900);
/// - refused bytes: a policy that wrongly refuses every change of these three weeks, of 3 KiB each (58 MB);
/// - waybills in no list: 21 days with 23 of them, about a quarter of a day's problem parcels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quotas {
    /// Bytes of photos and thumbnails.
    pub photo_bytes: u64,
    /// Changes that come in batches, accepted or not.
    pub changes: u64,
    /// Bytes of changes that are stored without being accepted: refused ones, ones that wait for others, and ones that came before.
    pub refused_bytes: u64,
    /// New cases whose waybill is in no list of head office.
    pub unlisted_cases: u64,
}

impl Quotas {
    /// The fault of values that no server can use.
    pub(crate) fn fault(&self) -> Option<String> {
        let named = [
            (self.photo_bytes, "photo_bytes"),
            (self.changes, "changes"),
            (self.refused_bytes, "refused_bytes"),
            (self.unlisted_cases, "unlisted_cases"),
        ];
        let outside = named.into_iter().find(|(value, _)| !(1..=MOST).contains(value));
        outside.map(|(_, name)| format!("quotas.{name} outside 1 to {MOST}"))
    }
}
