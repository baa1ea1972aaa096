//! The alphabet and the segments of a text (3GPP TS 23.038, 23.040).

use std::fmt;

use serde::Serialize;

/// The alphabet of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    /// GSM 7-bit default alphabet with its extension table: 160 septets in one segment, 153 in each of several.
    Gsm7,
    /// UTF-16 (UCS-2 in the standard): 70 units of 16 bits in one segment, 67 in each of several.
    Ucs2,
}

impl Alphabet {
    /// Most units of a message in one segment.
    pub fn whole(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Most units of each of several segments. Six bytes are used for the header that joins them.
    pub fn joined(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    /// How many units a character takes: in GSM 7-bit two for one of the extension table, in UCS-2 two beyond the basic plane.
    /// `None` for a character that GSM 7-bit does not have.
    fn units(self, c: char) -> Option<usize> {
        match self {
            Self::Gsm7 if BASIC.contains(c) => Some(1),
            Self::Gsm7 if CODES.iter().any(|(known, _)| *known == c) => Some(2),
            Self::Gsm7 => None,
            Self::Ucs2 => Some(c.len_utf16()),
        }
    }
}

/// The basic table, without the escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Most segments of a message, because the header numbers them in one byte.
pub const MAX_SEGMENTS: usize = 255;

/// A text cut into segments. Surrogate pairs and escapes are never split. Its `Debug` does not show the text.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Segments {
    /// The alphabet of all of them.
    pub alphabet: Alphabet,
    /// Units in all: septets, or units of 16 bits.
    pub units: usize,
    /// The text of each, in order; one empty segment for an empty text.
    pub parts: Vec<String>,
}

impl fmt::Debug for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segments({:?}, {} units, {} parts)", self.alphabet, self.units, self.parts.len())
    }
}

impl Segments {
    /// Cuts a text.
    pub fn of(text: &str) -> Self {
        let is_gsm7 = text.chars().all(|c| Alphabet::Gsm7.units(c).is_some());
        let alphabet = if is_gsm7 { Alphabet::Gsm7 } else { Alphabet::Ucs2 };
        let units = |c| alphabet.units(c).unwrap_or(1);
        let all = text.chars().map(units).sum();
        let room = if all <= alphabet.whole() { alphabet.whole() } else { alphabet.joined() };
        let (mut parts, mut part, mut used) = (Vec::new(), String::new(), 0);
        for c in text.chars() {
            if used + units(c) > room {
                parts.push(std::mem::take(&mut part));
                used = 0;
            }
            used += units(c);
            part.push(c);
        }
        parts.push(part);
        Self { alphabet, units: all, parts }
    }

    /// Cuts a text with the operator's signature before it. It gives the number of segments that a preview shows, that the operator
    /// bills, and that it may report one by one.
    pub fn signed(signature: &str, text: &str) -> Self {
        Self::of(&format!("{signature}{text}"))
    }

    /// The number of segments, which the operator bills.
    pub fn count(&self) -> usize {
        self.parts.len()
    }
}

/// The septets of a text, one byte each, with an escape before characters of the extension table. Characters outside the alphabet
/// are left out; [`Segments::of`] chooses the alphabet so that there are none.
pub fn septets(text: &str) -> Vec<u8> {
    let place = |table: &str, c: char| table.chars().position(|known| known == c).and_then(|at| u8::try_from(at).ok());
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        // The escape stands between Ξ (0x1a) and Æ (0x1c).
        if let Some(at) = place(BASIC, c) {
            out.push(if at < 0x1b { at } else { at + 1 });
        } else if let Some((_, code)) = CODES.iter().find(|(known, _)| *known == c) {
            out.extend([0x1b, *code]);
        }
    }
    out
}

/// The extension table. Each character takes two septets, the first of which is the escape.
const CODES: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> (Alphabet, usize, usize) {
        let segments = Segments::of(text);
        assert_eq!(segments.parts.concat(), text);
        (segments.alphabet, segments.units, segments.count())
    }

    #[test]
    fn gsm7_has_160_in_one_segment_and_153_in_each_of_several() {
        assert_eq!(counted(&"a".repeat(160)), (Alphabet::Gsm7, 160, 1));
        assert_eq!(counted(&"a".repeat(161)), (Alphabet::Gsm7, 161, 2));
        assert_eq!(counted(&"a".repeat(306)), (Alphabet::Gsm7, 306, 2));
        assert_eq!(counted(&"a".repeat(307)), (Alphabet::Gsm7, 307, 3));
        assert_eq!(counted(""), (Alphabet::Gsm7, 0, 1));
    }

    #[test]
    fn an_extension_character_counts_twice_and_its_escape_is_never_torn() {
        assert_eq!(counted(&"€".repeat(80)), (Alphabet::Gsm7, 160, 1));
        // 152 + 2 > 153: the euro begins the next segment.
        let segments = Segments::of(&format!("{}€{}", "a".repeat(152), "b".repeat(20)));
        assert_eq!(segments.parts[0].chars().count(), 152);
        assert!(segments.parts[1].starts_with('€'));
    }

    #[test]
    fn ucs2_has_70_and_67_units_of_16_bits_and_never_tears_a_surrogate_pair() {
        assert_eq!(counted(&"中".repeat(70)), (Alphabet::Ucs2, 70, 1));
        assert_eq!(counted(&"中".repeat(71)), (Alphabet::Ucs2, 71, 2));
        assert_eq!(counted(&"😀".repeat(35)), (Alphabet::Ucs2, 70, 1));
        let segments = Segments::of(&format!("{}😀{}", "中".repeat(66), "文".repeat(10)));
        assert_eq!(segments.parts[0].encode_utf16().count(), 66);
        assert!(segments.parts[1].starts_with('😀'));
    }

    #[test]
    fn septets_are_those_of_the_alphabet() {
        assert_eq!(septets("@ΞÆa{"), [0x00, 0x1a, 0x1c, 0x61, 0x1b, 0x28]);
        assert_eq!(septets(" à€"), [0x20, 0x7f, 0x1b, 0x65]);
        assert_eq!(BASIC.chars().count(), 127);
    }
}
