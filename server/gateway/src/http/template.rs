//! The document of a message, with places for the values that differ between messages.

use serde_json::Value;

/// The values for the places.
#[derive(Clone, Copy)]
pub(crate) struct Filling<'a> {
    pub(crate) number: &'a str,
    pub(crate) text: &'a str,
    pub(crate) reference: &'a str,
    pub(crate) sender: &'a str,
    pub(crate) segments: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Number,
    Text,
    Reference,
    Sender,
    Segments,
}

/// A JSON document with places. Inserted values are not searched for places.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    /// The pieces, each with the place that follows it; the last has none.
    pieces: Vec<(String, Option<Place>)>,
}

impl Template {
    /// Reads a template, and checks that every filling gives valid JSON.
    pub(crate) fn parse(body: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let mut rest = body;
        while let Some((before, behind)) = rest.split_once('{') {
            piece.push_str(before);
            match behind.split_once('}') {
                Some((word, next)) if is_word(word) => {
                    pieces.push((std::mem::take(&mut piece), Some(place(word)?)));
                    rest = next;
                }
                _ => {
                    piece.push('{');
                    rest = behind;
                }
            }
        }
        piece.push_str(rest);
        pieces.push((piece, None));
        let template = Self { pieces };
        for (wanted, name) in [(Place::Number, "{number}"), (Place::Text, "{text}")] {
            if !template.pieces.iter().any(|(_, place)| *place == Some(wanted)) {
                return Err(format!("must have the place {name}"));
            }
        }
        // Test values with every awkward character, all different.
        let (number, text, reference, sender) = ("1\"\\", "2\n\u{1}\"}{number}", "3'\"", "4\"");
        let filled = template.fill(Filling { number, text, reference, sender, segments: 5 });
        match serde_json::from_str::<Value>(&filled) {
            Ok(document) if has(&document, number) && has(&document, text) => Ok(template),
            _ => Err("must be JSON in which the places stand inside strings, such as {\"to\":\"{number}\",\"text\":\"{text}\"}"
                .to_owned()),
        }
    }

    /// Makes the document of one message.
    pub(crate) fn fill(&self, filling: Filling<'_>) -> String {
        let mut out = String::new();
        for (piece, place) in &self.pieces {
            out.push_str(piece);
            match place {
                Some(Place::Number) => out.push_str(&escaped(filling.number)),
                Some(Place::Text) => out.push_str(&escaped(filling.text)),
                Some(Place::Reference) => out.push_str(&escaped(filling.reference)),
                Some(Place::Sender) => out.push_str(&escaped(filling.sender)),
                Some(Place::Segments) => out.push_str(&filling.segments.to_string()),
                None => {}
            }
        }
        out
    }
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn place(word: &str) -> Result<Place, String> {
    match word {
        "number" => Ok(Place::Number),
        "text" => Ok(Place::Text),
        "reference" => Ok(Place::Reference),
        "sender" => Ok(Place::Sender),
        "segments" => Ok(Place::Segments),
        other => Err(format!("has the place {{{other}}}; there are number, text, reference, sender and segments")),
    }
}

/// Escapes a text for the inside of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

/// Whether a text is part of any string in a document.
fn has(document: &Value, text: &str) -> bool {
    match document {
        Value::String(string) => string.contains(text),
        Value::Array(items) => items.iter().any(|item| has(item, text)),
        Value::Object(fields) => fields.values().any(|item| has(item, text)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_as_json_strings_and_a_filling_makes_no_place() {
        let template = Template::parse(
            r#"{"to":"+{number}","p":{"t":"【圆通】{text}"},"id":"{reference}","from":"{sender}","n":{segments}}"#,
        )
        .unwrap();
        let filling = Filling { number: "138", text: "a\"b{sender}\n", reference: "r1", sender: "1069", segments: 2 };
        let expected = r#"{"to":"+138","p":{"t":"【圆通】a\"b{sender}\n"},"id":"r1","from":"1069","n":2}"#;
        assert_eq!(template.fill(filling), expected);
    }

    #[test]
    fn a_template_that_would_not_be_json_or_lacks_a_place_is_refused() {
        for (body, says) in [
            (r#"{"to":{number},"text":"{text}"}"#, "inside strings"),
            (r#"{"to":"{number}","text":"{text}""#, "must be JSON"),
            (r#"{"to":"{number}"}"#, "{text}"),
            (r#"{"to":"{number}","text":"{text}","x":"{phone}"}"#, "{phone}"),
            ("number={number}&text={text}", "must be JSON"),
        ] {
            let said = Template::parse(body).unwrap_err();
            assert!(said.contains(says), "{body}: {said}");
        }
    }
}
