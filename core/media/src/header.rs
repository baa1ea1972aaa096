//! The header of a JPEG, read before the decoder starts, to check what the decoder does not: the memory that it would need, that
//! the picture is complete, and the number of segments. It also finds where a picture ends whose end mark is missing.

use crate::{
    MediaError,
    scans::{Scans, Tables},
    segments::{APP2, DHT, EOI, SOI, SOS, Segments, exif, scan_end},
    trailer,
};

/// Most segments of one picture. A camera writes about 20, and a profile or depth map adds at most 512 (32 MiB of 64 KiB). The
/// limit is needed because the decoder's time grows with the square of the number of some segments.
const MAX_SEGMENTS: usize = 1024;

/// Properties of a JPEG, read before its pixels are decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    /// Width in pixels, as stored.
    pub(crate) width: u32,
    /// Height in pixels, as stored.
    pub(crate) height: u32,
    /// Most bytes that decoding needs, except for a few rows: see [`Frame::memory`].
    pub(crate) memory: u64,
    /// The TIFF of each of its EXIF blocks.
    pub(crate) exif: Vec<&'a [u8]>,
    /// The parts of its colour profile.
    pub(crate) icc: Vec<&'a [u8]>,
    /// The bytes from the picture's start to its end. Motion photos and depth maps have more data after it.
    pub(crate) picture: &'a [u8],
    /// Whether `picture` has its end mark.
    pub(crate) is_ended: bool,
    /// Whether its pixels come in several passes over the picture, from coarse to fine.
    pub(crate) is_progressive: bool,
    /// The segments before its first scan, if other bytes stand between them.
    pub(crate) scattered: Option<Vec<(u8, &'a [u8])>>,
    /// Where in `picture` its first scan begins.
    pub(crate) scan_at: usize,
    /// Whether a scan uses Huffman tables that no segment before it defines.
    pub(crate) lacks_tables: bool,
}

/// What is known of a picture while its segments are read.
#[derive(Default)]
struct Reading<'a> {
    frame: Option<Frame>,
    scans: Scans,
    tables: Tables,
    first: Option<(usize, u8)>,
    other: u64,
    exif: Vec<&'a [u8]>,
    icc: Vec<&'a [u8]>,
    head: Vec<(u8, &'a [u8])>,
    is_scattered: bool,
    lacks_tables: bool,
}

impl<'a> Header<'a> {
    /// Reads every segment of the first picture. A picture whose pixels end early is [`MediaError::Truncated`]. One that lacks only
    /// its end mark ends where its file, its trailer or another picture begins.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, MediaError> {
        let (mut region, mut segments, mut reading) = (bytes, Segments::of(bytes), Reading::default());
        let (mut last, mut is_in_scan) = (0, false);
        for _ in 0..MAX_SEGMENTS {
            if is_in_scan {
                let Some(end) = scan_end(segments.rest) else { return reading.done(region, false) };
                last += end;
                segments.rest = segments.rest.get(end..).unwrap_or_default();
            }
            let next = segments.next().filter(|(marker, _)| reading.first.is_none() || may_follow_scan(*marker));
            let Some((marker, payload)) = next else {
                return reading.done(region.get(..last).unwrap_or(region), false);
            };
            // The marker has two bytes, and a payload has two bytes with its length.
            let at = region.len().saturating_sub(segments.rest.len());
            let begins = at.saturating_sub(payload.len() + if matches!(marker, SOI | EOI) { 2 } else { 4 });
            is_in_scan = marker == SOS;
            if marker == EOI {
                return reading.done(region.get(..at).unwrap_or(region), true);
            }
            reading.see(marker, payload, (last, begins))?;
            if is_in_scan && region.len() == bytes.len() {
                region = trailer::without(bytes, at);
                segments.rest = region.get(at..).unwrap_or_default();
            }
            last = at;
        }
        Err(MediaError::Damaged)
    }
}

/// Whether a marker may stand behind the pixels of a scan, so that the picture goes on.
fn may_follow_scan(marker: u8) -> bool {
    // Tables, another scan, the number of lines, and segments of no meaning for the pixels.
    matches!(marker, DHT | EOI | SOS | 0xdb..=0xdd | 0xe0..=0xef | 0xfe)
}

impl<'a> Reading<'a> {
    /// Takes a segment that begins at the second place, where the one before it ended at the first.
    fn see(&mut self, marker: u8, payload: &'a [u8], (last, begins): (usize, usize)) -> Result<(), MediaError> {
        if self.first.is_none() {
            self.is_scattered |= begins > last;
            if !matches!(marker, SOI | SOS) {
                self.head.push((marker, payload));
            }
        }
        match marker {
            0xc0..=0xc2 if self.frame.is_none() => self.frame = Some(Frame::read(marker, payload)?),
            0xc0..=0xc2 => return Err(MediaError::Damaged),
            DHT => self.tables.define(payload),
            // Lossless, hierarchical, arithmetic. 0xcc is a table.
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Err(MediaError::RareJpeg),
            SOS => {
                self.first = self.first.or(payload.first().map(|count| (begins, *count)));
                self.lacks_tables |= self.scans.see(payload, &self.tables);
            }
            0xe0..=0xef => {
                // The decoder copies it, extended XMP twice.
                self.other += payload.len() as u64;
                self.exif.extend(exif(marker, payload));
                self.icc.extend(payload.strip_prefix(b"ICC_PROFILE\0").filter(|_| marker == APP2));
            }
            _ => {}
        }
        Ok(())
    }

    fn done(self, picture: &'a [u8], is_ended: bool) -> Result<Header<'a>, MediaError> {
        let missing = if is_ended { MediaError::Damaged } else { MediaError::Truncated };
        let (frame, (scan_at, in_first_scan)) = self.frame.zip(self.first).ok_or(missing)?;
        // A few bytes that claim many pixels would cost memory and seconds for a gray surface.
        if (picture.len() as u64) < frame.blocks() / 8 || !is_ended && !self.scans.are_all(&frame.ids, frame.progressive) {
            return Err(MediaError::Truncated);
        }
        let lacks_tables = self.lacks_tables && !frame.progressive;
        let is_whole = is_ended && !self.is_scattered && !lacks_tables;
        // A picture that is mended for the decoder is a copy.
        let copied = if is_whole { 0 } else { picture.len() as u64 };
        Ok(Header {
            width: frame.width,
            height: frame.height,
            memory: frame.memory(in_first_scan).saturating_add(2 * self.other).saturating_add(copied),
            exif: self.exif,
            icc: self.icc,
            picture,
            is_ended,
            is_progressive: frame.progressive,
            scattered: self.is_scattered.then_some(self.head),
            scan_at,
            lacks_tables,
        })
    }
}

/// A frame header.
#[derive(Debug)]
struct Frame {
    width: u32,
    height: u32,
    progressive: bool,
    /// Sampling factors of each component, across and down.
    components: Vec<(u64, u64)>,
    /// The name of each component, by which scans refer to it.
    ids: Vec<u8>,
}

impl Frame {
    fn read(marker: u8, payload: &[u8]) -> Result<Self, MediaError> {
        let (&[_, h1, h0, w1, w0, count], rest) = payload.split_first_chunk().ok_or(MediaError::Damaged)?;
        let components = rest.as_chunks::<3>().0.iter().map(|[_, factors, _]| (u64::from(factors >> 4), u64::from(factors & 15)));
        let components: Vec<(u64, u64)> = components.collect();
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        let sound = |(across, down): &(u64, u64)| (1..=4).contains(across) && (1..=4).contains(down);
        if components.len() != usize::from(count) || !(1..=4).contains(&count) || !components.iter().all(sound) {
            return Err(MediaError::Damaged);
        }
        let ids = rest.as_chunks::<3>().0.iter().map(|[id, ..]| *id).collect();
        Ok(Self { width: width.into(), height: height.into(), progressive: marker == 0xc2, components, ids })
    }

    /// Number of blocks of 64 samples in all components. Each block has at least one bit.
    fn blocks(&self) -> u64 {
        let across = self.components.iter().map(|c| c.0).max().unwrap_or(1);
        let down = self.components.iter().map(|c| c.1).max().unwrap_or(1);
        let units = u64::from(self.width).div_ceil(8 * across) * u64::from(self.height).div_ceil(8 * down);
        self.components.iter().map(|c| units * c.0 * c.1).sum()
    }

    /// The memory that zune-jpeg needs for this frame: three bytes a pixel for the picture and, if the components do not come
    /// together in one pass, two bytes for each of their samples. In bytes a pixel that is 3 for a common picture, 6 for a
    /// progressive one of a phone or network (4:2:0), 9 for one with full colours (4:4:4), and 11 for a progressive one with four
    /// inks.
    fn memory(&self, in_first_scan: u8) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        let in_one_pass = !self.progressive && usize::from(in_first_scan) == self.components.len();
        3 * pixels + if in_one_pass { 0 } else { 2 * 64 * self.blocks() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(progressive: bool, factors: &[(u64, u64)]) -> Frame {
        Frame { width: 1600, height: 1200, progressive, components: factors.to_vec(), ids: vec![] }
    }

    #[test]
    fn a_progressive_picture_is_known_to_need_two_to_three_times_the_memory() {
        let pixels = 1600 * 1200;
        let (full, half) = ([(1, 1); 3], [(2, 2), (1, 1), (1, 1)]);
        assert_eq!(frame(false, &half).memory(3), 3 * pixels);
        assert_eq!(frame(false, &half).memory(1), 6 * pixels);
        assert_eq!(frame(true, &half).memory(3), 6 * pixels);
        assert_eq!(frame(true, &full).memory(3), 9 * pixels);
        assert_eq!(frame(true, &[(1, 1); 4]).memory(4), 11 * pixels);
    }
}
