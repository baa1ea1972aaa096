//! The address of a recipient: digits and type of number.
//!
//! Head office's list has mainland mobiles as people write them, without a country code, and numbers of other countries with it. A
//! number of type 1 (international) without a country code goes to another country, or nowhere.

use crate::SmppConfig;

/// China's country code. Lists write its mobiles without one.
const CHINA: &str = "86";
/// The type of a number with its country code.
const INTERNATIONAL: u8 = 1;
/// The longest number with its country code (E.164), and the longest one that SMPP can carry.
const MOST_DIGITS: usize = 20;

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dest {
    pub(super) digits: String,
    pub(super) ton: u8,
}

impl Dest {
    /// The address of a number: digits with or without a country code; `+` or `00` before them says that there is one. `None`
    /// unless it has 1 to 20 digits.
    pub(super) fn of(config: &SmppConfig, number: &str) -> Option<Self> {
        let number = number.trim();
        let marked = number.strip_prefix('+').or_else(|| number.strip_prefix("00"));
        let digits = marked.unwrap_or(number);
        let is_number = (1..=MOST_DIGITS).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if !is_number {
            return None;
        }
        let (code, national) = parted(digits, marked.is_some(), &config.country);
        let ton = config.dest_ton;
        Some(match (code, ton) {
            // A number of another country has its own code, and no type of a national number is right for it.
            (None, _) => Self { digits: digits.to_owned(), ton: INTERNATIONAL },
            (Some(code), INTERNATIONAL) => Self { digits: format!("{code}{national}"), ton },
            (Some(code), _) if code == config.country => Self { digits: national.to_owned(), ton },
            (Some(code), _) => Self { digits: format!("{code}{national}"), ton: INTERNATIONAL },
        })
        .filter(|dest: &Self| dest.digits.len() <= MOST_DIGITS)
    }
}

/// The country code of a number and the digits behind it. `None` for the code: the digits begin with another country's.
fn parted<'a>(digits: &'a str, is_marked: bool, country: &'a str) -> (Option<&'a str>, &'a str) {
    // An international number begins with its code; the number behind the own code has no zero before it.
    let own = digits.strip_prefix(country).filter(|rest| !rest.is_empty() && !rest.starts_with('0'));
    if is_marked {
        return own.map_or((None, digits), |rest| (Some(country), rest));
    }
    let chinese = digits.strip_prefix(CHINA).filter(|rest| is_chinese_mobile(rest));
    if let Some(mobile) = chinese.or_else(|| Some(digits).filter(|digits| is_chinese_mobile(digits))) {
        return (Some(CHINA), mobile);
    }
    // A zero stands before an area code, and short digits have no country code.
    match digits.strip_prefix('0') {
        Some(rest) if !rest.is_empty() => (Some(country), rest),
        _ if digits.len() <= 10 => (Some(country), digits),
        _ => own.map_or((None, digits), |rest| (Some(country), rest)),
    }
}

fn is_chinese_mobile(digits: &str) -> bool {
    digits.len() == 11 && matches!(digits.as_bytes(), [b'1', b'3'..=b'9', ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GatewayConfig;

    fn dest(more: &str, number: &str) -> Option<(String, u8)> {
        let toml = format!(
            "provider = \"smpp\"\n[smpp]\nhost = \"x\"\nport = 1\nsystem_id = \"x\"\npassword = \"x\"\nsource_addr = \"1\"\ntls = false\n{more}"
        );
        let GatewayConfig::Smpp(config) = GatewayConfig::parse(&toml).unwrap() else { panic!() };
        Dest::of(&config, number).map(|dest| (dest.digits, dest.ton))
    }

    #[test]
    fn each_number_has_the_address_that_reaches_it() {
        for (more, number, digits, ton) in [
            ("", "13800000002", "8613800000002", 1),
            ("", "8613800000002", "8613800000002", 1),
            ("", "+8613800000002", "8613800000002", 1),
            ("", "008613800000002", "8613800000002", 1),
            ("", "057112345678", "8657112345678", 1),
            ("", "+447700900123", "447700900123", 1),
            ("", "447700900123", "447700900123", 1),
            ("", "00447700900123", "447700900123", 1),
            // A North American number, which has the shape of a mainland mobile.
            ("", "+13105550123", "13105550123", 1),
            ("", "+85261234567", "85261234567", 1),
            ("dest_ton = 2", "13800000002", "13800000002", 2),
            ("dest_ton = 2", "8613800000002", "13800000002", 2),
            ("dest_ton = 0", "13800000002", "13800000002", 0),
            ("dest_ton = 2", "+447700900123", "447700900123", 1),
            ("dest_ton = 0", "+13105550123", "13105550123", 1),
            ("country = \"852\"", "61234567", "85261234567", 1),
            ("country = \"852\"", "85261234567", "85261234567", 1),
            ("country = \"852\"", "13800000002", "8613800000002", 1),
            ("country = \"852\"\ndest_ton = 2", "61234567", "61234567", 2),
            ("country = \"852\"\ndest_ton = 2", "13800000002", "8613800000002", 1),
        ] {
            assert_eq!(dest(more, number), Some((digits.to_owned(), ton)), "{more} {number}");
        }
    }

    #[test]
    fn what_is_no_number_has_none() {
        for number in ["", "+", "00", "1380000000a", "张三", "123456789012345678901", "+86 138"] {
            assert_eq!(dest("", number), None, "{number}");
        }
    }
}
