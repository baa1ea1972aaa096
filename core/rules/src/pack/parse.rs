//! Reads a pack: first its structure, then the checks beyond the structure.

use super::{Pack, PackError, check, locate};
use crate::format;

/// Largest pack in bytes, ten times the largest of ours.
pub const MAX_PACK_BYTES: usize = 512 * 1024;

impl Pack {
    /// Reads and checks a pack. Any bytes give either a pack that the evaluation can use, or an error with place and reason.
    pub fn parse(toml: &[u8]) -> Result<Self, PackError> {
        if toml.len() > MAX_PACK_BYTES {
            let reason = format!("the file has {} bytes; a pack has at most {MAX_PACK_BYTES}", toml.len());
            return Err(PackError { line: 1, column: 1, reason });
        }
        let text = std::str::from_utf8(toml).map_err(|error| {
            let reason = "not UTF-8; save the file as UTF-8".to_owned();
            locate::at_byte(&String::from_utf8_lossy(toml), error.valid_up_to(), reason)
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let pack: Self = toml::from_str(text).map_err(|error| {
            // For a newer format report the format, not its unknown keys.
            let named = toml::from_str::<format::NamedFormat>(text).ok().and_then(|named| format::fault(named.format));
            if let Some(reason) = named {
                return locate::at_path(text, &[locate::To::Key("format")], reason);
            }
            let at = error.span().map_or(0, |span| span.start);
            locate::at_byte(text, at, error.message().to_owned())
        })?;
        match check::fault(&pack) {
            None => Ok(pack),
            Some((path, reason)) => Err(locate::at_path(text, &path, reason)),
        }
    }
}
