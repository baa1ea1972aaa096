//! What the network says beside a receipt's status: its words and codes, in one text that can be shown and stored.
//!
//! A code stands in three places: in the word of the state (`MK:0001`), in a field of its own (`err:001`), and over SMPP in a
//! field beside the text (`network_error_code`). Gateways fill the places that they do not use with zeros, so no place alone has it.

use crate::ReceiptStatus;

/// The longest text, in characters.
const MOST: usize = 32;
/// The longest code in the place of a word: `CUST:12345678`.
const MOST_CODE: usize = 13;

/// What a receipt says beside its status.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Codes<'a> {
    /// The word of the state.
    pub(crate) word: Option<&'a str>,
    /// The field for the code.
    pub(crate) field: Option<&'a str>,
    /// The code beside the text: network type and error code.
    pub(crate) beside: Option<(u8, u16)>,
}

impl Codes<'_> {
    /// The text: of a failure the word, if nothing else says the same; then the codes. At most 32 printable ASCII characters.
    pub(crate) fn text(&self, status: ReceiptStatus) -> String {
        let beside = self.beside.map(|(network, code)| format!("{network}:{code}"));
        let field = self.field.map(str::trim).filter(|field| !field.is_empty());
        let beside = beside.as_deref().filter(|beside| Some(*beside) != field);
        // A code of zero stays, because it is what the gateway said, but it says nothing.
        let is_telling = |code: &str| code.bytes().any(|byte| !matches!(byte, b'0' | b' '));
        let says_more = field.is_some_and(is_telling) || self.beside.is_some_and(|(_, code)| code != 0);
        let word = self.word.map(str::trim).filter(|word| !word.is_empty() && status.is_failure()).filter(|word| {
            let is_own = word.contains(':') || status == ReceiptStatus::Unknown;
            is_own || (!says_more && !repeats(word))
        });
        let tail = beside.map_or(0, |beside| beside.len() + 1);
        let rest = tail + field.map_or(0, |field| field.chars().count() + 1);
        let word = word.map(|word| shortened(word, MOST.saturating_sub(rest).max(MOST_CODE)));
        let head = word.as_ref().map_or(0, |word| word.chars().count() + 1);
        let field = field.map(|field| shortened(field, MOST.saturating_sub(head + tail)));
        let all = [word.as_deref(), field.as_deref(), beside];
        plain(&all.into_iter().flatten().collect::<Vec<_>>().join(" "), MOST)
    }
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(most).collect()
}

/// Whether a word says no more than its status does.
fn repeats(word: &str) -> bool {
    let plain = ["UNDELIV", "UNDELIVERED", "UNDELIVERABLE", "EXPIRED", "REJECTD", "REJECTED"];
    plain.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Whether a receipt says that the number does not exist, by its status and its code ([`crate::Receipt::code`]): error 1 of the
/// network, "unknown subscriber" (3GPP TS 29.002). A phone that is switched off is another error.
///
/// It is `1` in the field for the code, `MK:0001` of CMPP, and `3:1` in `network_error_code`, where 3 is GSM. The codes of a centre's
/// own (type 8 there) are unknown here.
pub fn is_unknown_subscriber(status: ReceiptStatus, code: &str) -> bool {
    let is_one = |digits: &str| {
        let bare = digits.trim_start_matches('0');
        bare == "1" && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_it = |code: &str| match code.split_once(':') {
        Some((kind, code)) => (kind == "3" || kind.eq_ignore_ascii_case("MK")) && is_one(code),
        None => is_one(code),
    };
    status == ReceiptStatus::Undelivered && code.split(' ').any(is_it)
}

/// A code that may be shown: printable ASCII, at most `most` characters, and without a run of seven digits, which may be
/// somebody's number.
pub(crate) fn plain(code: &str, most: usize) -> String {
    let mut out = String::new();
    let mut digits = 0;
    for c in code.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(most) {
        digits = if c.is_ascii_digit() { digits + 1 } else { 0 };
        out.push(c);
        if digits == 7 {
            out.truncate(out.len() - 7);
            out.push_str("#######");
        } else if digits > 7 {
            out.pop();
            out.push('#');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is stored of an undelivered message's codes, and whether they say that the number does not exist.
    fn read(word: &str, field: &str, beside: Option<(u8, u16)>) -> (String, bool) {
        let codes = Codes { word: Some(word), field: Some(field), beside };
        let text = codes.text(ReceiptStatus::Undelivered);
        let is_unknown = is_unknown_subscriber(ReceiptStatus::Undelivered, &text);
        (text, is_unknown)
    }

    #[test]
    fn an_unknown_subscriber_is_heard_in_each_place_whatever_the_others_are_filled_with() {
        for (word, field, beside, text) in [
            ("MK:0001", "", None, "MK:0001"),
            ("MK:0001", "0", None, "MK:0001 0"),
            ("MK:0001", "000", Some((3, 0)), "MK:0001 000 3:0"),
            ("mk:1", "7", None, "mk:1 7"),
            ("UNDELIV", "001", None, "001"),
            ("UNDELIV", "1", Some((3, 0)), "1 3:0"),
            ("UNDELIV", "", Some((3, 1)), "3:1"),
            ("UNDELIV", "000", Some((3, 1)), "000 3:1"),
            ("UNDELIV", "3:1", Some((3, 1)), "3:1"),
            ("UNDELIV", "MK:0001", None, "MK:0001"),
            ("DELETED", "0001", None, "0001"),
            ("CUST:12345678", "a code of the vendor that is long 1", Some((3, 1)), "CUST:######## a code of the  3:1"),
        ] {
            assert_eq!(read(word, field, beside), (text.to_owned(), true), "{word} {field} {beside:?}");
        }
    }

    #[test]
    fn other_codes_are_no_unknown_subscriber() {
        for (word, field, beside, text) in [
            ("MK:0012", "0", None, "MK:0012 0"),
            ("DB:0001", "000", None, "DB:0001 000"),
            ("MK:0010", "10", Some((3, 27)), "MK:0010 10 3:27"),
            ("UNDELIV", "000", Some((8, 1)), "000 8:1"),
            ("UNDELIV", "1x", Some((2, 1)), "1x 2:1"),
            ("UNDELIV", "-1", None, "-1"),
            ("UNDELIV", "", None, ""),
            ("DELETED", "000", None, "DELETED 000"),
            ("DELETED", "7", None, "7"),
        ] {
            assert_eq!(read(word, field, beside), (text.to_owned(), false), "{word} {field} {beside:?}");
        }
        assert!(!is_unknown_subscriber(ReceiptStatus::Expired, "MK:0001"), "it was never asked");
        assert!(!is_unknown_subscriber(ReceiptStatus::Unknown, "001"));
    }

    #[test]
    fn a_code_shows_no_number_of_anybody() {
        assert_eq!(plain("isv.MOBILE_NUMBER_ILLEGAL", 64), "isv.MOBILE_NUMBER_ILLEGAL");
        assert_eq!(plain("bad number 13800000001!", 64), "bad number ###########!");
        assert_eq!(plain("错误 401234\n", 64), " 401234");
        assert_eq!(plain("abc", 2), "ab");
        assert_eq!(read("UNDELIV", "13800000001", None).0, "###########");
    }
}
