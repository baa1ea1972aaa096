//! Decides whether a reply of a case is valid, and from when on (domain 6.4).

use doorstep_domain::{Body, Customer, Recorded, Remark, Reply, Stands, UnixMs};

use super::{Act, CaseIndex, is_head_office};
use crate::{
    Clock, On, Validity,
    deadline::{due_at, is_reply_clock},
    lacks,
};

/// For how long an outlet can mark a reply as invalid if its pack has no time for the answer [A].
const MARKED_WITHIN_MS: i64 = 24 * 3_600_000;

/// Most moments at which it is looked whether a reply has what it needs: a receipt of a part, or a correction of a reason.
const MOST_MOMENTS: usize = 32;

/// The validity of a reply, and the marks of outlets that have a part in it.
pub(crate) struct Judged {
    pub validity: Validity,
    /// When the reply became valid, if that was after its receipt: head office's server then had everything that the reply needs, or
    /// the outlet's mark that alone makes it valid.
    pub valid_from: Option<UnixMs>,
    /// Since when the reply is known as invalid, if it counted until then: the receipt of the word against it. Without it, the reply was
    /// known as invalid since its receipt, and a word that says so again moves nothing.
    pub invalid_from: Option<UnixMs>,
    /// The index of an outlet's mark against the reply that came too late. It changes nothing before head office has looked, because
    /// otherwise a party that missed a duty could undo it, or an answer could be taken away at any time.
    pub late_mark: Option<usize>,
}

impl Judged {
    fn of(validity: Validity) -> Self {
        Self { validity, valid_from: None, invalid_from: None, late_mark: None }
    }

    /// Invalid by somebody's word.
    fn marked(self, by: &Act<'_>) -> Self {
        let invalid_from = self.invalid_by(by.known_at());
        Self { invalid_from, ..Self::of(Validity::Marked { by: by.key().clone() }) }
    }

    /// Since when the reply is known as invalid if a word against it comes at a moment.
    fn invalid_by(&self, known: UnixMs) -> Option<UnixMs> {
        let counted = self.validity == Validity::Valid && self.valid_from.is_none_or(|from| from <= known);
        if counted { Some(known) } else { self.invalid_from.map(|from| from.min(known)) }
    }
}

/// Judges a reply by the version in force when it was written.
pub(crate) fn judged(index: &CaseIndex<'_>, place: usize, act: &Act<'_>) -> Judged {
    let Body::Reply(reply) = act.body() else { return Judged::of(Validity::NoDecision) };
    if !index.is_origin(act) && !is_head_office(act.recorded) {
        return Judged::of(Validity::NotOrigin);
    }
    let said = by_head_office(index, act);
    if let Some((_, true)) = said.last() {
        return Judged::of(Validity::Valid);
    }
    let without = by_outlets(index, place, act, by_itself(index, act, reply));
    said.into_iter()
        .fold(without, |judged, (by, is_valid)| if is_valid { Judged::of(Validity::Valid) } else { judged.marked(by) })
}

/// The validity without marks. A reply needs what the problems that were known when it came ask for, and is valid from the receipt of
/// the last part that it needs. A correction of a problem's reason that comes later takes nothing from it [A]; if the correction ends
/// a need, the reply is valid from its receipt. A consent or a letter that is taken back when the reply counts already takes nothing from
/// it either [A], because others have acted on the reply; before that, it was never there together with the rest.
fn by_itself(index: &CaseIndex<'_>, act: &Act<'_>, reply: &Reply) -> Judged {
    let (pack, came) = (index.pack_of(act), act.known_at());
    let agreed = index.consents.get(&(Customer::Sender, reply.decision.as_str()));
    let parts = || std::iter::once(&index.letters).chain(agreed);
    let at = |moment: UnixMs| {
        let had = |codes: &[String], subs: &[String]| index.registered.held(came, moment, codes, subs);
        let agrees = agreed.is_some_and(|agreed| agreed.is_there(moment));
        lacks(pack, reply, index.letters.is_there(moment), agrees, had)
    };
    match at(came) {
        None => return Judged::of(Validity::NoDecision),
        Some(needs) if needs.is_empty() => return Judged::of(Validity::Valid),
        Some(_) => {}
    }
    let row = pack.outcome(reply.decision.as_str());
    let needs = row.into_iter().flat_map(|row| &row.reply_needs_if).map(|further| (&further.codes, &[][..]));
    let pays = row.into_iter().flat_map(|row| &row.pays).map(|pays| (&pays.codes, pays.subs.as_slice()));
    let conditions: Vec<(&Vec<String>, &[String])> = needs.chain(pays).collect();
    let mut moment = came;
    for _ in 0..MOST_MOMENTS {
        let ended = conditions.iter().filter_map(|(codes, subs)| index.registered.ended(came, moment, codes, subs));
        let begun = parts().filter(|part| !part.is_there(moment)).filter_map(|part| part.next(moment));
        let Some(next) = ended.chain(begun).filter(|next| *next > moment).min() else { break };
        moment = next;
        if at(moment).is_some_and(|needs| needs.is_empty()) {
            return Judged { valid_from: Some(moment), ..Judged::of(Validity::Valid) };
        }
    }
    Judged::of(Validity::Lacks { needs: at(moment).unwrap_or_default() })
}

/// The validity by the newest of outlets' marks that counts. `itself`: the validity without marks. Each mark changes what was known when
/// it came, so the oldest is read first: a mark that says again what is known already moves nothing.
fn by_outlets(index: &CaseIndex<'_>, place: usize, act: &Act<'_>, itself: Judged) -> Judged {
    let may = |mark: &Recorded| !is_head_office(mark) && act.facts.origin_outlet.as_ref() != Some(&mark.entry.author.outlet);
    let mut all: Vec<(&Act<'_>, Remark)> = marks(index, act, may).collect();
    all.reverse();
    let mut judged = itself;
    for (mark, remark) in all {
        let is_valid = judged.validity == Validity::Valid;
        let until = || marked_until(index, place, act, judged.valid_from);
        let is_late = || mark.when.received.zip(until()).is_some_and(|(received, until)| received > until);
        judged = match remark {
            Remark::Valid if is_valid => {
                let valid_from = judged.valid_from.map(|from| from.min(mark.known_at()));
                Judged { valid_from, late_mark: None, ..judged }
            }
            Remark::Valid => Judged { valid_from: Some(mark.known_at()), ..Judged::of(Validity::Valid) },
            _ if is_late() && matches!(judged.validity, Validity::Marked { .. }) => judged,
            _ if is_late() => Judged { late_mark: index.place_of(mark.key()), ..judged },
            _ => judged.marked(mark),
        };
    }
    judged
}

/// Until when an outlet's mark against a reply counts: as long after the reply counts as the origin outlet had for the answer, but not
/// less than the origin outlet had, and until the first of the duties that begin with the reply runs out.
fn marked_until(index: &CaseIndex<'_>, place: usize, act: &Act<'_>, valid_from: Option<UnixMs>) -> Option<UnixMs> {
    let (pack, received) = (index.pack_of(act), act.when.received?);
    let from = valid_from.map_or(received, |valid| valid.max(received));
    let due = |clock: &Clock, from: UnixMs| due_at(index, pack, clock, from).ok().flatten();
    let started = pack.clocks.iter().filter(|clock| clock.starts.on == On::Reply && clock.starts.is(act.body()));
    let runs_out = started.filter_map(|clock| due(clock, from)).min();
    let told = index.told_in_round_of(place).map_or(from, |(told, _)| told);
    let answer = pack.clocks.iter().find(|clock| is_reply_clock(clock));
    let answered = answer.and_then(|clock| due(clock, from.max(told)));
    let by_time = answered.unwrap_or_else(|| from.max(told).plus(MARKED_WITHIN_MS));
    Some(runs_out.map_or(by_time, |runs_out| runs_out.min(by_time)))
}

/// Head office's words on the reply, each with whether it says that the reply is valid, the one that counts last: the ruling, else the
/// newest mark. It outranks every outlet's mark.
fn by_head_office<'r, 'a>(index: &'r CaseIndex<'a>, act: &'r Act<'_>) -> Vec<(&'r Act<'a>, bool)> {
    let mut all: Vec<(&Act<'a>, bool)> =
        marks(index, act, is_head_office).map(|(mark, remark)| (mark, remark == Remark::Valid)).collect();
    all.reverse();
    all.extend(index.ruling_on(act.key()).map(|(by, ruling)| (by, ruling.stands == Stands::Upheld)));
    all
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
