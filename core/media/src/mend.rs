//! Supplies what a camera left out, so that the decoder takes the picture: the standard's Huffman tables, the end mark, and segments
//! without bytes between them.

use std::borrow::Cow;

use crate::{
    header::Header,
    segments::{EOI, SOI},
};

/// Bytes of ones put behind pixels without an end mark. No Huffman code is all ones (ITU-T T.81, F.1.2.1), so a decoder that needs
/// them for pixels fails.
const ONES: usize = 64;
/// Bytes kept of a run of zeros or ones at the end, because the first of them may be pixels.
const KEPT: usize = 2;

/// The Huffman tables K.3 to K.6 of the standard (ITU-T T.81, K.3) as a segment. Cameras that write films of single JPEGs leave
/// them out.
const STANDARD_TABLES: &[u8] = b"\xff\xc4\x01\xa2\
    \x00\x00\x01\x05\x01\x01\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\
    \x0b\x01\x00\x03\x01\x01\x01\x01\x01\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\
    \x0a\x0b\x10\x00\x02\x01\x03\x03\x02\x04\x03\x05\x05\x04\x04\x00\x00\x01\x7d\x01\x02\x03\x00\x04\x11\x05\x12\x21\
    \x31\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xa1\x08\x23\x42\xb1\xc1\x15\x52\xd1\xf0\x24\x33\x62\x72\x82\
    \x09\x0a\x16\x17\x18\x19\x1a\x25\x26\x27\x28\x29\x2a\x34\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49\x4a\
    \x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x83\x84\x85\x86\
    \x87\x88\x89\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\
    \xb8\xb9\xba\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe1\xe2\xe3\xe4\xe5\xe6\xe7\
    \xe8\xe9\xea\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\x11\x00\x02\x01\x02\x04\x04\x03\x04\x07\x05\x04\x04\x00\x01\
    \x02\x77\x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14\x42\x91\xa1\xb1\
    \xc1\x09\x23\x33\x52\xf0\x15\x62\x72\xd1\x0a\x16\x24\x34\xe1\x25\xf1\x17\x18\x19\x1a\x26\x27\x28\x29\x2a\x35\x36\
    \x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\
    \x73\x74\x75\x76\x77\x78\x79\x7a\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\
    \xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\
    \xd5\xd6\xd7\xd8\xd9\xda\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa";

/// Which bytes count as pixels at the end of a picture without an end mark.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tail {
    /// Zeros or ones at the end count.
    pub(crate) filled: bool,
    /// The number of bytes that are left out at the end.
    pub(crate) less: usize,
}

impl<'a> Header<'a> {
    /// The picture as the decoder takes it. `tail` is for a picture without an end mark.
    pub(crate) fn mended(&self, tail: Tail) -> Cow<'a, [u8]> {
        if self.is_ended && self.scattered.is_none() && !self.lacks_tables {
            return Cow::Borrowed(self.picture);
        }
        let (head, scans) = self.picture.split_at_checked(self.scan_at).unwrap_or((self.picture, &[]));
        let mut bytes = Vec::with_capacity(self.picture.len() + STANDARD_TABLES.len() + 2 * ONES + 4);
        bytes.extend([0xff, SOI]);
        if self.lacks_tables {
            bytes.extend(STANDARD_TABLES);
        }
        match &self.scattered {
            Some(segments) => {
                for (marker, payload) in segments {
                    // A payload was read with its length in two bytes.
                    let len = u16::try_from(payload.len() + 2).unwrap_or(u16::MAX);
                    bytes.extend([0xff, *marker]);
                    bytes.extend(len.to_be_bytes());
                    bytes.extend(*payload);
                }
            }
            None => bytes.extend(head.get(2..).unwrap_or_default()),
        }
        if self.is_ended {
            bytes.extend(scans);
        } else {
            let pixels = if tail.filled { scans } else { without_fill(scans) };
            let pixels = without_half_mark(pixels);
            bytes.extend(pixels.get(..pixels.len().saturating_sub(tail.less)).unwrap_or_default());
            // Among pixels each byte of ones has a zero behind it.
            bytes.extend([0xff, 0].repeat(ONES));
            bytes.extend([0xff, EOI]);
        }
        Cow::Owned(bytes)
    }
}

/// Pixels without the zeros or ones with which a card fills its last block.
fn without_fill(scans: &[u8]) -> &[u8] {
    let filled = scans.iter().rev().take_while(|byte| matches!(byte, 0 | 0xff)).count();
    let end = scans.len() - filled.saturating_sub(KEPT);
    scans.split_at_checked(end).map_or(scans, |(pixels, _)| pixels)
}

/// Pixels without the first byte of an end mark. Among pixels a byte of ones has a zero behind it.
fn without_half_mark(pixels: &[u8]) -> &[u8] {
    let half = pixels.iter().rev().take_while(|byte| **byte == 0xff).count();
    pixels.split_at_checked(pixels.len() - half).map_or(pixels, |(pixels, _)| pixels)
}
