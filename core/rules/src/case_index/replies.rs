//! Decides whether a reply of a case is valid (domain 6.4).

use doorstep_domain::{Body, Customer, EntryKey, Recorded, Remark, Stands, UnixMs};

use super::{Act, CaseIndex, is_head_office};
use crate::{On, Validity, deadline::due_at, lacks};

/// The validity of a reply, and the marks of outlets that have a part in it.
pub(crate) struct Judged {
    pub validity: Validity,
    /// When head office's server received the outlet's mark that alone makes the reply valid.
    pub valid_from: Option<UnixMs>,
    /// An outlet's mark against the reply that came after the duty of the reply had run out. It changes nothing before head office
    /// has looked, because otherwise a party that missed a duty could undo it.
    pub late_mark: Option<EntryKey>,
}

/// Judges a reply by the version in force when it was written.
pub(crate) fn judged(index: &CaseIndex<'_>, act: &Act<'_>) -> Judged {
    let of = |validity| Judged { validity, valid_from: None, late_mark: None };
    let Body::Reply(reply) = act.body() else { return of(Validity::NoDecision) };
    if !index.is_origin(act) && !is_head_office(act.recorded) {
        return of(Validity::NotOrigin);
    }
    match by_head_office(index, act) {
        Some(Said::Valid) => return of(Validity::Valid),
        Some(Said::Invalid(by)) => return of(Validity::Marked { by }),
        None => {}
    }
    let sender_agrees = index.consents.contains(&(Customer::Sender, reply.decision.as_str()));
    let came = act.when.received.unwrap_or(act.when.at);
    let had = |codes: &[String], subs: &[String]| index.had(came, codes, subs);
    let itself = match lacks(index.pack_of(act), reply, index.has_letter, sender_agrees, had) {
        None => Validity::NoDecision,
        Some(needs) if needs.is_empty() => Validity::Valid,
        Some(needs) => Validity::Lacks { needs },
    };
    by_outlets(index, act, itself)
}

/// The validity by the newest of outlets' marks that counts. `itself`: the validity without marks.
fn by_outlets(index: &CaseIndex<'_>, act: &Act<'_>, itself: Validity) -> Judged {
    let may = |mark: &Recorded| !is_head_office(mark) && act.facts.origin_outlet.as_ref() != Some(&mark.entry.author.outlet);
    let due = runs_out(index, act);
    let is_late = |mark: &Act<'_>| mark.when.received.zip(due).is_some_and(|(received, due)| received > due);
    let mut late_mark = None;
    let mut all = marks(index, act, may);
    while let Some((mark, remark)) = all.next() {
        match remark {
            Remark::Valid => {
                // It lifts the reply's own lack, or a mark against it that had counted.
                let lifts = itself != Validity::Valid || all.any(|(other, said)| said == Remark::Invalid && !is_late(other));
                let valid_from = lifts.then(|| mark.when.received.unwrap_or(mark.when.at));
                return Judged { validity: Validity::Valid, valid_from, late_mark };
            }
            _ if is_late(mark) => drop(late_mark.get_or_insert_with(|| mark.key().clone())),
            _ => return Judged { validity: Validity::Marked { by: mark.key().clone() }, valid_from: None, late_mark: None },
        }
    }
    Judged { validity: itself, valid_from: None, late_mark }
}

/// When the first of the duties that begin with the reply runs out.
fn runs_out(index: &CaseIndex<'_>, act: &Act<'_>) -> Option<UnixMs> {
    let (pack, received) = (index.pack_of(act), act.when.received?);
    let started = pack.clocks.iter().filter(|clock| clock.starts.on == On::Reply && clock.starts.is(act.body()));
    started.filter_map(|clock| due_at(index, pack, clock, received).ok().flatten()).min()
}

/// Head office's word on a reply.
enum Said {
    Valid,
    Invalid(EntryKey),
}

/// Head office's decision on the reply, else the newest of its marks. It outranks every outlet's mark.
fn by_head_office(index: &CaseIndex<'_>, act: &Act<'_>) -> Option<Said> {
    match index.ruling_on(act.key()).map(|(by, ruling)| (ruling.stands, by)) {
        Some((Stands::Upheld, _)) => return Some(Said::Valid),
        Some((Stands::Lifted, by)) => return Some(Said::Invalid(by.key().clone())),
        None => {}
    }
    let (mark, remark) = marks(index, act, is_head_office).next()?;
    Some(if remark == Remark::Valid { Said::Valid } else { Said::Invalid(mark.key().clone()) })
}

/// The marks on a reply by some authors that head office has not lifted, the newest first. The origin outlet's marks on its own reply
/// do not count; the outlet can dispute a mark instead.
fn marks<'r, 'a>(
    index: &'r CaseIndex<'a>,
    act: &'r Act<'_>,
    may: impl Fn(&Recorded) -> bool + 'r,
) -> impl Iterator<Item = (&'r Act<'a>, Remark)> {
    index.marks(act.key()).rev().filter(move |(mark, remark)| {
        may(mark.recorded)
            && matches!(remark, Remark::Valid | Remark::Invalid)
            && index.ruling_on(mark.key()).is_none_or(|(_, ruling)| ruling.stands == Stands::Upheld)
    })
}
