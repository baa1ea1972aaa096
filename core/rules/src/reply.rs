//! Validity of replies (domain 6.4): the fields that a decision needs, and the reasons for an invalid reply.

use doorstep_domain::{Customer, EntryKey, Reply, has_text};
use serde::Serialize;

use crate::Pack;

/// Whether a reply is valid, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Validity {
    /// It has a decision and the fields that the decision needs.
    Valid,
    /// It comes from an outlet that is not the origin.
    NotOrigin,
    /// Its decision is not one that a reply can have.
    NoDecision,
    /// It lacks fields that the decision needs.
    Lacks {
        /// The missing fields. Each text has words of [`crate::ReplyNeed::FIELDS`] separated by `|`, of which one is sufficient.
        needs: Vec<String>,
    },
    /// It was marked invalid.
    Marked {
        /// The mark.
        by: EntryKey,
    },
}

/// The field of who pays.
const PAYER: &str = "payer";

/// The fields that a reply lacks for its decision; `None` if the pack has no such decision. `letter` is true if the case has a
/// photo of a confirmation letter, `sender_agrees` if the sender's consent is recorded in the case. `had` tells whether one of some
/// codes, with one of some sub-reasons, was registered before the reply; without sub-reasons any is meant.
pub fn lacks(
    pack: &Pack,
    reply: &Reply,
    letter: bool,
    sender_agrees: bool,
    had: impl Fn(&[String], &[String]) -> bool,
) -> Option<Vec<String>> {
    let row = pack.outcome(reply.decision.as_str())?;
    let needs = row.reply_needs.as_ref()?;
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
        "site" => reply.site.is_some(),
        "informed" => reply.informed,
        "letter" => reply.letter.is_some() || letter,
        _ => false,
    };
    let further = row.reply_needs_if.iter().filter(|further| had(&further.codes, &[])).flat_map(|further| &further.needs);
    let lacking = needs.iter().chain(further).filter(|need| !need.any_of().any(said));
    let mut lacking: Vec<String> = lacking.map(|need| need.0.clone()).collect();
    let pays = row.pays.iter().find(|pays| had(&pays.codes, &pays.subs));
    if pays.is_some_and(|pays| reply.payer != Some(pays.payer)) && !lacking.iter().any(|need| need == PAYER) {
        lacking.push(PAYER.to_owned());
    }
    Some(lacking)
}
