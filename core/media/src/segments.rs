//! Segments of a JPEG, which surround its pixels.
//!
//! They are read before the decoder starts, to check what the decoder does not: the memory that it would need, that the picture
//! is complete, and the number of segments.

use crate::MediaError;

/// Most segments of one picture. A camera writes about 20, and a profile or depth map adds at most 512 (32 MiB of 64 KiB). The
/// limit is needed because the decoder's time grows with the square of the number of some segments.
const MAX_SEGMENTS: usize = 1024;

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;

/// Iterates over segments, each a marker with its payload. It ends where the bytes end or a segment does not fit in them. It
/// continues after a picture's end, where some cameras append another picture.
#[derive(Debug, Clone)]
pub(crate) struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Segments<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let at = self.rest.iter().position(|byte| *byte == 0xff)?;
            let (&marker, rest) = self.rest.get(at + 1..)?.split_first()?;
            match marker {
                // A fill byte; the next one may be the marker.
                0xff => self.rest = self.rest.get(at + 1..)?,
                // A stuffed byte, a restart marker or a marker without a meaning, all of which occur among pixels.
                0 | 1 | 0xd0..=0xd7 => self.rest = rest,
                SOI | EOI => {
                    self.rest = rest;
                    return Some((marker, &[]));
                }
                _ => {
                    let (len, _) = rest.split_first_chunk()?;
                    let (segment, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
                    self.rest = rest;
                    return Some((marker, segment.get(2..)?));
                }
            }
        }
    }
}

/// The TIFF of a payload; `None` if the payload is not EXIF.
pub(crate) fn exif(marker: u8, payload: &[u8]) -> Option<&[u8]> {
    payload.strip_prefix(b"Exif\0\0").filter(|_| marker == APP1)
}

/// Whether a payload is XMP, plain or extended.
pub(crate) fn xmp(marker: u8, payload: &[u8]) -> Option<&[u8]> {
    (marker == APP1 && payload.starts_with(b"http://ns.adobe.com/x")).then_some(payload)
}

/// A JPEG's width and height by its first frame header. It does not check that the rest exists.
pub(crate) fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let is_frame = |marker: &u8| matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
    let (_, payload) = Segments::of(bytes).find(|(marker, _)| is_frame(marker))?;
    let (&[_, h1, h0, w1, w0], _) = payload.split_first_chunk()?;
    Some((u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into()))
}

/// Properties of a JPEG, read before its pixels are decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    /// Width in pixels, as stored.
    pub(crate) width: u32,
    /// Height in pixels, as stored.
    pub(crate) height: u32,
    /// Most bytes that decoding needs, except for a few rows: see [`Frame::memory`].
    pub(crate) memory: u64,
    /// The TIFF of its EXIF.
    pub(crate) exif: Option<&'a [u8]>,
    /// The parts of its colour profile.
    pub(crate) icc: Vec<&'a [u8]>,
    /// The bytes from the picture's start to its end. Motion photos and depth maps have more data after it.
    pub(crate) picture: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads every segment of the first picture. A picture without an end is [`MediaError::Truncated`].
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, MediaError> {
        let (mut frame, mut scan, mut other, mut exif_found, mut icc) = (None, None, 0, None, Vec::new());
        let mut segments = Segments::of(bytes);
        for _ in 0..MAX_SEGMENTS {
            let (marker, payload) = segments.next().ok_or(MediaError::Truncated)?;
            match marker {
                EOI => {
                    let (frame, scan): (Frame, u8) = frame.zip(scan).ok_or(MediaError::Damaged)?;
                    let (picture, _) = bytes.split_at(bytes.len().saturating_sub(segments.rest.len()));
                    // A few bytes that claim many pixels would cost memory and seconds for a gray surface.
                    if (picture.len() as u64) < frame.blocks() / 8 {
                        return Err(MediaError::Truncated);
                    }
                    let memory = frame.memory(scan).saturating_add(2 * other);
                    return Ok(Self { width: frame.width, height: frame.height, memory, exif: exif_found, icc, picture });
                }
                0xc0..=0xc2 if frame.is_none() => frame = Some(Frame::read(marker, payload)?),
                0xc0..=0xc2 => return Err(MediaError::Damaged),
                // Lossless, hierarchical, arithmetic. 0xc4 and 0xcc are tables.
                0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Err(MediaError::RareJpeg),
                SOS => scan = scan.or(payload.first().copied()),
                0xe0..=0xef => {
                    // The decoder copies it, extended XMP twice.
                    other += payload.len() as u64;
                    exif_found = exif_found.or_else(|| exif(marker, payload));
                    icc.extend(payload.strip_prefix(b"ICC_PROFILE\0").filter(|_| marker == APP2));
                }
                _ => {}
            }
        }
        Err(MediaError::Damaged)
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
        Ok(Self { width: width.into(), height: height.into(), progressive: marker == 0xc2, components })
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
        Frame { width: 1600, height: 1200, progressive, components: factors.to_vec() }
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

    #[test]
    fn segments_are_told_from_pixels_and_fill_bytes() {
        let bytes = b"\xff\xd8\xff\xff\xe1\0\x04ab\xff\xda\0\x02pixels\xff\0\xff\xd3\xff\xd9tail\xff\xd8\xff\xe1\0\x09cut";
        let all: Vec<_> = Segments::of(bytes).collect();
        assert_eq!(all, [(SOI, &b""[..]), (APP1, b"ab"), (SOS, b""), (EOI, b""), (SOI, b"")]);
    }
}
