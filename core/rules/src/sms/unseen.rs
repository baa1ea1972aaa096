//! Characters that show nothing themselves but change how a text looks. No value may carry one into an SMS.

/// Whether a character is a control, turns the direction of a text, or takes no room. Variation selectors are not meant: they
/// choose a form of the character before them.
pub(super) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e00ff}'
                | '\u{e01f0}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_or_hides_a_text_is_unseen_and_letters_are_not() {
        for c in [
            '\u{202e}', '\u{2066}', '\u{200e}', '\u{61c}', '\u{200b}', '\u{200d}', '\u{feff}', '\u{3164}', '\n', '\u{7f}',
            '\u{85}',
        ] {
            assert!(is_unseen(c), "{c:?}");
        }
        for c in ['王', 'é', '\u{301}', '·', ' ', '\u{3000}', '😀', '𠮷', '\u{fe0f}', 'ا', '1'] {
            assert!(!is_unseen(c), "{c:?}");
        }
    }
}
