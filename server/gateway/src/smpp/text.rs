//! Decodes texts from the air interface: alphabets, and the header that ties segments together.

/// The basic table of GSM 7-bit; 0x1b is the escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The encoding of a segment's bytes, by its data coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// GSM 7-bit, a septet in each byte.
    Gsm7,
    Ucs2,
    /// Also used for ASCII and unknown codings, because it loses no byte.
    Latin1,
}

impl Coding {
    pub(super) fn of(data_coding: u8) -> Self {
        match data_coding {
            0x00 | 0xf0..=0xf3 => Self::Gsm7,
            0x08 => Self::Ucs2,
            // 3GPP TS 23.038: general data coding, uncompressed, with or without a class.
            0x10..=0x3f if data_coding & 0x2c == 0x00 => Self::Gsm7,
            0x10..=0x3f if data_coding & 0x2c == 0x08 => Self::Ucs2,
            _ => Self::Latin1,
        }
    }

    pub(super) fn text(self, bytes: &[u8]) -> String {
        match self {
            Self::Gsm7 => gsm7(bytes),
            Self::Ucs2 => {
                let units = bytes.chunks(2).map(|pair| match pair {
                    [high, low] => u16::from_be_bytes([*high, *low]),
                    _ => 0xfffd,
                });
                char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
            Self::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
        }
    }
}

fn gsm7(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        let c = if *byte == 0x1b {
            match rest.next() {
                Some(0x0a) => '\u{c}',
                Some(0x14) => '^',
                Some(0x28) => '{',
                Some(0x29) => '}',
                Some(0x2f) => '\\',
                Some(0x3c) => '[',
                Some(0x3d) => '~',
                Some(0x3e) => ']',
                Some(0x40) => '|',
                Some(0x65) => '€',
                // For an unknown extension the standard shows the basic character.
                Some(other) => basic(*other),
                None => ' ',
            }
        } else {
            basic(*byte)
        };
        out.push(c);
    }
    out
}

fn basic(byte: u8) -> char {
    BASIC.chars().nth(usize::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
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
    use doorstep_rules::sms::septets;

    use super::*;

    #[test]
    fn gsm7_is_read_as_it_is_written() {
        let all: String = BASIC.chars().filter(|c| *c != '\u{1b}').chain("\u{c}^{}\\[~]|€".chars()).collect();
        assert_eq!(gsm7(&septets(&all)), all);
        assert_eq!(gsm7(&[0x1b]), " ");
        assert_eq!(gsm7(&[0x61, 0xe9]), "a\u{fffd}");
    }

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
