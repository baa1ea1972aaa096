//! Masks numbers for a log.

/// A number with at least six digits hidden: `13812345600` becomes `138******00`. A number of fewer than nine characters, or a
/// text that is no number, is hidden entirely.
pub fn masked(number: &str) -> String {
    let count = number.chars().count();
    let is_number = number.strip_prefix('+').unwrap_or(number).bytes().all(|b| b.is_ascii_digit());
    if count < 9 || !is_number {
        return "******".to_owned();
    }
    // Two digits at the end stay visible, and at most the network's prefix at the beginning.
    let shown = (count - 8).min(3);
    let hide = |(at, c)| if at < shown || at >= count - 2 { c } else { '*' };
    number.chars().enumerate().map(hide).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_six_digits_are_hidden() {
        assert_eq!(masked("13812345600"), "138******00");
        assert_eq!(masked("8613812345600"), "861********00");
        assert_eq!(masked("+8613812345600"), "+86*********00");
        assert_eq!(masked("123456789"), "1******89");
        assert_eq!(masked("12345678"), "******");
        assert_eq!(masked("张三 13812345600"), "******");
        for length in 9..21 {
            let hidden = masked(&"7".repeat(length)).matches('*').count();
            assert!(hidden >= 6, "{length}: {hidden}");
        }
    }
}
