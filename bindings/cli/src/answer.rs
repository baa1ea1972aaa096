//! What a command answers, and how it is written so that nothing panics when nobody reads.

use std::io::Write;

use doorstep_client::{Client, ClientError, Refusal};
use serde_json::Value;

use crate::{failure::Failed, words::say};

/// What a command has to say, for a program and for a person.
pub struct Answer {
    pub json: Value,
    pub text: String,
}

/// An empty list, and why it may be empty.
pub fn nothing(client: &Client, zh: &str, en: &str) -> Result<String, Failed> {
    let mut text = say(zh, en) + "\n";
    if client.identity()?.is_none() {
        let words = Failed::from(ClientError::Refused(Refusal::NotEnrolled)).words();
        text += &format!("{}\n{}\n", words.zh, words.en);
    }
    Ok(text)
}

/// Writes a line to stderr. `eprintln!` would panic when nobody can read it, and what the person asked for would not be done.
pub fn note(line: &str) {
    writeln!(std::io::stderr().lock(), "{line}").ok();
}

/// Writes to stdout. `print!` would panic when a reader such as `head` has left.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}
