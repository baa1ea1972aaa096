//! Duties at fixed times of each day whose times are deadlines of their own (PER-01): a missed one stays missed, and an act counts for
//! the time that is nearest to it.

use doorstep_domain::{Body, UnixMs};

use crate::{Clock, Due, Pack, TimeOfDay, case_index::CaseIndex};

/// The middle between two times.
fn middle(from: UnixMs, to: UnixMs) -> UnixMs {
    from.plus(to.since(from) / 2)
}

/// The first moment whose acts belong to the next time, for a time that has this end.
pub(crate) fn window_end(pack: &Pack, clock: &Clock, due: Option<UnixMs>) -> Option<UnixMs> {
    let (Due::Slots(slots), Some(due)) = (&clock.due, due) else { return None };
    let next = pack.next_time(due.plus(1), slots).ok()?;
    Some(middle(due, next))
}

/// A time of the day while the case was open.
pub(crate) struct Slot {
    /// Index of the act with which the case was opened.
    pub place: usize,
    /// From when on acts count for it.
    pub from: UnixMs,
}

/// The times while the case was open, from its first act on: those that are past, the newest `most` ones, and the next one.
pub(crate) fn slots(index: &CaseIndex<'_>, clock: &Clock, version: usize, most: usize) -> Vec<Slot> {
    let Due::Slots(times) = &clock.due else { return Vec::new() };
    let mut slots: Vec<Slot> = Vec::new();
    let mut left = most;
    for Span { place, from, until } in spans(index) {
        let Some(mut slot) = last_slot(index, version, times, until) else { continue };
        while slot >= from && left > 0 {
            left -= 1;
            let pack = index.book.pack(version);
            let Ok(before) = pack.last_time(slot, times) else { break };
            // A time to come belongs to the version in force now, or the list would change with nothing that tells when.
            let is_ours = |at: UnixMs| index.book.version_at(at) == version;
            if is_ours(slot) && (slot < index.now || is_ours(index.now)) {
                // An act in the middle between two times belongs to the later one.
                let begin = middle(before, slot).plus(-1);
                slots.push(Slot { place, from: begin.max(from) });
            }
            slot = before;
        }
    }
    slots.sort_by_key(|slot| slot.from);
    slots
}

/// The last time of a span: the next one after now or, if the case ends before that, the last one before its end.
fn last_slot(index: &CaseIndex<'_>, version: usize, times: &[TimeOfDay], until: Option<UnixMs>) -> Option<UnixMs> {
    let pack = index.book.pack(version);
    let next = pack.next_time(index.now, times).ok();
    let Some(end) = until else { return next };
    next.filter(|next| *next <= end).or_else(|| pack.last_time(end.plus(1), times).ok())
}

/// A time in which the case was open.
struct Span {
    /// Index of the act with which it begins.
    place: usize,
    from: UnixMs,
    /// Its end; `None` while it is open.
    until: Option<UnixMs>,
}

/// The times in which the case was open: goods are in transit from the first act on, and again from a registration after an end. The
/// newest come first, because the number of times is limited.
fn spans(index: &CaseIndex<'_>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut after = 0;
    let ends = index.ends.iter().map(Some).chain([None]);
    for end in ends {
        let is_begin =
            |(place, body): (usize, &Body)| place >= after && (after == 0 || matches!(body, Body::Attempt(_) | Body::Problem(_)));
        // Between two ends there is a registration, so each act is looked at once.
        let mut standing = index.acts.iter().enumerate().skip(after).filter(|(_, act)| act.stands());
        let begin = standing.find(|(place, act)| is_begin((*place, act.body())));
        let is_open = |place: usize| end.map_or(!index.ended, |end| place <= end.place);
        let begin = begin.filter(|(place, act)| is_open(*place) && act.when.at <= index.now);
        spans.extend(begin.map(|(place, act)| Span { place, from: act.when.at, until: end.map(|end| end.at) }));
        after = end.map_or(after, |end| end.place + 1);
    }
    spans.reverse();
    spans
}
