//! The tables of languages for GSM 7-bit (3GPP TS 23.038, annex A). A header names them.
//!
//! Turkish, Spanish and Portuguese are read. Of other languages the letters, digits and blanks that all tables share are shown, and
//! [`char::REPLACEMENT_CHARACTER`] for the rest, because a wrong letter would be worse than none.

use super::gsm7::{basic, extended};

const TURKISH: u8 = 1;
const SPANISH: u8 = 2;
const PORTUGUESE: u8 = 3;

/// The tables that a header names; 0 is the common one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shift {
    /// The table of all characters.
    pub(super) locking: u8,
    /// The table of characters behind the escape.
    pub(super) single: u8,
}

/// Where the Turkish and the Portuguese tables of all characters differ from the common one.
const TURKISH_LOCKING: &[(u8, char)] =
    &[(0x04, '€'), (0x07, 'ı'), (0x0b, 'Ğ'), (0x0c, 'ğ'), (0x1c, 'Ş'), (0x1d, 'ş'), (0x40, 'İ'), (0x60, 'ç')];
const PORTUGUESE_LOCKING: &[(u8, char)] = &[
    (0x04, 'ê'),
    (0x06, 'ú'),
    (0x07, 'í'),
    (0x08, 'ó'),
    (0x09, 'ç'),
    (0x0b, 'Ô'),
    (0x0c, 'ô'),
    (0x0e, 'Á'),
    (0x0f, 'á'),
    (0x12, 'ª'),
    (0x13, 'Ç'),
    (0x14, 'À'),
    (0x15, '∞'),
    (0x16, '^'),
    (0x17, '\\'),
    (0x18, '€'),
    (0x19, 'Ó'),
    (0x1a, '|'),
    (0x1c, 'Â'),
    (0x1d, 'â'),
    (0x1e, 'Ê'),
    (0x24, 'º'),
    (0x40, 'Í'),
    (0x5b, 'Ã'),
    (0x5c, 'Õ'),
    (0x5d, 'Ú'),
    (0x60, '~'),
    (0x7b, 'ã'),
    (0x7c, 'õ'),
    (0x7d, '`'),
];

/// What the tables behind the escape have beside the common one.
const TURKISH_SINGLE: &[(u8, char)] =
    &[(0x47, 'Ğ'), (0x49, 'İ'), (0x53, 'Ş'), (0x63, 'ç'), (0x67, 'ğ'), (0x69, 'ı'), (0x73, 'ş')];
const SPANISH_SINGLE: &[(u8, char)] =
    &[(0x09, 'ç'), (0x41, 'Á'), (0x49, 'Í'), (0x4f, 'Ó'), (0x55, 'Ú'), (0x61, 'á'), (0x69, 'í'), (0x6f, 'ó'), (0x75, 'ú')];
const PORTUGUESE_SINGLE: &[(u8, char)] = &[
    (0x05, 'ê'),
    (0x09, 'ç'),
    (0x0b, 'Ô'),
    (0x0c, 'ô'),
    (0x0e, 'Á'),
    (0x0f, 'á'),
    (0x12, 'Φ'),
    (0x13, 'Γ'),
    (0x15, 'Ω'),
    (0x16, 'Π'),
    (0x17, 'Ψ'),
    (0x18, 'Σ'),
    (0x19, 'Θ'),
    (0x1f, 'Ê'),
    (0x41, 'À'),
    (0x49, 'Í'),
    (0x4f, 'Ó'),
    (0x55, 'Ú'),
    (0x5b, 'Ã'),
    (0x5c, 'Õ'),
    (0x61, 'Â'),
    (0x69, 'í'),
    (0x6f, 'ó'),
    (0x75, 'ú'),
    (0x7b, 'ã'),
    (0x7c, 'õ'),
    (0x7f, 'â'),
];

fn find(table: &[(u8, char)], byte: u8) -> Option<char> {
    table.iter().find(|(known, _)| *known == byte).map(|(_, c)| *c)
}

impl Shift {
    pub(super) fn text(self, bytes: &[u8]) -> String {
        let mut out = String::with_capacity(bytes.len());
        let mut rest = bytes.iter();
        while let Some(byte) = rest.next() {
            out.push(match byte {
                0x1b => rest.next().map_or(' ', |byte| self.behind_escape(*byte)),
                byte => self.plain(*byte),
            });
        }
        out
    }

    fn plain(self, byte: u8) -> char {
        let shared = || match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'\n' | b'\r' => char::from(byte),
            _ => char::REPLACEMENT_CHARACTER,
        };
        match self.locking {
            0 => basic(byte),
            TURKISH => find(TURKISH_LOCKING, byte).unwrap_or_else(|| basic(byte)),
            PORTUGUESE => find(PORTUGUESE_LOCKING, byte).unwrap_or_else(|| basic(byte)),
            _ => shared(),
        }
    }

    fn behind_escape(self, byte: u8) -> char {
        let own = match self.single {
            0 => None,
            TURKISH => find(TURKISH_SINGLE, byte),
            SPANISH => find(SPANISH_SINGLE, byte),
            PORTUGUESE => find(PORTUGUESE_SINGLE, byte),
            _ => Some(char::REPLACEMENT_CHARACTER),
        };
        own.or_else(|| extended(byte)).unwrap_or_else(|| self.plain(byte))
    }
}

/// The tables that a header names. `None` if it names none, or if there is no well-formed header.
pub(super) fn shift(bytes: &[u8]) -> Option<Shift> {
    let (mut elements, _) = bytes.split_first().and_then(|(length, rest)| rest.split_at_checked(usize::from(*length)))?;
    let mut shift = Shift { locking: 0, single: 0 };
    while let [kind, length, rest @ ..] = elements {
        let (value, next) = rest.split_at_checked(usize::from(*length))?;
        match (kind, value) {
            (0x24, [language]) => shift.single = *language,
            (0x25, [language]) => shift.locking = *language,
            _ => {}
        }
        elements = next;
    }
    (shift != Shift { locking: 0, single: 0 }).then_some(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(locking: u8, single: u8, bytes: &[u8]) -> String {
        Shift { locking, single }.text(bytes)
    }

    #[test]
    fn tables_of_languages_are_read() {
        assert_eq!(text(0, TURKISH, &[0x1b, 0x53, b'i', 0x1b, 0x73, 0x1b, 0x65]), "Şiş€");
        assert_eq!(text(TURKISH, 0, &[0x1c, b'i', 0x1d, 0x04]), "Şiş€");
        assert_eq!(text(0, SPANISH, &[b's', 0x1b, 0x69]), "sí");
        assert_eq!(text(PORTUGUESE, PORTUGUESE, &[b'n', 0x7b, b'o', 0x1b, 0x7b]), "nãoã");
        assert_eq!(text(TURKISH, TURKISH, &[0x1b]), " ");
    }

    #[test]
    fn of_an_unknown_language_what_all_tables_share_is_shown() {
        assert_eq!(text(6, 0, &[0x01, b'T', b'D', b' ', b'7', 0x1b, 0x3c]), "\u{fffd}TD 7[");
        assert_eq!(text(0, 9, &[b'a', 0x1b, 0x20]), "a\u{fffd}");
    }

    #[test]
    fn a_header_names_them_beside_the_place_of_a_segment() {
        assert_eq!(shift(&[3, 0x24, 1, 1, b'a']), Some(Shift { locking: 0, single: 1 }));
        assert_eq!(shift(&[11, 0, 3, 7, 2, 1, 0x25, 1, 3, 0x24, 1, 2, b'a']), Some(Shift { locking: 3, single: 2 }));
        assert_eq!(shift(&[5, 0, 3, 7, 2, 1, b'a']), None);
        assert_eq!(shift(&[9, 0x24, 1]), None);
    }
}
