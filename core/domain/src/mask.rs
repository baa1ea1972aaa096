//! Masks of personal values for people who may not see them. Every screen, list, log and export uses the same function for each
//! sort of value. The masks follow China's standard for electronic waybills, by which a label hides a character of the name, six
//! digits of the number and the room.

use crate::{GeoPosition, NumberFault, Numbers, Personal, parcel::collected_digits};

/// Replaces a value that is hidden as a whole.
pub const HIDDEN: &str = "***";

/// A number as lists, logs and exports show it: at least six of its digits hidden, `138******00`, with `+` before a number of another
/// country, `+852******67`. An extension and further numbers are hidden as a whole. Of a text that is no number, all digits count. A
/// number that is masked already stays as it is.
pub fn mask_number(number: &str) -> String {
    if is_masked(number) {
        return number.to_owned();
    }
    match Numbers::read(number) {
        Ok(read) => format!("{}{}", read.main().plus(), mask_digits(read.main().digits())),
        // The plus is what is wrong with it.
        Err(NumberFault::PlusWithout86) => format!("+{}", mask_collected(number)),
        Err(_) => mask_collected(number),
    }
}

fn mask_collected(number: &str) -> String {
    mask_digits(&collected_digits(number).unwrap_or_default())
}

fn mask_digits(digits: &str) -> String {
    let (head, tail) = match digits.len() {
        11.. => (3, 2),
        9..11 => (1, 2),
        7..9 => (0, 1),
        _ => (0, 0),
    };
    let hidden = digits.len().saturating_sub(head + tail);
    let begins: String = digits.chars().take(head).collect();
    let ends: String = digits.chars().skip(head + hidden).collect();
    format!("{begins}{}{ends}", "*".repeat(hidden.max(6)))
}

/// Whether a text is a mask of a number: at most three digits, six stars or more, and at most two digits, with or without `+`.
fn is_masked(text: &str) -> bool {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (begins, rest) = text.split_at(text.find('*').unwrap_or(text.len()));
    let ends = rest.trim_start_matches('*');
    let is_short = |part: &str, most: usize| part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit());
    rest.len() - ends.len() >= 6 && is_short(begins, 3) && is_short(ends, 2)
}

/// Masks a person's or company's name to its first character, `王**`. A name of one character is hidden as a
/// whole, and a masked one stays as it is.
pub fn mask_name(name: &str) -> String {
    let mut letters = name.trim().chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(_)) if first != '*' => format!("{first}**"),
        _ => "**".to_owned(),
    }
}

/// Masks an address to at most its first six characters, at most half of it, and nothing from the first digit on, `青禾路***`.
/// Building, unit and room come after a digit.
pub fn mask_address(address: &str) -> String {
    let address = address.trim();
    let most = (address.chars().count() / 2).min(6);
    let shown: String = address.chars().take(most).take_while(|letter| !letter.is_numeric()).collect();
    format!("{shown}{HIDDEN}")
}

/// Masks every number of seven digits or more, also with blanks or dashes, in the words of people who work on a case. Other words
/// stay. `keep` is not masked; it is the case's own waybill.
pub fn mask_words(words: &str, keep: &str) -> String {
    if keep.is_empty() {
        return mask_numbers(words);
    }
    words.split(keep).map(mask_numbers).collect::<Vec<_>>().join(keep)
}

fn mask_numbers(words: &str) -> String {
    let mut masked = String::with_capacity(words.len());
    let mut rest = words;
    // Full-width digits are digits too, and show a number as well as others.
    let is_digit = |letter: &char| letter.is_ascii_digit() || ('０'..='９').contains(letter);
    while let Some(start) = rest.find(|letter: char| is_digit(&letter)) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|letter: char| !(is_digit(&letter) || matches!(letter, ' ' | '-'))).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        let number = run.trim_end_matches([' ', '-']);
        let (_, gap) = run.split_at(number.len());
        let is_number = number.chars().filter(is_digit).count() >= 7;
        let signed = before.strip_suffix('+').map(|before| (before, format!("+{number}")));
        match signed.filter(|(_, signed)| is_number && Numbers::read(signed).is_ok()) {
            // The mask says itself whether the number is of another country.
            Some((before, signed)) => {
                masked += before;
                masked += &mask_number(&signed);
            }
            None => {
                masked += before;
                masked += &if is_number { mask_collected(number) } else { number.to_owned() };
            }
        }
        masked += gap;
        rest = after;
    }
    masked + rest
}

/// Rounds a position to about ten kilometres, without its accuracy.
pub fn mask_position(place: GeoPosition) -> GeoPosition {
    const COARSE: i32 = 1_000_000;
    GeoPosition { lat_e7: place.lat_e7 / COARSE * COARSE, lon_e7: place.lon_e7 / COARSE * COARSE, accuracy_m: None }
}

impl Personal {
    /// The number in this value, masked; a sealed value is hidden as a whole.
    pub fn masked_number(&self) -> String {
        self.text().map_or_else(|| "******".to_owned(), mask_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_hides_six_digits_or_all() {
        assert_eq!(mask_number("13800138000"), "138******00");
        for written in ["+8613800138000", "8613800138000", "张三 13800138000"] {
            assert_eq!(mask_number(written), "138******00", "{written}");
        }
        for written in ["13800138000转7839", "13800138000/13900139000", "１３８００１３８０００"] {
            assert_eq!(mask_number(written), "138******00", "{written}");
        }
        assert_eq!(mask_number("1.38E+10"), "******");
        assert_eq!((mask_number("123456789").as_str(), mask_number("12345678").as_str()), ("1******89", "*******8"));
        for number in ["13800138000", "075588888888", "02012345678", "1234567890", "12345678", "1234567", "95311", "1", ""] {
            let shown = mask_number(number).chars().filter(char::is_ascii_digit).count();
            assert!(shown + 6 <= number.len().max(6), "{number}");
        }
        assert_eq!(Personal::plain("13800138000").unwrap().masked_number(), "138******00");
        assert_eq!(Personal::from_bytes(&[1, 0, 9]).unwrap().masked_number(), "******", "sealed");
    }

    #[test]
    fn a_mask_has_a_plus_if_the_number_is_of_another_country() {
        for (number, masked) in [
            ("+852 9123 4567", "+852******67"),
            ("00852 9123 4567", "+852******67"),
            ("+1 415 555 0100", "+141******00"),
            ("+81 90 1234 5678", "+819*******78"),
            ("+13800138000", "+138******00"),
            ("+86 138 0013 8000", "138******00"),
            ("+86 571 8800 1234", "571******34"),
        ] {
            assert_eq!(mask_number(number), masked);
            assert_eq!(mask_number(masked), masked, "masking twice changes nothing");
        }
        for (words, masked) in [
            ("改打+852 9123 4567。", "改打+852******67。"),
            ("改打+86 138 0013 8000。", "改打138******00。"),
            ("改打+13800138000。", "改打+138******00。"),
            ("call +1 415 555 0100 - now", "call +141******00 - now"),
            ("重量+5，件数+3", "重量+5，件数+3"),
        ] {
            assert_eq!(mask_words(words, ""), masked);
            assert_eq!(mask_words(masked, ""), masked, "masking twice changes nothing");
        }
        for kept in ["+1380******00", "++138******00", "+138*****00"] {
            assert_ne!(mask_number(kept), kept, "this shows more than a mask does");
        }
    }

    #[test]
    fn masking_a_masked_value_changes_nothing() {
        for number in ["13800138000", "075588888888", "1234567890", "12345678", "1234567", "95311", ""] {
            assert_eq!(mask_number(&mask_number(number)), mask_number(number), "{number}");
        }
        for name in ["王小花", "John Smith", "王", ""] {
            assert_eq!(mask_name(&mask_name(name)), mask_name(name));
        }
        for kept in ["13800138******", "138******000", "138*****00", "1380013****8000"] {
            assert_ne!(mask_number(kept), kept, "this shows more than a mask does");
        }
    }

    #[test]
    fn a_masked_name_has_its_first_character_at_most() {
        for (name, masked) in [("王小花", "王**"), ("欧阳小姐", "欧**"), ("John Smith", "J**"), ("王", "**"), ("", "**")]
        {
            assert_eq!(mask_name(name), masked);
        }
    }

    #[test]
    fn a_masked_address_shows_neither_house_nor_room() {
        for (address, masked) in [
            ("杭州市西湖区青禾路9号3幢1201室", "杭州市西湖区***"),
            ("青禾路9号", "青禾***"),
            ("青禾路１２号楼后门", "青禾路***"),
            ("12 Green Street", "***"),
            ("门", "***"),
            ("", "***"),
        ] {
            assert_eq!(mask_address(address), masked);
        }
    }

    #[test]
    fn words_stay_and_the_numbers_in_them_are_masked_however_they_are_written() {
        let keep = "QH310000000017";
        for (words, masked) in [
            ("敲门无人，2 次", "敲门无人，2 次"),
            ("改打13812345678，下午3点", "改打138******78，下午3点"),
            ("call 138 1234-5678 - now", "call 138******78 - now"),
            ("单号QH310000000017 电话 0571-88001234", "单号QH310000000017 电话 057*******34"),
            ("1381234567", "1*******67"),
            ("改打１３８１２３４５６７８，第２次", "改打******，第２次"),
            ("", ""),
        ] {
            assert_eq!(mask_words(words, keep), masked);
            assert_eq!(mask_words(&masked.replace(keep, ""), ""), masked.replace(keep, ""), "masking twice changes nothing");
        }
    }

    #[test]
    fn a_masked_place_is_within_about_ten_kilometres() {
        let masked = mask_position(GeoPosition { lat_e7: 302_741_512, lon_e7: -1_201_551_512, accuracy_m: Some(5) });
        assert_eq!(masked, GeoPosition { lat_e7: 302_000_000, lon_e7: -1_201_000_000, accuracy_m: None });
    }
}
