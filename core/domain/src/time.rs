//! When something happened, as far as it can be known (protocol design, section 11).
//!
//! Wall clocks never gate or order a merge. An entry carries the device's wall time together with what lets others check
//! it: the monotonic clock, the boot it belongs to and the last server time seen in that boot.

use std::fmt;

use serde::Serialize;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// This time plus `ms` milliseconds, saturating.
    pub fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
    /// Milliseconds from `earlier` to this time, saturating.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// One boot of one device, as a short random mark: monotonic times compare only within it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct BootId(pub [u8; 4]);

/// A server time together with the monotonic time at which this device learned it, in the same boot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// The server's clock.
    pub server: UnixMs,
    /// This device's monotonic clock at that moment, in milliseconds.
    pub mono_ms: u64,
}

/// What an entry says about its own time. 28 bytes in a document, see [`TimeEvidence::to_bytes`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeEvidence {
    /// The device's wall clock, which may be hours off.
    pub wall: UnixMs,
    /// The device's zone as quarter hours east of UTC, -64..=63 in practice.
    pub zone_quarters: i8,
    /// The device's monotonic clock (it counts sleep), in milliseconds.
    pub mono_ms: u64,
    /// The boot that `mono_ms` counts from.
    pub boot: BootId,
    /// The last server time seen in this boot, if any.
    pub anchor: Option<Anchor>,
}

/// 48 bits, and 40 bits, of milliseconds: the years 10889 and 34 of uptime.
const MAX_48: u64 = (1 << 48) - 1;
const MAX_40: u64 = (1 << 40) - 1;

impl TimeEvidence {
    /// The layout, big-endian: flags 1 (bit 0: has an anchor), wall 6, zone 1, mono 5, boot 4, anchor's server time 6,
    /// anchor's mono 5. Times outside their width are clamped; without an anchor its bytes are zero.
    pub fn to_bytes(&self) -> [u8; 28] {
        let anchor = self.anchor.unwrap_or(Anchor { server: UnixMs(0), mono_ms: 0 });
        let mut out = Vec::with_capacity(28);
        out.push(u8::from(self.anchor.is_some()));
        push_uint(&mut out, clamp(self.wall), 6);
        out.push(self.zone_quarters.to_be_bytes()[0]);
        push_uint(&mut out, self.mono_ms.min(MAX_40), 5);
        out.extend(self.boot.0);
        push_uint(&mut out, clamp(anchor.server), 6);
        push_uint(&mut out, anchor.mono_ms.min(MAX_40), 5);
        let mut bytes = [0; 28];
        bytes.iter_mut().zip(out).for_each(|(to, from)| *to = from);
        bytes
    }

    /// Reads the layout of [`Self::to_bytes`]; `None` for another length or unknown flags.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (flags, rest) = bytes.split_first()?;
        let (wall, rest) = take_uint(rest, 6)?;
        let (zone, rest) = rest.split_first()?;
        let (mono_ms, rest) = take_uint(rest, 5)?;
        let (boot, rest) = rest.split_first_chunk::<4>()?;
        let (server, rest) = take_uint(rest, 6)?;
        let (anchor_mono, rest) = take_uint(rest, 5)?;
        if !rest.is_empty() || *flags > 1 {
            return None;
        }
        let anchor = (*flags == 1).then_some(Anchor { server: UnixMs(server as i64), mono_ms: anchor_mono });
        let evidence =
            Self { wall: UnixMs(wall as i64), zone_quarters: i8::from_be_bytes([*zone]), mono_ms, boot: BootId(*boot), anchor };
        // One spelling only: bytes that say "no anchor" and carry one are not ours.
        (evidence.to_bytes().as_slice() == bytes).then_some(evidence)
    }

    /// When the act happened by the server's clock, if this boot has seen the server: its time plus the monotonic
    /// difference. An anchor from after the act (impossible for honest evidence) gives nothing.
    pub fn anchored(&self) -> Option<UnixMs> {
        let anchor = self.anchor?;
        let elapsed = self.mono_ms.checked_sub(anchor.mono_ms)?;
        Some(anchor.server.plus(i64::try_from(elapsed).ok()?))
    }
}

fn clamp(time: UnixMs) -> u64 {
    u64::try_from(time.0).unwrap_or(0).min(MAX_48)
}

fn push_uint(out: &mut Vec<u8>, value: u64, width: usize) {
    out.extend(value.to_be_bytes().into_iter().skip(8 - width));
}

fn take_uint(bytes: &[u8], width: usize) -> Option<(u64, &[u8])> {
    let (head, rest) = bytes.split_at_checked(width)?;
    Some((head.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn time_evidence_survives_its_bytes(wall in 0i64..1 << 47, zone in -48i8..=56, mono in 0u64..1 << 40, boot: [u8; 4], anchor in proptest::option::of((0i64..1 << 47, 0u64..1 << 40))) {
            let evidence = TimeEvidence {
                wall: UnixMs(wall), zone_quarters: zone, mono_ms: mono, boot: BootId(boot),
                anchor: anchor.map(|(server, mono_ms)| Anchor { server: UnixMs(server), mono_ms }),
            };
            prop_assert_eq!(TimeEvidence::from_bytes(&evidence.to_bytes()), Some(evidence));
        }

        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(evidence) = TimeEvidence::from_bytes(&bytes) {
                prop_assert_eq!(evidence.to_bytes().to_vec(), bytes);
            }
        }
    }

    #[test]
    fn an_anchor_corrects_a_wrong_wall_clock() {
        let evidence = TimeEvidence {
            wall: UnixMs(10_800_000),
            zone_quarters: 32,
            mono_ms: 70_000,
            boot: BootId([1; 4]),
            anchor: Some(Anchor { server: UnixMs(1_000), mono_ms: 60_000 }),
        };
        assert_eq!(evidence.anchored(), Some(UnixMs(11_000)));
    }
}
