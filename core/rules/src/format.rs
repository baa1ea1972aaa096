//! The format of rule packs and policies, which defines the words and keys that they may use. Apps refuse unknown keys, so a file
//! with newer keys names its format, and the server knows which devices can read it.

use serde::Deserialize;

/// The newest format that this build reads; it also reads all older ones. `doorstep_protocol::VERSIONS` has the formats that each
/// protocol version reads.
pub const NEWEST_FORMAT: u32 = 2;

/// The format of a file that does not name one.
pub(crate) const FIRST: u32 = 1;

/// Only the format of a file, for a file that cannot be read as a whole.
#[derive(Deserialize)]
pub(crate) struct NamedFormat {
    pub format: Option<u32>,
}

/// The fault of the format that a file names, if any.
pub(crate) fn fault(named: Option<u32>) -> Option<String> {
    match named {
        None => None,
        // Apps of that time do not know the key and refuse the file.
        Some(0 | FIRST) => Some("a file of format 1 does not name it: leave `format` out, or write 2 or more".into()),
        Some(2..=NEWEST_FORMAT) => None,
        Some(newer) => Some(format!(
            "format {newer} is newer than this program, which reads formats up to {NEWEST_FORMAT}: update the program"
        )),
    }
}

/// The fault text for a key or word of format 2 in a file of format 1.
pub(crate) fn came_with_2(what: &str) -> String {
    format!("{what} came with format 2: write `format = 2`; devices below version 3 of the protocol can not read the file then")
}
