//! Money, always in fen (1/100 yuan).

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in fen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(pub i64);

impl fmt::Display for Fen {
    /// Yuan with two decimals: `¥12.05`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(f, "{sign}¥{}.{:02}", fen / 100, fen % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fen_are_shown_as_yuan() {
        assert_eq!(Fen(1205).to_string(), "¥12.05");
        assert_eq!(Fen(-7).to_string(), "-¥0.07");
        assert_eq!(Fen(i64::MIN).to_string(), "-¥92233720368547758.08");
    }
}
