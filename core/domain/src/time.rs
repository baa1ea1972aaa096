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

/// The clocks of a device at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clocks {
    /// Wall clock.
    pub wall: UnixMs,
    /// Monotonic clock, milliseconds.
    pub mono_ms: u64,
    /// The boot it counts from.
    pub boot: BootId,
}

/// When an act happened by the server's clock, as an interval `at - slack_ms ..= at + slack_ms` that never reaches past the
/// receipt (protocol design, section 11). Nothing is refused for its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Reckoning {
    /// The best estimate; `None` when nothing ties the device's clock to the server's (unanchored).
    #[serde(rename = "acted_at")]
    pub at: Option<UnixMs>,
    /// Half the width of the interval, in milliseconds: drift of the device's clock, and how far its two proofs differ; rounded
    /// up to seconds, because a number of its own in each receipt cost 97 bytes a case on the wire (measured).
    pub slack_ms: u32,
    /// The wall clock was set back between the act and its sending.
    pub rolled_back: bool,
    /// The server time that the entry leans on is none that the server gave to this device.
    pub foreign_anchor: bool,
}

/// A cheap clock's drift: 100 parts in a million.
const DRIFT_PPM: u64 = 100;
/// No boot lasts longer; a clock that says so is wrong.
const LONGEST_BOOT_MS: u64 = 10 * 366 * 86_400_000;
/// A wall clock that moves back by less is only being corrected by its network.
const ROLLED_BACK_MS: i64 = 60_000;

impl Reckoning {
    /// Reckons an act from its evidence, the device's clocks when it was sent, and the receipt. In the boot that sends it the
    /// monotonic clock tells, whatever the wall clock says; else the entry's own anchor does, if the server gave it
    /// (`is_ours`); else nothing. Never after the receipt.
    pub fn of(time: &TimeEvidence, sent: &Clocks, received: UnixMs, is_ours: impl Fn(UnixMs) -> bool) -> Self {
        let elapsed = (time.boot == sent.boot).then(|| sent.mono_ms.checked_sub(time.mono_ms)).flatten();
        let elapsed = elapsed.filter(|elapsed| *elapsed < LONGEST_BOOT_MS);
        let by_anchor = time.anchored();
        let foreign_anchor = time.anchor.is_some_and(|anchor| !is_ours(anchor.server));
        let by_sending = elapsed.and_then(|elapsed| Some(received.plus(-i64::try_from(elapsed).ok()?)));
        let trusted = by_anchor.filter(|_| !foreign_anchor);
        let waited = elapsed.or_else(|| time.mono_ms.checked_sub(time.anchor?.mono_ms)).unwrap_or(0);
        let drift = waited.saturating_mul(DRIFT_PPM) / 1_000_000;
        let apart = by_sending.zip(trusted).map_or(0, |(a, b)| a.since(b).unsigned_abs());
        let at = by_sending.or(by_anchor).map(|at| at.min(received));
        let rolled_back = elapsed
            .and_then(|elapsed| i64::try_from(elapsed).ok())
            .is_some_and(|elapsed| sent.wall.since(time.wall).saturating_sub(elapsed) < -ROLLED_BACK_MS);
        let slack_ms =
            at.map_or(0, |_| u32::try_from(drift.saturating_add(apart).div_ceil(1000).saturating_mul(1000)).unwrap_or(u32::MAX));
        Self { at, slack_ms, rolled_back, foreign_anchor: foreign_anchor && by_sending.is_none() }
    }

    /// The interval, given the receipt: earliest (`None` when nothing bounds it) and latest.
    pub fn interval(&self, received: UnixMs) -> (Option<UnixMs>, UnixMs) {
        let slack = i64::from(self.slack_ms);
        (self.at.map(|at| at.plus(-slack)), self.at.map_or(received, |at| at.plus(slack).min(received)))
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

    fn evidence(wall: i64, mono_ms: u64, anchor: Option<(i64, u64)>) -> TimeEvidence {
        let anchor = anchor.map(|(server, mono_ms)| Anchor { server: UnixMs(server), mono_ms });
        TimeEvidence { wall: UnixMs(wall), zone_quarters: 32, mono_ms, boot: BootId([1; 4]), anchor }
    }
    fn sent(wall: i64, mono_ms: u64, boot: u8) -> Clocks {
        Clocks { wall: UnixMs(wall), mono_ms, boot: BootId([boot; 4]) }
    }

    #[test]
    fn an_act_of_the_sending_boot_is_reckoned_from_the_receipt_whatever_the_wall_clock_says() {
        let year = 31_536_000_000;
        let reckoned =
            Reckoning::of(&evidence(year, 1_000_000, None), &sent(year + 600_000, 1_600_000, 1), UnixMs(9_000_000), |_| false);
        assert_eq!(
            reckoned,
            Reckoning { at: Some(UnixMs(8_400_000)), slack_ms: 1_000, rolled_back: false, foreign_anchor: false }
        );
        assert_eq!(reckoned.interval(UnixMs(9_000_000)), (Some(UnixMs(8_399_000)), UnixMs(8_401_000)));
    }

    #[test]
    fn an_act_of_another_boot_leans_on_its_anchor_and_on_nothing_without_one() {
        let leaning = evidence(0, 70_000, Some((1_000, 60_000)));
        let after_reboot = sent(0, 5, 2);
        let reckoned = Reckoning::of(&leaning, &after_reboot, UnixMs(99_000), |server| server == UnixMs(1_000));
        assert_eq!((reckoned.at, reckoned.foreign_anchor), (Some(UnixMs(11_000)), false));
        assert!(
            Reckoning::of(&leaning, &after_reboot, UnixMs(99_000), |_| false).foreign_anchor,
            "no anchor that the server gave"
        );
        let unanchored = Reckoning::of(&evidence(0, 70_000, None), &after_reboot, UnixMs(99_000), |_| true);
        assert_eq!(unanchored.interval(UnixMs(99_000)), (None, UnixMs(99_000)));
        assert_eq!(
            Reckoning::of(&leaning, &after_reboot, UnixMs(5_000), |_| true).at,
            Some(UnixMs(5_000)),
            "never after the receipt"
        );
    }

    #[test]
    fn a_wall_clock_that_was_set_back_before_sending_is_seen() {
        let rolled = Reckoning::of(&evidence(10_000_000, 0, None), &sent(9_000_000, 1_000, 1), UnixMs(0), |_| true);
        assert!(rolled.rolled_back);
        assert!(!Reckoning::of(&evidence(10_000_000, 0, None), &sent(10_001_000, 1_000, 1), UnixMs(0), |_| true).rolled_back);
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
