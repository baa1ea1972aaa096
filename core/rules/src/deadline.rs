//! Applies clocks to a case: their starts, their ends, and whether they were met (domain 3).

mod due;
mod late;
mod meets;
mod starts;

use std::collections::HashSet;

use doorstep_domain::{Body, EntryKey, UnixMs, words};
use serde::Serialize;

use crate::{
    Clock, Counts, Due, Missing, On, Pack, Words,
    case_index::{Act, CaseIndex},
    leniency::Leniency,
    slots::window_end,
};

use self::{
    due::Start,
    meets::{Meet, Meets},
    starts::starts,
};
pub(crate) use self::{
    due::{MOST_STARTS, due_at},
    late::{TooLate, came_too_late, is_reply_clock},
    starts::{counts_as_start, is_notified},
};

words!(
    /// How a deadline was kept (domain 3.6).
    Timeliness {
        /// Still running.
        Pending = "pending",
        /// Met in time: received by the server, or done, before the end.
        OnTime = "on_time",
        /// The phone notice of an outage was made in time and recorded completely.
        OnTimeByException = "on_time_by_exception",
        /// Recorded in time, received late or not verifiable; head office reviews it.
        LateSynced = "late_synced",
        /// Not met in time.
        Late = "late",
        /// The case ended, or a later reply replaced the one that started the clock, before the clock ran out.
        NotNeeded = "not_needed",
        /// The schedule that it depends on is missing in the data, and is not guessed (C-15).
        ScheduleMissing = "schedule_missing",
    }
);

/// One running or decided deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deadline {
    /// The clock's id.
    pub clock: String,
    /// Its name.
    pub name: Words,
    /// Version of the pack by which it is judged.
    pub pack_version: u32,
    /// The entry that started it; for a daily duty, the registration.
    pub started_by: EntryKey,
    /// When it started.
    pub started_at: UnixMs,
    /// When it runs out, inclusive. `None` for a duty without a time limit, or if the schedule is missing.
    pub due_at: Option<UnixMs>,
    /// The missing data, if the schedule is missing.
    pub missing: Option<Missing>,
    /// Remaining milliseconds; negative when past, 0 once decided.
    pub left_ms: i64,
    /// How it was kept.
    pub timeliness: Timeliness,
    /// The entry that met it, or that would have met it in time; if the schedule is missing, the one that did what it asks for.
    pub met_by: Option<EntryKey>,
    /// Whether another version may have been in force when it started, so that a person must review it.
    pub unsure: bool,
    /// Whether it may have started on another day, with another end, so that a person must review it.
    pub day_unsure: bool,
    /// An act by which this clock never started, if it counts: an earlier one with an unproven time, or an outlet's mark against the
    /// reply that came after the clock had run out. A person must review it.
    pub doubted_by: Option<EntryKey>,
}

/// A deadline with the data that a finding needs.
pub(crate) struct Kept<'a> {
    pub deadline: Deadline,
    pub clock: &'a Clock,
    pub pack: &'a Pack,
    pub start: Start,
}

/// All deadlines of a case in the order of their starts, and whether some were left out because there are too many.
pub(crate) fn deadlines<'a>(index: &CaseIndex<'a>, leniency: &Leniency) -> (Vec<Kept<'a>>, bool) {
    let mut all = Vec::new();
    let mut capped = false;
    let decided: HashSet<&EntryKey> = index.decided().map(|about| &about.entry).collect();
    let is_decided = |start: &Start| index.acts.get(start.place).is_some_and(|act| decided.contains(act.key()));
    for (version, published) in index.book.versions().enumerate() {
        for clock in &published.pack.clocks {
            let mut starts = starts(index, clock, version);
            if starts.len() > MOST_STARTS {
                capped = true;
                let oldest = starts.len() - MOST_STARTS;
                let mut place = 0..;
                // A finding that head office has decided stays, however many starts come after it.
                starts.retain(|start| place.next().is_none_or(|place| place >= oldest) || is_decided(start));
            }
            if starts.is_empty() {
                continue;
            }
            let meets = Meets::of(index, clock, leniency);
            all.extend(starts.into_iter().filter_map(|start| keep(index, clock, &published.pack, start, &meets)));
        }
    }
    all.sort_by_key(|kept| (kept.deadline.started_at, kept.start.place));
    (all, capped)
}

fn keep<'a>(index: &CaseIndex<'a>, clock: &'a Clock, pack: &'a Pack, start: Start, meets: &Meets) -> Option<Kept<'a>> {
    let act = index.acts.get(start.place)?;
    let due = due_at(index, pack, clock, start.at);
    let (timeliness, met) = match due {
        // Without its schedule nobody knows until when, but whether it is done is known.
        Err(_) => (Timeliness::ScheduleMissing, kept(index, clock, pack, &start, None, meets).1),
        Ok(due) => kept(index, clock, pack, &start, due, meets),
    };
    let due_at = due.unwrap_or_default();
    let pending = timeliness == Timeliness::Pending;
    let deadline = Deadline {
        clock: clock.id.clone(),
        name: Words { zh: clock.zh.clone(), en: clock.en.clone() },
        pack_version: pack.version,
        started_by: act.key().clone(),
        started_at: if start.at == UnixMs(i64::MAX) { act.when.at } else { start.at },
        due_at,
        missing: due.err(),
        left_ms: due_at.filter(|_| pending).map_or(0, |due| due.since(index.now)),
        timeliness,
        met_by: met.and_then(|place| index.acts.get(place)).map(|act| act.key().clone()),
        unsure: act.when.unsure,
        day_unsure: is_day_unsure(index, clock, pack, &start, act),
        doubted_by: start.doubt.and_then(|place| index.acts.get(place)).map(|act| act.key().clone()),
    };
    Some(Kept { deadline, clock, pack, start })
}

/// Whether the possible times of the act that starts a clock give different ends, for clocks that end at a time of the day.
fn is_day_unsure(index: &CaseIndex<'_>, clock: &Clock, pack: &Pack, start: &Start, act: &Act<'_>) -> bool {
    let by_day = matches!(clock.due, Due::EndOfDay | Due::TimeOfDay(_) | Due::FirstRun | Due::WorkingDays(_));
    // Only a start by the act itself has the act's uncertainty; a reply starts its clock at its receipt.
    let is_uncertain = by_day && start.at == act.when.at && act.when.earliest < act.when.latest;
    let due = |at: UnixMs| due_at(index, pack, clock, at).ok().flatten();
    is_uncertain && (act.when.earliest == UnixMs(i64::MIN) || due(act.when.earliest) != due(act.when.latest))
}

/// The timeliness by domain 3.6, in the order of its points, and the act that met the clock.
fn kept(
    index: &CaseIndex<'_>,
    clock: &Clock,
    pack: &Pack,
    start: &Start,
    due: Option<UnixMs>,
    meets: &Meets,
) -> (Timeliness, Option<usize>) {
    // For a daily duty, and for a duty that begins when no answer comes, only later acts count. Of a duty that begins when no answer
    // comes and has a time limit, what was done with the parcel since the notice counts too.
    let until = if clock.each_slot { window_end(pack, clock, due) } else { None };
    let is_work = |meet: &Meet| {
        let body = index.acts.get(meet.place).map(|act| act.body());
        due.is_some() && meet.place > start.place && matches!(body, Some(Body::Attempt(_) | Body::Action(_) | Body::Close(_)))
    };
    let in_time_for = move |meet: &Meet| match clock.starts.on {
        On::Day if clock.each_slot => {
            (meet.at > start.at || (meet.place == start.place && meet.at == start.at))
                && until.is_none_or(|until| meet.at < until)
        }
        On::Day => meet.at > start.at,
        On::NoReply => meet.at > start.at || is_work(meet),
        // An act that was certainly done before the reply counted is no act on it.
        On::Reply => meet.latest >= start.at,
        _ => true,
    };
    let candidates = meets.for_start(index, start).filter(move |meet| in_time_for(meet));
    // A clock that started at a reply also ends with a possible earlier end of the case, because in either order nothing was
    // missed.
    let ends = || [start.ended, index.end_after(start.from)].into_iter().flatten().filter(|_| clock.ends_with_case);
    let Some(due) = due else {
        let met = candidates.clone().next().map(|meet| meet.place);
        let stopped = ends().next().is_some() || start.overtaken.is_some();
        let timeliness = match (met, stopped) {
            (Some(_), _) => Timeliness::OnTime,
            (None, true) => Timeliness::NotNeeded,
            (None, false) => Timeliness::Pending,
        };
        return (timeliness, met);
    };
    if meets.data_entry {
        // Without the time of data entry the registrar's statement counts that the data were missing (SLA-11).
        let entered = index.acts.get(start.place).and_then(|act| act.facts.entered).is_some_and(|entered| entered <= due);
        return (if entered { Timeliness::OnTime } else { Timeliness::Late }, None);
    }
    let in_time = candidates.clone().find(|meet| {
        let done = clock.counts == Counts::Acted && meet.latest <= due;
        meet.received.is_some_and(|received| received <= due || done)
    });
    if let Some(meet) = in_time {
        return (Timeliness::OnTime, Some(meet.place));
    }
    let phoned = |at: fn(&Act<'_>, UnixMs) -> UnixMs| {
        let tells = |act: &Act<'_>| index.acts.get(start.place).is_none_or(|first| index.tells_of(act, first));
        let by_then = |(place, act): (usize, &Act<'_>)| {
            let said = index.phoned(act, pack, Some(clock)).filter(|said| place >= start.from && at(act, *said) <= due);
            said.filter(|_| tells(act)).map(|_| place)
        };
        (!clock.exceptions.is_empty()).then(|| index.standing().find_map(by_then)).flatten()
    };
    if let Some(place) = phoned(|act, _| act.when.latest) {
        return (Timeliness::OnTimeByException, Some(place));
    }
    if ends().any(|end| end.latest <= due) || start.overtaken.is_some_and(|at| at <= due) {
        return (Timeliness::NotNeeded, None);
    }
    if index.now <= due && candidates.clone().all(|meet| meet.received.is_none()) {
        return (Timeliness::Pending, None);
    }
    // An act that is in time only by its device's claim does not meet the clock; a person reviews it. Proven acts go first.
    let proven = candidates.clone().find(|meet| meet.verified && meet.latest <= due);
    let said = proven.or_else(|| candidates.clone().find(|meet| meet.at <= due)).map(|meet| meet.place);
    let said = said.or_else(|| phoned(|_, said| said)).or_else(|| ends().find(|end| end.at <= due).map(|end| end.place));
    match said {
        Some(place) => (Timeliness::LateSynced, Some(place)),
        None => (Timeliness::Late, candidates.clone().next().map(|meet| meet.place)),
    }
}
