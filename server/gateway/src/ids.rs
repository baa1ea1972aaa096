//! Spellings of a provider's id: receipts often spell it differently from the answer to the submit.

/// The largest number of characters of an id that is read as a number. 20 decimal digits hold 64 bits, and padding is removed
/// before.
const MOST: usize = 20;

/// The normal forms of an id. Two spellings may mean the same message if their sets share a form. So a database stores all forms
/// of the id in the submit's answer, and looks a receipt up by all forms of its own id.
///
/// `"2587"`, `"0000002587"`, `"0a1b"` and `"A1B"` share `n2587`. The first form is always the id itself (`=` before it).
///
/// Limits: an id of digits only may be decimal or hexadecimal, so `"10"` has both `n10` and `n16`. If the provider counts its ids
/// up, a receipt in one spelling may name another message in the other. Prefer the match by the earlier form, and match only
/// within the same provider, recipient and time. Ids longer than 64 bits, or with other characters, match only themselves
/// (ignoring case).
pub fn id_forms(id: &str) -> Vec<String> {
    let id = id.trim();
    let mut forms = vec![format!("={}", id.to_ascii_lowercase())];
    let digits = id.strip_prefix("0x").or_else(|| id.strip_prefix("0X")).unwrap_or(id);
    let is_prefixed = digits.len() != id.len();
    let bare = digits.trim_start_matches('0');
    if digits.is_empty() || bare.len() > MOST || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return forms;
    }
    let bare = if bare.is_empty() { "0" } else { bare };
    let decimal = if is_prefixed { None } else { bare.parse::<u64>().ok() };
    let hexadecimal = u64::from_str_radix(bare, 16).ok();
    for number in [decimal, hexadecimal].into_iter().flatten() {
        let form = format!("n{number}");
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_be_same(one: &str, other: &str) -> bool {
        id_forms(one).iter().any(|form| id_forms(other).contains(form))
    }

    #[test]
    fn hexadecimal_decimal_and_padded_spellings_meet() {
        for spelling in ["2587", "0000002587", "00000000000000000000002587", "a1b", "0A1B", "0x0a1b", " 2587 "] {
            assert!(may_be_same("2587", spelling), "{spelling}");
            assert!(may_be_same(spelling, "0a1b"), "{spelling}");
        }
        assert!(!may_be_same("2587", "2588"));
        assert!(!may_be_same("a1b", "a1c"));
    }

    #[test]
    fn an_id_of_digits_only_can_be_either() {
        assert_eq!(id_forms("10"), ["=10", "n10", "n16"]);
        // If the provider counts its ids, this may be another message's id. The earlier form is the better match.
        assert!(may_be_same("10", "16"));
        assert_eq!(id_forms("0x10"), ["=0x10", "n16"]);
    }

    #[test]
    fn ids_that_are_no_number_only_match_themselves() {
        assert_eq!(id_forms("3f2A-77"), ["=3f2a-77"]);
        assert_eq!(id_forms("123456789012345678901234"), ["=123456789012345678901234"]);
        assert_eq!(id_forms(""), ["="]);
        assert!(!may_be_same("", "0"));
        assert_eq!(id_forms("18446744073709551615"), ["=18446744073709551615", "n18446744073709551615"]);
    }

    #[test]
    fn zero_has_its_forms() {
        assert_eq!(id_forms("0000"), ["=0000", "n0"]);
    }
}
