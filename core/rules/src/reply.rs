//! Whether a reply decides anything (domain 6.4).

use doorstep_domain::{Body, Customer, EntryKey, Remark, Reply, Stands, has_text};
use serde::Serialize;

use crate::{
    Pack,
    reading::{Act, Reading, is_head_office},
};

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

/// Judges a reply by the version in force when it was written.
pub(crate) fn validity(reading: &Reading<'_>, act: &Act<'_>) -> Validity {
    let Body::Reply(reply) = act.body() else { return Validity::NoDecision };
    if !reading.is_origin(act) && !is_head_office(act.recorded) {
        return Validity::NotOrigin;
    }
    match said(reading, act) {
        Some(Said::Valid) => return Validity::Valid,
        Some(Said::Invalid(by)) => return Validity::Marked { by },
        None => {}
    }
    let sender_agrees = reading.consents.contains(&(Customer::Sender, reply.decision.as_str()));
    match lacks(reading.pack_of(act), reply, reading.has_letter, sender_agrees) {
        None => Validity::NoDecision,
        Some(needs) if needs.is_empty() => Validity::Valid,
        Some(needs) => Validity::Lacks { needs },
    }
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

/// What people say of a reply.
enum Said {
    Valid,
    Invalid(EntryKey),
}

/// Head office's decision on the reply, else the newest mark that head office has not lifted. The origin outlet's own marks on its
/// reply say nothing; it disputes the mark instead.
fn said(reading: &Reading<'_>, act: &Act<'_>) -> Option<Said> {
    match reading.ruling_on(act.key()).map(|(by, ruling)| (ruling.stands, by)) {
        Some((Stands::Upheld, _)) => return Some(Said::Valid),
        Some((Stands::Lifted, by)) => return Some(Said::Invalid(by.key().clone())),
        None => {}
    }
    let may = |mark: &Act<'_>| is_head_office(mark.recorded) || act.facts.origin_outlet.as_ref() != Some(mark.outlet());
    let (mark, remark) = reading.marks(act.key()).rev().find(|(mark, remark)| {
        may(mark)
            && matches!(remark, Remark::Valid | Remark::Invalid)
            && reading.ruling_on(mark.key()).is_none_or(|(_, ruling)| ruling.stands == Stands::Upheld)
    })?;
    Some(if remark == Remark::Valid { Said::Valid } else { Said::Invalid(mark.key().clone()) })
}
