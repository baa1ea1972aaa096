//! What makes a reply valid (domain 6.4): what it must say for its decision, and why it may count for nothing.

use doorstep_domain::{Customer, EntryKey, Reply, has_text};
use serde::Serialize;

use crate::Pack;

/// Whether a reply counts, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Validity {
    /// It decides, and says what the decision needs.
    Valid,
    /// It comes from an outlet that is not the origin.
    NotOrigin,
    /// Its decision is none that a reply can take.
    NoDecision,
    /// It lacks what the decision needs; of each list one would do.
    Lacks {
        /// What is lacking: words of [`crate::ReplyNeed::FIELDS`] separated by `|`.
        needs: Vec<String>,
    },
    /// It was marked invalid.
    Marked {
        /// The mark.
        by: EntryKey,
    },
}

/// What a reply lacks for its decision; `None` if the pack has no such decision. `letter`: the case has a photo of one;
/// `sender_agrees`: the sender's consent is recorded in the case.
pub fn lacks(pack: &Pack, reply: &Reply, letter: bool, sender_agrees: bool) -> Option<Vec<String>> {
    let needs = pack.outcome(reply.decision.as_str())?.reply_needs.as_ref()?;
    let said = |field: &str| match field {
        "phone" => has_text(reply.phone.as_ref()),
        "address" => has_text(reply.address.as_ref()),
        "contact" => has_text(reply.contact.as_ref()),
        "company" => has_text(reply.company.as_ref()),
        "place" => has_text(reply.place.as_ref()),
        "words" => has_text(reply.words.as_ref()),
        "agreed" => has_text(reply.agreed.as_ref()),
        "agreed_by" => reply.agreed_by.is_some(),
        "sender_agrees" => reply.agreed_by == Some(Customer::Sender) || sender_agrees,
        "payer" => reply.payer.is_some(),
        "until" => reply.until.is_some(),
        "same" => reply.same,
        "informed" => reply.informed,
        "letter" => reply.letter.is_some() || letter,
        _ => false,
    };
    let lacking = needs.iter().filter(|need| !need.any_of().any(said));
    Some(lacking.map(|need| need.0.clone()).collect())
}
