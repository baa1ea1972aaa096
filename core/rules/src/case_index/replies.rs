//! Decides whether a reply of a case is valid (domain 6.4).

use doorstep_domain::{Body, Customer, EntryKey, Remark, Stands};

use super::{Act, CaseIndex, is_head_office};
use crate::{Validity, lacks};

/// Judges a reply by the version in force when it was written.
pub(crate) fn validity(index: &CaseIndex<'_>, act: &Act<'_>) -> Validity {
    let Body::Reply(reply) = act.body() else { return Validity::NoDecision };
    if !index.is_origin(act) && !is_head_office(act.recorded) {
        return Validity::NotOrigin;
    }
    match said(index, act) {
        Some(Said::Valid) => return Validity::Valid,
        Some(Said::Invalid(by)) => return Validity::Marked { by },
        None => {}
    }
    let sender_agrees = index.consents.contains(&(Customer::Sender, reply.decision.as_str()));
    match lacks(index.pack_of(act), reply, index.has_letter, sender_agrees) {
        None => Validity::NoDecision,
        Some(needs) if needs.is_empty() => Validity::Valid,
        Some(needs) => Validity::Lacks { needs },
    }
}

/// The remark on a reply.
enum Said {
    Valid,
    Invalid(EntryKey),
}

/// Head office's decision on the reply, else the newest mark that head office has not cancelled. The origin outlet's marks on its
/// own reply do not count; the outlet can dispute a mark instead.
fn said(index: &CaseIndex<'_>, act: &Act<'_>) -> Option<Said> {
    match index.ruling_on(act.key()).map(|(by, ruling)| (ruling.stands, by)) {
        Some((Stands::Upheld, _)) => return Some(Said::Valid),
        Some((Stands::Lifted, by)) => return Some(Said::Invalid(by.key().clone())),
        None => {}
    }
    let may = |mark: &Act<'_>| is_head_office(mark.recorded) || act.facts.origin_outlet.as_ref() != Some(mark.outlet());
    let (mark, remark) = index.marks(act.key()).rev().find(|(mark, remark)| {
        may(mark)
            && matches!(remark, Remark::Valid | Remark::Invalid)
            && index.ruling_on(mark.key()).is_none_or(|(_, ruling)| ruling.stands == Stands::Upheld)
    })?;
    Some(if remark == Remark::Valid { Said::Valid } else { Said::Invalid(mark.key().clone()) })
}
