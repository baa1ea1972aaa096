//! Time evidence, part by part. The difference of a device's wall clock and its monotonic clock is constant within a boot, and one
//! anchor serves many acts, so both nearly vanish.
//!
//! | stream | content |
//! |---|---|
//! | walls | the difference to the wall time before it in this field, or to 0 |
//! | boots | the place of the boot among the last 32 boots, or 0: then its 4 bytes are in the last stream |
//! | offsets | wall time minus monotonic time, as the difference to that of the last act of this boot, or of a new boot to 0 |
//! | zones | one byte |
//! | anchors | 0 without an anchor; 1 for a new one; else 1 plus the place of the anchor among the last 32 anchors |
//! | new | a new boot's 4 bytes; a new anchor's server time as the difference to that of the new anchor before it, or to 0; and its server time minus its monotonic time, likewise |

use doorstep_domain::{Anchor, BootId, TimeEvidence, UnixMs};

use super::{
    super::PackError,
    stream::{Recent, Stream, put_difference},
};

/// The number of streams.
pub(super) const STREAMS: usize = 6;

/// The values before, which both ends know.
struct Before {
    wall: u64,
    /// Boots, each with the offset of its last act.
    boots: Recent<([u8; 4], u64)>,
    anchors: Recent<Since>,
    newest: Since,
}

/// An anchor: the server's time, and that time minus the monotonic time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Since {
    server: u64,
    offset: u64,
}

impl Since {
    fn of(anchor: &Anchor) -> Self {
        let server = anchor.server.0.cast_unsigned();
        Self { server, offset: server.wrapping_sub(anchor.mono_ms) }
    }

    fn anchor(self) -> Anchor {
        Anchor { server: UnixMs(self.server.cast_signed()), mono_ms: self.server.wrapping_sub(self.offset) }
    }
}

impl Before {
    fn new() -> Self {
        Self { wall: 0, boots: Recent::new(), anchors: Recent::new(), newest: Since { server: 0, offset: 0 } }
    }
}

pub(super) struct Writer {
    before: Before,
    pub streams: [Vec<u8>; STREAMS],
}

impl Writer {
    pub fn new() -> Self {
        Self { before: Before::new(), streams: Default::default() }
    }

    pub fn put(&mut self, time: &TimeEvidence) {
        let Self { before, streams: [walls, boots, offsets, zones, anchors, new] } = self;
        let (wall, boot) = (time.wall.0.cast_unsigned(), time.boot.0);
        put_difference(walls, wall, before.wall);
        before.wall = wall;
        let place = before.boots.place(|(known, _)| *known == boot);
        boots.push(place);
        if place == 0 {
            new.extend_from_slice(&boot);
            before.boots.add((boot, 0));
        }
        let offset = wall.wrapping_sub(time.mono_ms);
        if let Some((_, last)) = before.boots.newest() {
            put_difference(offsets, offset, *last);
            *last = offset;
        }
        zones.extend_from_slice(&time.zone_quarters.to_be_bytes());
        let Some(since) = time.anchor.as_ref().map(Since::of) else { return anchors.push(0) };
        let place = before.anchors.place(|known| *known == since);
        anchors.push(1 + place);
        if place == 0 {
            put_difference(new, since.server, before.newest.server);
            put_difference(new, since.offset, before.newest.offset);
            before.newest = since;
            before.anchors.add(since);
        }
    }
}

pub(super) struct Reader<'a> {
    before: Before,
    pub streams: [Stream<'a>; STREAMS],
}

impl<'a> Reader<'a> {
    pub fn new(streams: [Stream<'a>; STREAMS]) -> Self {
        Self { before: Before::new(), streams }
    }

    pub fn take(&mut self) -> Result<TimeEvidence, PackError> {
        let Self { before, streams: [walls, boots, offsets, zones, anchors, new] } = self;
        let wall = walls.difference(before.wall)?;
        before.wall = wall;
        let (boot, last) = match boots.byte()? {
            0 => {
                before.boots.add((new.array()?, 0));
                before.boots.newest().map_or(([0; 4], 0), |boot| *boot)
            }
            place => before.boots.at(place)?,
        };
        let offset = offsets.difference(last)?;
        if let Some((_, last)) = before.boots.newest() {
            *last = offset;
        }
        let zone_quarters = i8::from_be_bytes(zones.array()?);
        let since = match anchors.byte()? {
            0 => None,
            1 => {
                let server = new.difference(before.newest.server)?;
                before.newest = Since { server, offset: new.difference(before.newest.offset)? };
                before.anchors.add(before.newest);
                Some(before.newest)
            }
            place => Some(before.anchors.at(place - 1)?),
        };
        let (wall, mono_ms) = (UnixMs(wall.cast_signed()), wall.wrapping_sub(offset));
        Ok(TimeEvidence { wall, zone_quarters, mono_ms, boot: BootId(boot), anchor: since.map(Since::anchor) })
    }
}
