//! The format of rule packs and policies: which words and keys they may use. Apps refuse keys that they do not know, so a file that
//! uses newer ones says so, and a server knows which devices can read it.

use serde::Deserialize;

/// The newest format that this build reads; it reads all older ones too. Which version of the protocol reads which is in
/// `doorstep_protocol::VERSIONS`.
pub const NEWEST_FORMAT: u32 = 2;

/// The format of a file that names none.
pub(crate) const FIRST: u32 = 1;

/// Of a file that can not be read as a whole: the format that it names, if it names one.
#[derive(Deserialize)]
pub(crate) struct NamedFormat {
    pub format: Option<u32>,
}

/// What is wrong with the format that a file names, if anything.
pub(crate) fn fault(named: Option<u32>) -> Option<String> {
    match named {
        None => None,
        // Apps of that time know no such key and refuse the file.
        Some(0 | FIRST) => Some("a file of format 1 does not name it: leave `format` out, or write 2 or more".into()),
        Some(2..=NEWEST_FORMAT) => None,
        Some(newer) => Some(format!(
            "format {newer} is newer than this program, which reads formats up to {NEWEST_FORMAT}: update the program"
        )),
    }
}

/// What to say of a key or word that came with format 2, in a file of format 1.
pub(crate) fn came_with_2(what: &str) -> String {
    format!("{what} came with format 2: write `format = 2`; devices below version 3 of the protocol can not read the file then")
}
