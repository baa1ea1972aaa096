//! Times of acts, as far as they can be known (PROTOCOL.md, section 9).
//!
//! Wall clocks never gate or order a merge. An entry carries the device's wall time together with what lets others check
//! it: the monotonic clock, the boot it belongs to and the last server time seen in that boot.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
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

/// A random mark for one boot of one device. Monotonic times can be compared only within a boot.
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

/// The time evidence of an entry. It has 28 bytes in a document, see [`TimeEvidence::to_bytes`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeEvidence {
    /// The device's wall clock, which may be hours off.
    pub wall: UnixMs,
    /// The device's zone as quarter hours east of UTC, -64..=63 in practice.
    pub zone_quarters: i8,
    /// The device's monotonic clock (it counts sleep), in milliseconds.
    pub mono_ms: u64,
    /// The boot in which `mono_ms` counts.
    pub boot: BootId,
    /// The last server time seen in this boot, if any.
    pub anchor: Option<Anchor>,
}

/// Greatest wall time (48 bits of milliseconds, the year 10889); the monotonic time has 40 bits (34 years of uptime).
const MAX_48: u64 = (1 << 48) - 1;
const MAX_40: u64 = (1 << 40) - 1;

impl TimeEvidence {
    /// The layout, big-endian: flags 1 (bit 0: has an anchor), wall 6, zone 1, mono 5, boot 4, anchor's server time 6,
    /// anchor's mono 5. Times outside their width are clamped; without an anchor its bytes are zero.
    pub fn to_bytes(&self) -> [u8; 28] {
        let anchor = self.anchor.unwrap_or(Anchor { server: UnixMs(0), mono_ms: 0 });
        let [.., w0, w1, w2, w3, w4, w5] = clamp(self.wall).to_be_bytes();
        let [zone] = self.zone_quarters.to_be_bytes();
        let [.., m0, m1, m2, m3, m4] = self.mono_ms.min(MAX_40).to_be_bytes();
        let [b0, b1, b2, b3] = self.boot.0;
        let [.., s0, s1, s2, s3, s4, s5] = clamp(anchor.server).to_be_bytes();
        let [.., a0, a1, a2, a3, a4] = anchor.mono_ms.min(MAX_40).to_be_bytes();
        let flags = u8::from(self.anchor.is_some());
        [flags, w0, w1, w2, w3, w4, w5, zone, m0, m1, m2, m3, m4, b0, b1, b2, b3, s0, s1, s2, s3, s4, s5, a0, a1, a2, a3, a4]
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
        // Evidence has one spelling: bytes without the anchor flag must not carry an anchor.
        (evidence.to_bytes().as_slice() == bytes).then_some(evidence)
    }

    /// When the act happened by the server's clock: the anchor's server time plus the monotonic difference. `None` without an
    /// anchor, or with an anchor from after the act (which honest evidence never has).
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
    /// The boot in which it counts.
    pub boot: BootId,
}

/// When an act happened by the server's clock (PROTOCOL.md, section 9). The server computes it once, and every replica takes it
/// from the receipt. No change is refused because of its time.
///
/// There are two intervals. `from ..= until` is the gap between two contacts with the server; no claim of the device moves the
/// act out of it. `at - slack_ms ..= at + slack_ms` is the estimate by the device's monotonic clock within the gap. It gives
/// order and day, but proves the time only if the act is [`anchored`](Self::anchored) and the gap is short.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Reckoning {
    /// The best estimate; `None` if nothing relates the device's clock to the server's.
    #[serde(rename = "acted_at")]
    pub at: Option<UnixMs>,
    /// Half the width of the estimate in milliseconds: the drift of the device's clock plus the difference of its two estimates.
    /// It is rounded up to seconds, because a distinct number in each receipt cost 97 bytes a case on the wire (measured).
    pub slack_ms: u32,
    /// The act did not happen before this time, because the device had no unsent act then. `None` in a receipt of version 2.
    pub from: Option<UnixMs>,
    /// The act did not happen after this time, because the server had the act or its digest. `None` in a receipt of version 2,
    /// where the receipt's time bounds it.
    pub until: Option<UnixMs>,
    /// The wall clock was set back between the act and its sending.
    pub rolled_back: bool,
    /// The entry's anchor has a server time that the server did not give to this device.
    pub foreign_anchor: bool,
    /// The device had heard from the server in this boot before the act, and the server knows this contact.
    pub anchored: bool,
    /// The device's monotonic clock and the server's clock drifted apart between two contacts of this boot, so the estimate
    /// proves nothing.
    pub unsteady: bool,
    /// The act is dated before a contact of its device that did not bring it.
    pub passed_over: bool,
    /// Within its boot, the order of monotonic times and the order of writing disagree.
    pub disordered: bool,
}

/// How well the server knows the server time of an entry's anchor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leans {
    /// The server did not give it to this device.
    OnNothing,
    /// The server gave it to this device, but does not know at which monotonic time (devices of version 2).
    OnATime,
    /// The server gave it to this device in this boot at this monotonic time.
    OnAContact,
}

/// The server's data about the arrival of an act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// The device's clocks at the sending.
    pub clocks: Clocks,
    /// When the server received it.
    pub received: UnixMs,
    /// Lower end of the act's gap.
    pub from: UnixMs,
    /// Upper end of the act's gap: the receipt, or the receipt of an earlier sending that carried the act's digest.
    pub until: UnixMs,
    /// The newest contact of the device before `until`, by any request.
    pub contact: Option<UnixMs>,
    /// Whether the device's monotonic clock kept pace with the server's since the last contact of this boot.
    pub steady: bool,
}

/// A cheap clock's drift: 100 parts in a million.
const DRIFT_PPM: u64 = 100;
/// Longest plausible uptime; a clock beyond it is wrong.
const LONGEST_BOOT_MS: u64 = 10 * 366 * 86_400_000;
/// A wall clock that moves back by less is ignored, because networks correct clocks by such amounts.
const ROLLED_BACK_MS: i64 = 60_000;
/// Tolerance for an act that is dated before a contact that did not bring it: an act recorded while a request is under way cannot
/// be in the request.
pub const IN_FLIGHT_MS: i64 = 5 * 60_000;
/// Greatest time between the device's clock reading and the arrival of the request's headers.
const CONNECTING_MS: u64 = 15_000;

/// Whether a device's monotonic clock kept pace with the server's between two contacts of one boot. `device_ms` and `server_ms`
/// are the times that passed on each.
pub fn is_steady(device_ms: i64, server_ms: i64) -> bool {
    let apart = device_ms.saturating_sub(server_ms).unsigned_abs();
    let drift = server_ms.unsigned_abs().saturating_mul(DRIFT_PPM) / 1_000_000;
    apart <= drift.saturating_add(CONNECTING_MS)
}

impl Reckoning {
    /// Estimates the time of an act from its evidence and its arrival. The estimate uses the first of these that exists: an
    /// anchor that the server knows; the monotonic clock, if the act is of the boot that sends it; an anchor of which only the
    /// server time is known. A foreign anchor is not used. The estimate never leaves the act's gap.
    pub fn of(time: &TimeEvidence, arrival: &Arrival, leans: Leans) -> Self {
        let Arrival { clocks: sent, received, from, until, contact, steady } = *arrival;
        let elapsed = (time.boot == sent.boot).then(|| sent.mono_ms.checked_sub(time.mono_ms)).flatten();
        let elapsed = elapsed.filter(|elapsed| *elapsed < LONGEST_BOOT_MS);
        let foreign_anchor = time.anchor.is_some() && leans == Leans::OnNothing;
        let by_anchor = time.anchored().filter(|_| !foreign_anchor);
        let by_sending = elapsed.and_then(|elapsed| Some(received.plus(-i64::try_from(elapsed).ok()?)));
        let anchored = by_anchor.is_some() && leans == Leans::OnAContact;
        let since_anchor = time.anchor.and_then(|anchor| time.mono_ms.checked_sub(anchor.mono_ms));
        let estimate = if anchored { by_anchor } else { by_sending.or(by_anchor) };
        let waited = if anchored { since_anchor } else { elapsed.or(since_anchor) }.unwrap_or(0);
        let drift = waited.saturating_mul(DRIFT_PPM) / 1_000_000;
        let apart = by_sending.zip(by_anchor).map_or(0, |(a, b)| a.since(b).unsigned_abs());
        let claimed = estimate.map(|at| at.min(received));
        let passed_over = claimed.is_some_and(|at| {
            let newest = contact.map_or(from, |contact| contact.max(from));
            at < newest.plus(-IN_FLIGHT_MS)
        });
        let rolled_back = elapsed
            .and_then(|elapsed| i64::try_from(elapsed).ok())
            .is_some_and(|elapsed| sent.wall.since(time.wall).saturating_sub(elapsed) < -ROLLED_BACK_MS);
        let slack_ms = claimed
            .map_or(0, |_| u32::try_from(drift.saturating_add(apart).div_ceil(1000).saturating_mul(1000)).unwrap_or(u32::MAX));
        Self {
            at: claimed.map(|at| at.max(from).min(until)),
            slack_ms,
            from: Some(from.min(until)),
            until: Some(until),
            rolled_back,
            foreign_anchor: foreign_anchor && by_sending.is_none(),
            anchored,
            unsteady: anchored && !steady,
            passed_over,
            disordered: false,
        }
    }

    /// The estimate's interval within the gap, given the receipt: earliest time (`None` if unbounded) and latest time.
    pub fn interval(&self, received: UnixMs) -> (Option<UnixMs>, UnixMs) {
        let slack = i64::from(self.slack_ms);
        let (from, until) = self.gap(received);
        let Some(at) = self.at else { return (from, until) };
        let earliest = at.plus(-slack);
        (Some(from.map_or(earliest, |from| earliest.max(from))), at.plus(slack).min(until))
    }

    /// The proven interval of the act: the estimate's interval if the device's clock proves it within a gap of at most
    /// `trusted_ms` milliseconds, else the gap. The earliest time is `None` if unbounded.
    pub fn proven(&self, received: UnixMs, trusted_ms: i64) -> (Option<UnixMs>, UnixMs) {
        if self.proves(received, trusted_ms) { self.interval(received) } else { self.gap(received) }
    }

    /// The gap between two contacts in which the act lies, independent of the device's claims. The lower end is `None` if
    /// unknown.
    pub fn gap(&self, received: UnixMs) -> (Option<UnixMs>, UnixMs) {
        (self.from, self.until.map_or(received, |until| until.min(received)))
    }

    /// Whether the device's clock proves the estimate within a gap of at most `trusted_ms` milliseconds.
    pub fn proves(&self, received: UnixMs, trusted_ms: i64) -> bool {
        let (from, until) = self.gap(received);
        let short = from.is_some_and(|from| until.since(from) <= trusted_ms);
        self.anchored && short && !self.unsteady && !self.passed_over && !self.disordered && !self.foreign_anchor
    }
}

fn clamp(time: UnixMs) -> u64 {
    u64::try_from(time.0).unwrap_or(0).min(MAX_48)
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
    fn sent(wall: i64, mono_ms: u64, boot: u8, received: i64) -> Arrival {
        let clocks = Clocks { wall: UnixMs(wall), mono_ms, boot: BootId([boot; 4]) };
        let received = UnixMs(received);
        Arrival { clocks, received, from: UnixMs(0), until: received, contact: None, steady: true }
    }

    #[test]
    fn an_act_of_the_sending_boot_is_reckoned_from_the_receipt_whatever_the_wall_clock_says() {
        let year = 31_536_000_000;
        let sending = sent(year + 600_000, 1_600_000, 1, 9_000_000);
        let reckoned = Reckoning::of(&evidence(year, 1_000_000, None), &sending, Leans::OnNothing);
        let expected = Reckoning {
            at: Some(UnixMs(8_400_000)),
            slack_ms: 1_000,
            from: Some(UnixMs(0)),
            until: Some(UnixMs(9_000_000)),
            ..Reckoning::default()
        };
        assert_eq!(reckoned, expected);
        assert_eq!(reckoned.interval(UnixMs(9_000_000)), (Some(UnixMs(8_399_000)), UnixMs(8_401_000)));
        assert!(!reckoned.proves(UnixMs(9_000_000), i64::MAX), "a boot that never heard the server proves nothing");
    }

    #[test]
    fn an_act_of_another_boot_leans_on_its_anchor_and_on_nothing_without_one() {
        let leaning = evidence(0, 70_000, Some((1_000, 60_000)));
        let after_reboot = sent(0, 5, 2, 99_000);
        let reckoned = Reckoning::of(&leaning, &after_reboot, Leans::OnAContact);
        assert_eq!((reckoned.at, reckoned.foreign_anchor, reckoned.anchored), (Some(UnixMs(11_000)), false, true));
        let foreign = Reckoning::of(&leaning, &after_reboot, Leans::OnNothing);
        assert_eq!((foreign.at, foreign.foreign_anchor, foreign.anchored), (None, true, false), "no anchor that the server gave");
        let of_version_2 = Reckoning::of(&leaning, &after_reboot, Leans::OnATime);
        assert_eq!((of_version_2.at, of_version_2.anchored), (Some(UnixMs(11_000)), false));
        let unanchored = Reckoning::of(&evidence(0, 70_000, None), &after_reboot, Leans::OnNothing);
        assert_eq!(unanchored.interval(UnixMs(99_000)), (Some(UnixMs(0)), UnixMs(99_000)));
        let early = Reckoning::of(&leaning, &sent(0, 5, 2, 5_000), Leans::OnAContact);
        assert_eq!(early.at, Some(UnixMs(5_000)), "never after the receipt");
    }

    #[test]
    fn a_wall_clock_that_was_set_back_before_sending_is_seen() {
        let rolled = Reckoning::of(&evidence(10_000_000, 0, None), &sent(9_000_000, 1_000, 1, 0), Leans::OnNothing);
        assert!(rolled.rolled_back);
        let steady = Reckoning::of(&evidence(10_000_000, 0, None), &sent(10_001_000, 1_000, 1, 0), Leans::OnNothing);
        assert!(!steady.rolled_back);
    }

    #[test]
    fn a_known_anchor_is_preferred_to_the_sending_that_a_raised_clock_moves_back() {
        // The act was 10 s after the anchor; a clock raised by eight hours before the sending makes it eight hours older.
        let leaning = evidence(0, 70_000, Some((50_000_000, 60_000)));
        let raised = Arrival { steady: false, ..sent(0, 70_000 + 8 * 3_600_000, 1, 51_000_000) };
        let reckoned = Reckoning::of(&leaning, &raised, Leans::OnAContact);
        assert_eq!((reckoned.at, reckoned.unsteady), (Some(UnixMs(50_010_000)), true));
        assert!(!reckoned.proves(UnixMs(51_000_000), i64::MAX), "the clocks disagree: the gap proves nothing");
    }

    #[test]
    fn an_act_never_leaves_the_gap_between_two_contacts_and_says_so_when_it_tries() {
        let sending = Arrival { from: UnixMs(40_000_000), ..sent(0, 8 * 3_600_000, 1, 41_000_000) };
        let reckoned = Reckoning::of(&evidence(0, 0, None), &sending, Leans::OnNothing);
        assert_eq!((reckoned.at, reckoned.passed_over), (Some(UnixMs(40_000_000)), true));
        assert_eq!(reckoned.gap(UnixMs(41_000_000)), (Some(UnixMs(40_000_000)), UnixMs(41_000_000)));
        // Four minutes before a contact it may have been in flight; later contacts count as well as the lower end.
        let dated = |back: i64, contact: i64| {
            let sending = Arrival { contact: Some(UnixMs(contact)), ..sent(0, 3_600_000, 1, 41_000_000) };
            let mono = (3_600_000 - back) as u64;
            Reckoning::of(&evidence(0, mono, None), &sending, Leans::OnNothing).passed_over
        };
        assert!(!dated(600_000, 41_000_000 - 600_000 + IN_FLIGHT_MS));
        assert!(dated(600_000, 41_000_000 - 600_000 + IN_FLIGHT_MS + 1));
    }

    #[test]
    fn clocks_that_drift_are_steady_and_a_moved_one_is_not() {
        let day = 86_400_000;
        assert!(is_steady(day + 8_640 + 15_000, day));
        assert!(!is_steady(day + 8_640 + 15_001, day));
        assert!(!is_steady(day - 8_640 - 15_001, day));
        assert!(!is_steady(8 * 3_600_000, 60_000));
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
