//! Segments of a JPEG, which surround its pixels.

pub(crate) const DHT: u8 = 0xc4;
pub(crate) const SOI: u8 = 0xd8;
pub(crate) const EOI: u8 = 0xd9;
pub(crate) const SOS: u8 = 0xda;
const APP1: u8 = 0xe1;
pub(crate) const APP2: u8 = 0xe2;

/// Iterates over segments, each a marker with its payload. It ends where the bytes end or a segment does not fit in them. It
/// continues after a picture's end, where some cameras append another picture. It skips bytes that belong to no segment.
#[derive(Debug, Clone)]
pub(crate) struct Segments<'a> {
    pub(crate) rest: &'a [u8],
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
                // A stuffed byte or a restart marker, which occur among pixels, or a byte that the standard keeps for later.
                0..=0xbf | 0xd0..=0xd7 => self.rest = rest,
                SOI | EOI => {
                    self.rest = rest;
                    return Some((marker, &[]));
                }
                _ => {
                    let (len, _) = rest.split_first_chunk()?;
                    let (segment, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
                    let Some(payload) = segment.get(2..) else {
                        // A length counts itself, so these bytes are no segment.
                        self.rest = rest;
                        continue;
                    };
                    self.rest = behind;
                    return Some((marker, payload));
                }
            }
        }
    }
}

/// Where the pixels of a scan end: the place of the first marker that is not a restart marker. Bytes before it are pixels, fill
/// bytes in front of it are not. `None`: the bytes end before a marker.
pub(crate) fn scan_end(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == 0xff)?;
        let fills = bytes.get(at + 1..)?.iter().take_while(|byte| **byte == 0xff).count();
        match bytes.get(at + 1 + fills)? {
            0 | 0xd0..=0xd7 => from = at + fills + 2,
            _ => return Some(at),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_told_from_pixels_and_fill_bytes() {
        let bytes = b"\xff\xd8\xff\xff\xe1\0\x04ab\xff\xda\0\x02pixels\xff\0\xff\xd3\xff\xd9tail\xff\xd8\xff\xe1\0\x09cut";
        let all: Vec<_> = Segments::of(bytes).collect();
        assert_eq!(all, [(SOI, &b""[..]), (APP1, b"ab"), (SOS, b""), (EOI, b""), (SOI, b"")]);
    }
}
