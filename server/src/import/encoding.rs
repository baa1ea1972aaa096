//! From the bytes of a file to its text.

use std::borrow::Cow;

use encoding_rs::{GB18030, UTF_16BE, UTF_16LE};

/// The encoding of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Utf8Marked,
    Utf16Le,
    Utf16Be,
    Gb18030,
}

impl Encoding {
    /// Its name in a report.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Marked => "UTF-8 with BOM",
            Self::Utf16Le => "UTF-16 LE",
            Self::Utf16Be => "UTF-16 BE",
            Self::Gb18030 => "GB18030",
        }
    }
}

/// The text of a file.
#[derive(Debug)]
pub(crate) struct Decoded<'f> {
    /// The text, without a byte order mark. U+FFFD stands for bytes that can not be read.
    pub text: Cow<'f, str>,
    /// The encoding that was found.
    pub encoding: Encoding,
    /// Whether some bytes can not be read.
    pub damaged: bool,
}

/// UTF-16 without the mark that says the order of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoMark;

/// Finds the encoding and reads the text. A byte order mark decides. Without one, bytes that are valid UTF-8 are UTF-8. Others are
/// GB18030, unless most lines with other than ASCII characters are valid UTF-8: then only some of its bytes are damaged.
pub(crate) fn decode(file: &[u8]) -> Result<Decoded<'_>, NoMark> {
    if let Some(rest) = file.strip_prefix(b"\xef\xbb\xbf") {
        return Ok(utf8(rest, Encoding::Utf8Marked));
    }
    for (mark, encoding, codec) in [(b"\xff\xfe", Encoding::Utf16Le, UTF_16LE), (b"\xfe\xff", Encoding::Utf16Be, UTF_16BE)] {
        if let Some(rest) = file.strip_prefix(mark) {
            let (text, damaged) = codec.decode_without_bom_handling(rest);
            return Ok(Decoded { text, encoding, damaged });
        }
    }
    // A header in Latin letters has a zero byte in each character.
    if let [a, b, c, d, ..] = file
        && matches!([a, b, c, d].map(|byte| *byte == 0), [true, false, true, false] | [false, true, false, true])
    {
        return Err(NoMark);
    }
    if std::str::from_utf8(file).is_ok() || is_mostly_utf8(file) {
        return Ok(utf8(file, Encoding::Utf8));
    }
    let (text, damaged) = GB18030.decode_without_bom_handling(file);
    Ok(Decoded { text, encoding: Encoding::Gb18030, damaged })
}

fn utf8(bytes: &[u8], encoding: Encoding) -> Decoded<'_> {
    let text = String::from_utf8_lossy(bytes);
    let damaged = matches!(text, Cow::Owned(_));
    Decoded { text, encoding, damaged }
}

fn is_mostly_utf8(file: &[u8]) -> bool {
    let (mut valid, mut others) = (0_u64, 0_u64);
    for line in file.split(|byte| *byte == b'\n').filter(|line| !line.is_ascii()) {
        *(if std::str::from_utf8(line).is_ok() { &mut valid } else { &mut others }) += 1;
    }
    valid > others
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &[u8]) -> (String, &'static str, bool) {
        let Decoded { text, encoding, damaged } = decode(file).unwrap();
        (text.into_owned(), encoding.as_str(), damaged)
    }

    #[test]
    fn each_encoding_of_a_list_is_found() {
        let text = "waybill,收件人\nQH310000000017,欧阳小花\n";
        let said = |encoding| (text.to_owned(), encoding, false);
        assert_eq!(read(text.as_bytes()), said("UTF-8"));
        assert_eq!(read(format!("\u{feff}{text}").as_bytes()), said("UTF-8 with BOM"));
        let units =
            |bytes: fn(u16) -> [u8; 2]| std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect::<Vec<u8>>();
        assert_eq!(read(&units(u16::to_le_bytes)), said("UTF-16 LE"));
        assert_eq!(read(&units(u16::to_be_bytes)), said("UTF-16 BE"));
        assert_eq!(read(&GB18030.encode(text).0), said("GB18030"));
        assert_eq!(read(b"waybill\n"), ("waybill\n".to_owned(), "UTF-8", false));
        // A rare character that only GB18030 has, in four bytes.
        let rare = "waybill,收件人\nQH310000000017,王㸃𠮷\n";
        assert_eq!(read(&GB18030.encode(rare).0).0, rare);
    }

    #[test]
    fn damaged_bytes_stay_in_their_line_and_do_not_change_the_encoding_of_the_others() {
        let (text, encoding, damaged) = read(b"a,\xe7\x8e\x8b\nb,\xe7\x8e\nc,\xe7\x8e\x8b\n");
        assert_eq!((text.as_str(), encoding, damaged), ("a,王\nb,\u{fffd}\nc,王\n", "UTF-8", true));
        let (text, encoding, damaged) = read(b"a,\xcd\xf5\nb,\xff,1\nc,\xcd\nd,\xcd\xf5\n");
        assert_eq!((encoding, damaged), ("GB18030", true));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[3]), (4, "a,王", "d,王"), "{text}");
        let (text, _, damaged) = read(b"\xff\xfea\0,\0\x00\xd8\n\0b\0");
        assert_eq!((text.as_str(), damaged), ("a,\u{fffd}\nb", true));
    }

    #[test]
    fn utf_16_without_its_mark_is_refused() {
        assert_eq!(decode(b"w\0a\0y\0").unwrap_err(), NoMark);
        assert_eq!(decode(b"\0w\0a\0y").unwrap_err(), NoMark);
        assert!(decode(b"").is_ok());
    }
}
