//! Applies clocks to a case: their starts, their ends, and whether they were met (domain 3).

use std::collections::HashSet;

use doorstep_domain::{Body, EntryKey, UnixMs, words};
use serde::Serialize;

use crate::{
    Clock, Counts, Due, Event, From, LateReply, Missing, On, Pack, Validity, Words,
    case::registered,
    case_index::{Act, CaseIndex, End},
    leniency::Leniency,
    method::Method,
    slots::{slots, window_end},
    sms::proves,
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
    /// The entry that met it, or that would have met it in time.
    pub met_by: Option<EntryKey>,
    /// Whether another version may have been in force when it started, so that a person must review it.
    pub unsure: bool,
    /// Whether it may have started on another day, with another end, so that a person must review it.
    pub day_unsure: bool,
    /// An act by which this clock never started, if it counts: an earlier one with an unproven time, or an outlet's mark against the
    /// reply that came after the clock had run out. A person must review it.
    pub doubted_by: Option<EntryKey>,
}

/// Most starts of one clock that are judged, the newest ones. A parcel has a handful, but a hostile device could claim thousands.
pub(crate) const MOST_STARTS: usize = 256;

/// A start of a clock.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    /// Index of the act.
    pub place: usize,
    /// Index from which acts may meet it.
    pub from: usize,
    pub at: UnixMs,
    /// When a later reply replaced it.
    overtaken: Option<UnixMs>,
    /// The group of starts that share an end, for problems registered several times.
    group: Option<usize>,
    /// Index of an act by which this clock never started, if the act counts.
    doubt: Option<usize>,
    /// An end of the case that is dated before the start, but not proven to be earlier.
    ended: Option<End>,
}

impl Start {
    /// A start by an act, without further conditions.
    fn of(place: usize, from: usize, at: UnixMs) -> Self {
        Self { place, from, at, overtaken: None, group: None, doubt: None, ended: None }
    }
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

/// The starts of a clock of a version, by acts that happened while the version was in force.
fn starts(index: &CaseIndex<'_>, clock: &Clock, version: usize) -> Vec<Start> {
    let ours = |act: &Act<'_>| act.when.version == version;
    let is = |act: &Act<'_>| ours(act) && clock.starts.is(act.body());
    let each = |at: fn(&CaseIndex<'_>, &Act<'_>) -> UnixMs| {
        // A line that a correction takes back while the deadline runs started nothing.
        let is_start = |act: &Act<'_>| is(act) && counts_as_start(index, act, clock, at(index, act));
        let matching = index.acts.iter().enumerate().filter(|(_, act)| is_start(act));
        matching.map(|(place, act)| Start::of(place, place, at(index, act))).collect()
    };
    match clock.starts.on {
        On::Attempt | On::Registration => registrations(index, clock, version),
        On::Problem => problems(index, clock, version),
        // An outlet that was phoned has no notice to look at.
        On::Notice if clock.met_by.iter().any(|event| event.on == On::Seen) => {
            let phoned = |place: usize| index.acts.get(place).is_some_and(|act| matches!(act.body(), Body::Outage(_)));
            told(index, version).into_iter().filter(|start| !phoned(start.place)).collect()
        }
        On::Notice => told(index, version),
        On::Reply => replies(index, clock, version),
        On::NoReply => unanswered(index, version),
        On::Day if clock.each_slot => {
            // One more than is judged, so that it is noticed that there are too many.
            let slots = slots(index, clock, version, MOST_STARTS + 1).into_iter();
            slots.map(|slot| Start::of(slot.place, slot.place, slot.from)).collect()
        }
        On::Day => days(index, clock, version),
        On::Action | On::Tick | On::Ledger | On::Close => each(|_, act| act.when.at),
        On::Seen | On::Consent | On::DataEntry | On::Method => Vec::new(),
    }
}

/// Whether an act registers a problem of which the origin outlet is notified, by the version of the act.
fn is_notified(index: &CaseIndex<'_>, act: &Act<'_>) -> bool {
    registered(act.body()).is_some_and(|(code, _)| index.pack_of(act).code(code).is_none_or(|row| row.notify))
}

/// The first matching registration of each round or, with a count, the attempt that reaches the count.
fn registrations(index: &CaseIndex<'_>, clock: &Clock, version: usize) -> Vec<Start> {
    let mut starts: Vec<Start> = Vec::new();
    let mut seen = 0;
    let is_start = |act: &Act<'_>| clock.starts.is(act.body()) && (clock.starts.on == On::Attempt || is_notified(index, act));
    for (place, act) in index.acts.iter().enumerate().filter(|(_, act)| is_start(act)) {
        seen += u32::from(act.stands());
        let from = index.round_of(place);
        if clock.count > 1 {
            if act.stands() && seen == clock.count {
                starts.push(Start::of(place, place, act.when.at));
            }
        } else if starts.last().is_none_or(|start| start.from != from)
            && counts_as_start(index, act, clock, act.when.at)
            && !is_started(index, &starts, act)
        {
            starts.push(Start::of(place, from, act.when.at));
        }
    }
    starts.retain(|start| index.acts.get(start.place).is_some_and(|act| act.when.version == version));
    starts
}

/// Whether an act counts as a start. A correction removes a start only while its deadline runs; afterwards head office decides.
/// `at`: when the clock would start.
fn counts_as_start(index: &CaseIndex<'_>, act: &Act<'_>, clock: &Clock, at: UnixMs) -> bool {
    let Some(corrected) = act.superseded else { return true };
    let due = due_at(index, index.pack_of(act), clock, at);
    due.is_ok_and(|due| due.is_some_and(|due| corrected > due))
}

/// Whether the registration that an act corrects has started the clock already: the act is no second failure. Only the newest
/// starts are compared, which bounds the cost of a hostile case.
fn is_started(index: &CaseIndex<'_>, starts: &[Start], act: &Act<'_>) -> bool {
    let is_original = |start: &Start| index.acts.get(start.place).is_some_and(|other| other.original() == act.original());
    act.is_corrected_data() && starts.iter().rev().take(MOST_STARTS).any(is_original)
}

/// Each problem once, identified by code, stage, outlet and piece, until the case ends, even if several people registered it. A
/// problem that was registered under a provisional number is judged in that number's case.
fn problems(index: &CaseIndex<'_>, clock: &Clock, version: usize) -> Vec<Start> {
    let mut starts: Vec<Start> = Vec::new();
    for (place, act) in index.acts.iter().enumerate() {
        let Body::Problem(problem) = act.body() else { continue };
        let at = match clock.from {
            From::Act => act.when.at,
            From::Found => problem.found_at.map_or(act.when.at, |found| CaseIndex::claimed(act, found)),
            From::TheoreticalArrival => act.facts.arrival.unwrap_or(UnixMs(i64::MAX)),
        };
        let is_start = clock.starts.is(act.body()) && counts_as_start(index, act, clock, at);
        if !is_start || index.restated.contains(&act.recorded.change) {
            continue;
        }
        let same = |start: &&Start| {
            let other = index.acts.get(start.place);
            let ended = index.end_after(start.place).is_some_and(|end| end.place < place);
            other.is_some_and(|other| {
                other.outlet() == act.outlet()
                    && matches!(other.body(), Body::Problem(first) if first.reason == problem.reason
                        && first.stage == problem.stage && first.piece == problem.piece)
            }) && !ended
        };
        // Compare only with the newest, which bounds the cost of a hostile case.
        if starts.iter().rev().take(MOST_STARTS).any(|start| same(&start)) || is_started(index, &starts, act) {
            continue;
        }
        starts.push(Start { group: Some(place), ..Start::of(place, place, at) });
    }
    starts.retain(|start| index.acts.get(start.place).is_some_and(|act| act.when.version == version));
    starts
}

/// The first moment in each round at which the origin outlet was told (SLA-05).
fn told(index: &CaseIndex<'_>, version: usize) -> Vec<Start> {
    let told = index.rounds.iter().filter_map(|round| {
        let (at, place) = round.told?;
        Some(Start::of(place, round.from, at))
    });
    told.filter(|start| index.acts.get(start.place).is_some_and(|act| act.when.version == version)).collect()
}

/// Each valid reply with such a decision, from its receipt by the server until a later reply replaces it (domain 6.6). A reply
/// after the end of the case starts no clock; it is a contradiction for a person.
fn replies(index: &CaseIndex<'_>, clock: &Clock, version: usize) -> Vec<Start> {
    let mut valid: Vec<(UnixMs, usize, &Act<'_>)> = index
        .standing()
        .filter(|(_, act)| act.is_valid_reply())
        .filter_map(|(place, act)| Some((act.counts_from()?, place, act)))
        .collect();
    valid.sort_by_key(|(received, place, _)| (*received, *place));
    let mut starts = Vec::new();
    for (i, (received, place, act)) in valid.iter().enumerate() {
        let pack = index.pack_of(act);
        let same_day = || {
            let day = |at: UnixMs| pack.end_of_day(at).ok();
            index.told_in_round_of(*place).is_none_or(|(told, _)| day(told) == day(*received))
        };
        let binds = clock.due != Due::FirstRun || !pack.switches.first_run_same_day_only || same_day();
        // An end that is merely dated before a reply does not cancel the clock; only an end that is proven to be earlier does.
        let end = index.end_after(index.round_of(*place)).filter(|end| end.place < *place);
        let ended = end.is_some_and(|end| end.latest <= *received);
        let starts_it = act.when.version == version && clock.starts.is(act.body()) && !ended;
        let too_late = came_too_late(index, *place, *received);
        if starts_it && binds && too_late != TooLate::Yes {
            let overtaken = valid.get(i + 1).map(|(later, ..)| *later);
            let acted = if let TooLate::Claimed(acted) = too_late { Some(acted) } else { None };
            let marked = || act.late_mark.as_ref().and_then(|mark| index.acts.iter().position(|other| other.key() == mark));
            let doubt = end.map(|end| end.place).or(acted).or_else(marked);
            starts.push(Start { overtaken, doubt, ended: end, ..Start::of(*place, *place, *received) });
        }
    }
    starts
}

/// Whether a reply came too late and no longer binds (domain 6.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TooLate {
    /// It binds.
    No,
    /// It binds, but would not if the unproven time of the act at this index is true.
    Claimed(usize),
    /// It no longer binds.
    Yes,
}

/// Whether the reply at this index came too late.
pub(crate) fn came_too_late(index: &CaseIndex<'_>, place: usize, received: UnixMs) -> TooLate {
    let Some((told, by)) = index.told_in_round_of(place) else { return TooLate::No };
    let pack = index.pack_of(by);
    let reply_clock = pack.clocks.iter().find(|clock| is_reply_clock(clock));
    let due = reply_clock.and_then(|clock| due_at(index, pack, clock, told).ok().flatten());
    if due.is_none_or(|due| received <= due) {
        return TooLate::No;
    }
    match pack.switches.late_reply {
        LateReply::Binds => TooLate::No,
        LateReply::Void => TooLate::Yes,
        LateReply::BindsUnlessActed => {
            let acts = index.acts.iter().enumerate().skip(index.round_of(place));
            let acts = acts.filter(|(_, act)| act.stands() && matches!(act.body(), Body::Action(_) | Body::Close(_)));
            let after_it = acts.filter(|(_, act)| due.is_some_and(|due| act.when.at > due));
            let before =
                |at: fn(&Act<'_>) -> UnixMs| after_it.clone().find(|(_, act)| at(act) < received).map(|(place, _)| place);
            match (before(|act| act.when.latest), before(|act| act.when.at)) {
                (Some(_), _) => TooLate::Yes,
                (None, Some(acted)) => TooLate::Claimed(acted),
                (None, None) => TooLate::No,
            }
        }
    }
}

/// Whether this is the clock of the origin outlet's answer: started by a notice and met only by a reply.
pub(crate) fn is_reply_clock(clock: &Clock) -> bool {
    clock.starts.on == On::Notice && clock.met_by.iter().all(|event| event.on == On::Reply)
}

/// Rounds in which the origin outlet gave no valid reply in time, or an invalid one and no other (SLA-08, T-5).
fn unanswered(index: &CaseIndex<'_>, version: usize) -> Vec<Start> {
    let mut starts = Vec::new();
    for told in told(index, version) {
        let pack = index.book.pack(version);
        let Some(clock) = pack.clocks.iter().find(|clock| is_reply_clock(clock)) else { continue };
        let Ok(Some(due)) = due_at(index, pack, clock, told.at) else { continue };
        let acts = index.acts_of_round(told.from).iter();
        // Another outlet's words are no reply of the origin's, and nobody must act on them.
        let is_reply = |act: &&Act<'_>| {
            matches!(act.body(), Body::Reply(_)) && act.when.received.is_some() && act.validity != Some(Validity::NotOrigin)
        };
        let replies = acts.filter(|act| act.stands()).filter(is_reply);
        let (valid, invalid): (Vec<_>, Vec<_>) = replies.partition(|act| act.is_valid_reply());
        let first_valid = valid.iter().filter_map(|act| act.counts_from()).min();
        // Only the mark or ruling that makes a reply invalid has a time here. Other marks on it move nothing.
        let marked = |act: &Act<'_>| {
            let by = act.validity.as_ref().and_then(|validity| match validity {
                Validity::Marked { by } => index.acts.iter().find(|mark| mark.key() == by),
                _ => None,
            });
            by.map_or(act.when.received, |mark| Some(mark.when.received.unwrap_or(mark.when.at)))
        };
        let first_invalid = invalid.iter().filter_map(|act| marked(act)).min();
        let at = first_invalid.map_or(due.plus(1), |invalid| invalid.min(due.plus(1)));
        if first_valid.is_none_or(|valid| valid > at) && at <= index.now {
            starts.push(Start { at, overtaken: first_valid, ..told });
        }
    }
    starts
}

/// The present period of a daily duty, while the case is open.
fn days(index: &CaseIndex<'_>, clock: &Clock, version: usize) -> Vec<Start> {
    let Due::Slots(slots) = &clock.due else { return Vec::new() };
    let registration = index.standing().find(|(_, act)| matches!(act.body(), Body::Attempt(_) | Body::Problem(_)));
    let Some((place, act)) = registration else { return Vec::new() };
    if index.ended || act.when.at > index.now || index.book.version_at(index.now) != version {
        return Vec::new();
    }
    let last = index.book.pack(version).last_time(index.now, slots).unwrap_or(act.when.at);
    vec![Start::of(place, 0, last.max(act.when.at))]
}

/// When a clock that started at a moment runs out; `None` if never.
pub(crate) fn due_at(index: &CaseIndex<'_>, pack: &Pack, clock: &Clock, start: UnixMs) -> Result<Option<UnixMs>, Missing> {
    if start == UnixMs(i64::MAX) {
        return Err(Missing::Arrival);
    }
    let delivering = index.facts_at(start).delivering_outlet.as_ref().map(|outlet| outlet.as_str());
    Ok(Some(match &clock.due {
        Due::NoLimit => return Ok(None),
        Due::AtStart => start,
        Due::EndOfDay => pack.end_of_day(start)?,
        Due::Hours(hours) => start.plus(i64::from(*hours) * 3_600_000),
        // At that very time the day's list is closed [A]: the next one is due, because a clock without any time helps nobody.
        Due::TimeOfDay(time) => pack.next_time(start.plus(1), &[*time])?,
        Due::Slots(slots) => pack.next_time(if clock.each_slot { start } else { index.now }, slots)?,
        Due::FirstRun => pack.first_run(start, delivering)?,
        Due::WorkingDays(days) => pack.after_working_days(start, *days)?,
        Due::WorkingMinutes(minutes) => pack.after_working_minutes(start, *minutes)?,
    }))
}

/// The acts that meet a clock, in the timeline's order.
struct Meets {
    acts: Vec<Meet>,
    data_entry: bool,
}

#[derive(Clone, Copy)]
struct Meet {
    place: usize,
    at: UnixMs,
    latest: UnixMs,
    verified: bool,
    received: Option<UnixMs>,
    stands: bool,
}

impl Meets {
    fn of(index: &CaseIndex<'_>, clock: &Clock, leniency: &Leniency) -> Self {
        let method = clock.met_by.iter().any(|event| event.on == On::Method).then(|| Method::of(index));
        let is_proven = |act: &Act<'_>| leniency.covers(act) || index.messages.iter().any(|message| proves(index, message, act));
        let meets = |act: &Act<'_>, event: &Event| match event.on {
            On::Notice => index.to_origin(act),
            On::Reply => act.is_valid_reply() && event.is(act.body()),
            On::Attempt if event.proven => event.is(act.body()) && is_proven(act),
            On::Method => method.as_ref().is_some_and(|method| method.is_begun_by(act)),
            _ => event.is(act.body()),
        };
        let acts = index.acts.iter().enumerate().filter(|(_, act)| clock.met_by.iter().any(|event| meets(act, event)));
        let acts = acts.map(|(place, act)| {
            // A reply that only an outlet's mark makes valid meets nothing before the mark.
            let from = |at: UnixMs| act.valid_from.map_or(at, |marked| at.max(marked));
            Meet {
                stands: act.stands(),
                place,
                at: from(act.when.at),
                latest: from(act.when.latest),
                verified: act.when.verified,
                received: act.when.received.map(from),
            }
        });
        Self { acts: acts.collect(), data_entry: clock.met_by.iter().any(|event| event.on == On::DataEntry) }
    }

    fn for_start<'m>(&'m self, index: &'m CaseIndex<'_>, start: &'m Start) -> impl Iterator<Item = &'m Meet> + Clone {
        let first = self.acts.partition_point(|meet| meet.place < start.from);
        let problem = |place: usize| match index.acts.get(place).map(|act| (act.body(), act.outlet())) {
            Some((Body::Problem(problem), outlet)) => Some((&problem.reason, problem.stage, &problem.piece, outlet)),
            _ => None,
        };
        let of = start.group.and_then(problem);
        let standing = self.acts.get(first..).unwrap_or_default().iter();
        // A registration that starts a clock may also meet it.
        let standing = standing.filter(|meet| meet.stands || meet.place == start.place);
        // A problem's clock is met by the registration of the same problem only.
        standing.filter(move |meet| match (of, problem(meet.place)) {
            (Some(of), Some(other)) => of == other,
            _ => true,
        })
    }
}

fn keep<'a>(index: &CaseIndex<'a>, clock: &'a Clock, pack: &'a Pack, start: Start, meets: &Meets) -> Option<Kept<'a>> {
    let act = index.acts.get(start.place)?;
    let due = due_at(index, pack, clock, start.at);
    let (timeliness, met) = match due {
        Err(_) => (Timeliness::ScheduleMissing, None),
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
