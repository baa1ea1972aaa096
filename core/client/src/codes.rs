//! Checks codes that a person types against the rule pack.

use doorstep_domain::ReasonCode;
use doorstep_rules::Pack;

use crate::{Client, ClientError, Refusal, command::said::CodeOf};

impl Client {
    /// Parses a code of the pack. A text that cannot be a code is refused with the list of known codes. Whether the pack has the
    /// code is checked when it is recorded.
    pub fn code(&self, text: &str, of: CodeOf) -> Result<ReasonCode, ClientError> {
        match (text.parse(), self.pack()?) {
            (Err(_), Some(pack)) => Err(of.refused(text, &pack)),
            (parsed, _) => Ok(parsed?),
        }
    }

    /// A sub-reason of a reason: see [`Client::code`].
    pub fn sub_reason(&self, reason: &ReasonCode, text: &str) -> Result<ReasonCode, ClientError> {
        let known = |pack: Pack| Some(pack.code(reason.as_str())?.subs.iter().map(|sub| sub.code.clone()).collect());
        match (text.parse(), self.pack()?.and_then(known)) {
            (Err(_), Some(known)) => Err(ClientError::Refused(Refusal::Sub { given: text.to_owned(), known })),
            (parsed, _) => Ok(parsed?),
        }
    }
}
