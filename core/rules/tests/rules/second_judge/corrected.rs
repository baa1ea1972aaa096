//! What corrections take back, and whose correct data an entry has, as the second judge reads it.

use doorstep_domain::*;

/// The corrections of an entry by people who may correct it: its author, their outlet, head office's reviewer.
fn corrections<'a>(all: &'a [Recorded], of: &'a Recorded) -> impl Iterator<Item = &'a Recorded> {
    all.iter().filter(move |by| {
        let (author, wrong) = (&by.entry.author, &of.entry.author);
        let may = author.role == Role::HqReviewer || author.user == wrong.user || author.outlet == wrong.outlet;
        matches!(&by.entry.body, Body::Correction(correction) if correction.of == of.entry.key) && may
    })
}

pub fn known(recorded: &Recorded) -> UnixMs {
    recorded.standing.receipt().map_or_else(|| recorded.acted_at(), |receipt| receipt.received_at)
}

/// When an entry was taken back: by the first correction of it that stands itself, or with the correction to which its data belong.
pub fn withdrawn(all: &[Recorded], of: &Recorded) -> Option<UnixMs> {
    let stands = |by: &&Recorded| {
        let Body::Correction(correction) = &by.entry.body else { return false };
        let same = correction.same_as.as_ref().and_then(|same| all.iter().find(|r| r.entry.key == *same));
        let is_same = || same.is_some_and(|same| withdrawn(all, same).is_none());
        withdrawn(all, by).is_none() && (correction.fault != Fault::SameAs || is_same())
    };
    corrections(all, of).filter(stands).map(known).chain(out_of_force(all, of)).min()
}

/// Since when correct data are not in force: their correction was taken back, or another correction of the same registration was
/// received after it, or what they replace is not in force itself.
fn out_of_force(all: &[Recorded], of: &Recorded) -> Option<UnixMs> {
    let wrong = wrong_of(all, of)?;
    let brings_data = |by: &&Recorded| {
        let data = all.iter().find(|r| r.change == by.change && !std::ptr::eq(*r, *by));
        data.and_then(|data| wrong_of(all, data)).is_some_and(|corrected| corrected.entry.key == wrong.entry.key)
    };
    let with_data = || corrections(all, wrong).filter(brings_data);
    let own = with_data().find(|by| by.change == of.change)?;
    if let Some(taken_back) = withdrawn(all, own) {
        return Some(taken_back);
    }
    let standing = with_data().filter(|by| withdrawn(all, by).is_none());
    let last =
        standing.max_by_key(|by| (by.standing.receipt().map_or(i64::MAX, |receipt| receipt.received_at.0), rank(all, by)))?;
    if last.change == of.change { out_of_force(all, wrong) } else { Some(known(last)) }
}

/// The registration that correct data replace: they are in one change with a correction of it.
fn wrong_of<'a>(all: &'a [Recorded], of: &'a Recorded) -> Option<&'a Recorded> {
    let is_wrong = |wrong: &&Recorded| {
        let same_kind = wrong.entry.key.kind == of.entry.key.kind && wrong.change != of.change;
        let is_data = |by: &Recorded| matches!(&by.entry.body, Body::Correction(it) if it.fault == Fault::IncorrectData);
        same_kind && corrections(all, wrong).any(|by| by.change == of.change && is_data(by))
    };
    all.iter().find(is_wrong).filter(|_| matches!(of.entry.body, Body::Attempt(_) | Body::Problem(_)))
}

/// The first registration of correct data, which may replace correct data themselves.
pub fn first_of<'a>(all: &'a [Recorded], of: &'a Recorded) -> &'a Recorded {
    wrong_of(all, of).map_or(of, |wrong| first_of(all, wrong))
}

/// The place of an entry in the order of the estimates; an entry comes after what it is about.
pub fn rank<'a>(all: &'a [Recorded], of: &'a Recorded) -> impl Ord + use<'a> {
    fn moment(all: &[Recorded], of: &Recorded) -> (UnixMs, usize) {
        let about = of.entry.body.references().into_iter().filter_map(|key| all.iter().find(|r| r.entry.key == *key));
        let behind = about.map(|other| moment(all, other)).max().map(|(at, nth)| (at, nth + 1));
        (of.acted_at(), 0).max(behind.unwrap_or((UnixMs(i64::MIN), 0)))
    }
    let received = of.standing.receipt().map_or(UnixMs(i64::MAX), |receipt| receipt.received_at);
    let key = &of.entry.key;
    (moment(all, of), received, key.tag, key.seq, key.index, of.change)
}
