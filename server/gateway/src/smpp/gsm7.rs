//! GSM 7-bit, the alphabet of the air interface (3GPP TS 23.038), one septet in each byte.

/// The basic table of GSM 7-bit; 0x1b is the escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

pub(super) fn gsm7(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        let c = match byte {
            // For an unknown extension the standard shows the basic character.
            0x1b => rest.next().map_or(' ', |byte| extended(*byte).unwrap_or_else(|| basic(*byte))),
            byte => basic(*byte),
        };
        out.push(c);
    }
    out
}

/// The characters behind the escape.
pub(super) fn extended(byte: u8) -> Option<char> {
    Some(match byte {
        0x0a => '\u{c}',
        0x14 => '^',
        0x28 => '{',
        0x29 => '}',
        0x2f => '\\',
        0x3c => '[',
        0x3d => '~',
        0x3e => ']',
        0x40 => '|',
        0x65 => '€',
        _ => return None,
    })
}

pub(super) fn basic(byte: u8) -> char {
    BASIC.chars().nth(usize::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
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
}
