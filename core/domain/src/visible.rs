//! Whether a text says anything: a text of blanks and invisible characters looks empty to every reader.

/// The characters that are drawn as nothing although Unicode counts them neither as white space nor as control characters: the
/// default ignorable code points, the other format characters without a shape, and the blank pattern of Braille. In order.
const INVISIBLE: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a reader sees anything of a text.
pub fn is_visible(text: &str) -> bool {
    let is_seen =
        |c: char| !c.is_whitespace() && !c.is_control() && !INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&c));
    text.chars().any(is_seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_invisible_characters_say_nothing_and_one_sign_among_them_does() {
        for empty in [
            "",
            " ",
            "\t\n",
            "\u{3000}",
            "\u{a0}",
            "\u{200b}",
            "\u{feff}",
            "\u{2060}\u{200d}",
            "\u{0}\u{7f}",
            "\u{ad}",
            "\u{202e} \u{202c}",
            "\u{3164}",
            "\u{2800}",
            "\u{fe0f}",
            "\u{e0020}",
        ] {
            assert!(!is_visible(empty), "{empty:?}");
            assert!(is_visible(&format!("{empty}到{empty}")), "{empty:?} around a sign");
        }
        for text in ["。", "0", "—", "👍\u{fe0f}", "é", "\u{e000}"] {
            assert!(is_visible(text), "{text:?}");
        }
    }

    #[test]
    fn the_invisible_characters_are_listed_in_order() {
        assert!(INVISIBLE.iter().all(|(first, last)| first <= last));
        assert!(INVISIBLE.windows(2).all(|pair| matches!(pair, [(_, end), (next, _)] if end < next)));
    }
}
