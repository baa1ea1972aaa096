//! Receipts: the text that nearly every SMSC writes (SMPP 3.4, appendix B), and the optional fields beside it.

use crate::{Receipt, ReceiptStatus};

/// The optional fields of a receipt.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) id: Option<String>,
    pub(super) state: Option<u8>,
    pub(super) code: Option<String>,
}

/// Reads a receipt. `None` if it names no message.
pub(super) fn receipt(text: &str, fields: Fields) -> Option<Receipt> {
    let id = field(text, "id:").or(fields.id).map(|id| id.chars().take(64).collect::<String>())?;
    let stated = field(text, "stat:").map(|word| status(&word));
    let status = stated.or_else(|| fields.state.map(state)).unwrap_or(ReceiptStatus::Unknown);
    let code = field(text, "err:").or(fields.code).unwrap_or_default();
    let done_at = field(text, "done date:");
    let short = |text: String| text.chars().take(32).collect();
    Some(Receipt { id, status, code: short(code), number: None, done_at: done_at.map(short) })
}

/// The word after a field's name, in upper or lower case. `Text:` comes last and is not searched.
fn field(text: &str, name: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let end = lower.find(" text:").unwrap_or(text.len());
    let mut from = 0;
    while let Some(at) = lower.get(from..end)?.find(name) {
        let at = from + at;
        // Other names end with `id:` too.
        let begins = at == 0 || lower.as_bytes().get(at - 1).is_some_and(|b| *b == b' ');
        from = at + name.len();
        if begins {
            let word = text.get(from..end)?.split_ascii_whitespace().next()?;
            let is_word = word.bytes().all(|b| b.is_ascii_graphic()) && !text.get(from..end)?.starts_with(' ');
            return is_word.then(|| word.to_owned());
        }
    }
    None
}

fn status(word: &str) -> ReceiptStatus {
    match word.to_ascii_uppercase().as_str() {
        "DELIVRD" => ReceiptStatus::Delivered,
        "EXPIRED" => ReceiptStatus::Expired,
        "UNDELIV" | "DELETED" | "SKIPPED" => ReceiptStatus::Undelivered,
        "REJECTD" => ReceiptStatus::Rejected,
        "ACCEPTD" | "ENROUTE" => ReceiptStatus::Accepted,
        _ => ReceiptStatus::Unknown,
    }
}

fn state(code: u8) -> ReceiptStatus {
    match code {
        1 | 6 => ReceiptStatus::Accepted,
        2 => ReceiptStatus::Delivered,
        3 => ReceiptStatus::Expired,
        4 | 5 | 9 => ReceiptStatus::Undelivered,
        8 => ReceiptStatus::Rejected,
        _ => ReceiptStatus::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &str =
        "id:0a1b sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:DELIVRD err:000 text:id:9 stat:UNDELIV";

    #[test]
    fn the_usual_text_is_read_and_the_messages_own_words_are_not() {
        let read = receipt(USUAL, Fields::default()).unwrap();
        let done_at = Some("2611251201".to_owned());
        assert_eq!(
            read,
            Receipt { id: "0a1b".to_owned(), status: ReceiptStatus::Delivered, code: "000".to_owned(), number: None, done_at }
        );
    }

    #[test]
    fn each_state_word_has_its_status() {
        for (word, status) in [
            ("UNDELIV", ReceiptStatus::Undelivered),
            ("EXPIRED", ReceiptStatus::Expired),
            ("REJECTD", ReceiptStatus::Rejected),
            ("ACCEPTD", ReceiptStatus::Accepted),
            ("ENROUTE", ReceiptStatus::Accepted),
            ("UNKNOWN", ReceiptStatus::Unknown),
            ("MK:1008", ReceiptStatus::Unknown),
        ] {
            assert_eq!(receipt(&USUAL.replace("DELIVRD", word), Fields::default()).unwrap().status, status, "{word}");
        }
    }

    #[test]
    fn without_a_text_the_fields_say_it_and_without_an_id_there_is_no_receipt() {
        let fields = || Fields { id: Some("7".to_owned()), state: Some(5), code: Some("8:1".to_owned()) };
        let read = receipt("", fields()).unwrap();
        assert_eq!((read.id.as_str(), read.status, read.code.as_str()), ("7", ReceiptStatus::Undelivered, "8:1"));
        assert_eq!(receipt("Id:9 Stat:delivrd Err: Text:", fields()).unwrap().id, "9");
        assert_eq!(receipt("msgid:9 stat:DELIVRD", Fields::default()), None);
        assert_eq!(receipt("id:", Fields::default()), None);
    }
}
