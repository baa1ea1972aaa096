//! Decodes texts from the air interface: alphabets, and the header that ties segments together.

use std::borrow::Cow;

use encoding_rs::GB18030;

use super::gsm7::gsm7;
pub(super) use super::shift::{Shift, shift};

/// The encoding of a segment's bytes, by its data coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// GSM 7-bit, a septet in each byte.
    Gsm7,
    /// GSM 7-bit with the tables of a language.
    Shifted(Shift),
    Ascii,
    Ucs2,
    /// CMPP's 15.
    Gb18030,
    /// Also used for unknown codings, because it loses no byte.
    Latin1,
}

impl Coding {
    pub(super) fn of(data_coding: u8) -> Self {
        match data_coding {
            0x00 | 0xf0..=0xf3 => Self::Gsm7,
            0x01 => Self::Ascii,
            0x08 => Self::Ucs2,
            0x0f => Self::Gb18030,
            // 3GPP TS 23.038: general data coding, uncompressed, with or without a class.
            0x10..=0x3f if data_coding & 0x2c == 0x00 => Self::Gsm7,
            0x10..=0x3f if data_coding & 0x2c == 0x08 => Self::Ucs2,
            _ => Self::Latin1,
        }
    }

    /// The same with the tables that a header names. They are for GSM 7-bit only.
    pub(super) fn shifted(self, shift: Option<Shift>) -> Self {
        match (self, shift) {
            (Self::Gsm7, Some(shift)) => Self::Shifted(shift),
            _ => self,
        }
    }

    pub(super) fn text(self, bytes: &[u8]) -> String {
        let text = match self {
            Self::Gsm7 => eight_bits(bytes).unwrap_or_else(|| gsm7(bytes)),
            Self::Shifted(shift) => shift.text(bytes),
            Self::Ascii => eight_bits(bytes).unwrap_or_else(|| latin1(bytes)),
            Self::Ucs2 => ucs2(bytes),
            Self::Gb18030 => GB18030.decode_without_bom_handling(bytes).0.into_owned(),
            Self::Latin1 => latin1(bytes),
        };
        // Some gateways end a text with zero bytes.
        text.trim_end_matches('\0').to_owned()
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Reads bytes that are no septets although their coding says so: as UTF-8, else as GB18030. `None` if they are septets, or neither.
fn eight_bits(bytes: &[u8]) -> Option<String> {
    if bytes.is_ascii() {
        return None;
    }
    let utf8 = std::str::from_utf8(bytes).ok().map(str::to_owned);
    utf8.or_else(|| GB18030.decode_without_bom_handling_and_without_replacement(bytes).map(Cow::into_owned))
}

/// Reads UTF-16, because phones write characters beyond UCS-2. A mark at the beginning may turn the order of bytes round.
fn ucs2(bytes: &[u8]) -> String {
    let (order, bytes): (fn([u8; 2]) -> u16, _) = match bytes {
        [0xff, 0xfe, rest @ ..] => (u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => (u16::from_be_bytes, rest),
        _ => (u16::from_be_bytes, bytes),
    };
    let units = bytes.chunks(2).map(|pair| match pair {
        [first, second] => order([*first, *second]),
        _ => 0xfffd,
    });
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The place of a segment in its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) reference: u16,
    pub(super) of: u8,
    pub(super) number: u8,
}

impl Place {
    /// A valid place: at least two segments, and a number among them.
    pub(super) fn new(reference: u16, of: u8, number: u8) -> Option<Self> {
        (of > 1 && (1..=of).contains(&number)).then_some(Self { reference, of, number })
    }
}

/// Separates the user data header. Without a well-formed one everything is text.
pub(super) fn header(bytes: &[u8]) -> (Option<Place>, &[u8]) {
    let parted = bytes.split_first().and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)));
    let Some((mut elements, text)) = parted else { return (None, bytes) };
    let mut place = None;
    while let [kind, length, rest @ ..] = elements {
        let Some((value, next)) = rest.split_at_checked(usize::from(*length)) else { return (None, bytes) };
        match (kind, value) {
            (0x00, [reference, of, number]) => place = Place::new(u16::from(*reference), *of, *number),
            (0x08, [high, low, of, number]) => place = Place::new(u16::from_be_bytes([*high, *low]), *of, *number),
            _ => {}
        }
        elements = next;
    }
    (place, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_those_of_smpp_and_of_the_air() {
        assert_eq!(Coding::of(0x08).text(&[0x59, 0x7d, 0xd8, 0x3d, 0xde, 0x00]), "好😀");
        assert_eq!(Coding::of(0x03).text(&[0x63, 0xe9]), "cé");
        assert_eq!(Coding::of(0x00).text(&[0x00, 0x11]), "@_");
        assert_eq!([Coding::of(0xf1), Coding::of(0x10), Coding::of(0x18)], [Coding::Gsm7, Coding::Gsm7, Coding::Ucs2]);
        // Half a unit or half a pair: the rest is still decoded.
        assert_eq!(Coding::of(0x08).text(&[0x59, 0x7d, 0xd8, 0x3d, 0x00]), "好\u{fffd}\u{fffd}");
    }

    #[test]
    fn chinese_in_bytes_is_read_under_its_own_coding_and_under_a_wrong_one() {
        let gb = |text: &str| GB18030.encode(text).0.into_owned();
        for text in ["退订", "好的😀谢谢", "放门口，TD", "㐀镕"] {
            assert_eq!(Coding::of(0x0f).text(&gb(text)), text);
            assert_eq!(Coding::of(0x00).text(text.as_bytes()), text);
            assert_eq!(Coding::of(0x01).text(text.as_bytes()), text);
            assert_eq!(Coding::of(0x00).text(&gb(text)), text);
        }
        assert_eq!(Coding::of(0x0f).text(b"TD"), "TD");
        // A torn character: the rest is still read.
        assert_eq!(Coding::of(0x0f).text(&[0xcd, 0xcb, 0xb6]), "退\u{fffd}");
        assert_eq!(Coding::of(0x00).text(&[0x61, 0xff]), "a\u{fffd}");
        assert_eq!(Coding::of(0x03).text("é".as_bytes()), "Ã©", "its coding says one byte a character");
    }

    #[test]
    fn ucs2_may_have_pairs_a_mark_and_zeros_at_its_end() {
        let big = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
        let little: Vec<u8> = "好👍🏽".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(Coding::Ucs2.text(&big("好👍🏽")), "好👍🏽");
        assert_eq!(Coding::Ucs2.text(&big("\u{feff}退订")), "退订");
        assert_eq!(Coding::Ucs2.text(&[&[0xff, 0xfe], &little[..]].concat()), "好👍🏽");
        assert_eq!(Coding::Ucs2.text(&big("退订\0")), "退订");
        assert_eq!(Coding::of(0x19).text(&big("退订")), "退订");
        assert_eq!(Coding::Ascii.text(b"TD\0\0"), "TD");
    }

    #[test]
    fn headers_of_both_kinds_give_a_place_and_nonsense_is_text() {
        let place = |reference, of, number| Some(Place { reference, of, number });
        assert_eq!(header(&[5, 0, 3, 7, 2, 1, 0x61]), (place(7, 2, 1), &b"a"[..]));
        assert_eq!(header(&[6, 8, 4, 1, 7, 3, 3, 0x61]), (place(263, 3, 3), &b"a"[..]));
        // Another element comes before it.
        assert_eq!(header(&[8, 1, 1, 0, 0, 3, 7, 2, 2]), (place(7, 2, 2), &b""[..]));
        assert_eq!(header(&[5, 0, 3, 7, 2, 3]), (None, &b""[..]));
        assert_eq!(header(&[9, 0, 3]), (None, &[9, 0, 3][..]));
        assert_eq!(header(&[2, 0, 3]), (None, &[2, 0, 3][..]));
        assert_eq!(header(&[]), (None, &b""[..]));
    }
}
