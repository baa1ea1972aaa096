//! Reference texts against counters that nobody here wrote: `tests/peers/segments.mjs` made the figures.

use doorstep_rules::sms::{Alphabet, Segments};
use serde::Deserialize;

/// A text with what the counter says of it, or what the standard says where the counter is wrong (`note` tells why).
#[derive(Deserialize)]
struct Reference {
    name: String,
    text: String,
    encoding: String,
    units: usize,
    segments: usize,
}

#[test]
fn two_hundred_texts_have_the_alphabet_the_units_and_the_segments_of_an_independent_counter() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peers/segments.json");
    let texts: Vec<Reference> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert!(texts.len() >= 200);
    for Reference { name, text, encoding, units, segments } in texts {
        let ours = Segments::of(&text);
        let alphabet = match ours.alphabet {
            Alphabet::Gsm7 => "gsm7",
            Alphabet::Ucs2 => "ucs2",
        };
        assert_eq!((alphabet, ours.units, ours.count()), (encoding.as_str(), units, segments), "{name}");
        assert_eq!(ours.parts.concat(), text, "{name}");
    }
}
