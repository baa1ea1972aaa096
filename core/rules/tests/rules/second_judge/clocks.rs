//! Each clock of a pack by itself: what starts it, when it runs out, and what became of it (domain 3).

use doorstep_domain::*;
use doorstep_rules::*;

use super::{
    calendar::{after_working_minutes, end_of_day, first_run, last_time, next_time},
    reading::{Act, Reading, Word, in_force, versions},
};

/// What became of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Became {
    Running,
    Met,
    /// Met by a phone notice in an outage.
    MetByPhone,
    Excused,
    Missed,
    /// Nobody may decide it but a person.
    Review,
    /// The schedule that it needs is missing.
    NoSchedule,
}

/// One clock that started.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    pub clock: String,
    pub version: u32,
    pub by: EntryKey,
    pub due: Option<UnixMs>,
    pub became: Became,
}

/// A start of a clock.
struct Start {
    place: usize,
    /// The act from which on acts may meet it.
    from: usize,
    at: UnixMs,
    /// When it is no longer needed because of a later reply.
    replaced: Option<UnixMs>,
    /// Only if a person looks: it never started if an unproven time or a late mark is right.
    is_doubted: bool,
    /// An end of the case that may have been before the start.
    ended: Option<UnixMs>,
    /// Of a daily duty: acts before this moment count for it.
    until: Option<UnixMs>,
}

impl Start {
    fn of(place: usize, from: usize, at: UnixMs) -> Self {
        Self { place, from, at, replaced: None, is_doubted: false, ended: None, until: None }
    }
}

/// What the second judge says of a history.
pub fn told(reading: &Reading<'_>) -> Vec<Told> {
    let mut all = Vec::new();
    for (version, published) in versions(reading.book).into_iter().enumerate() {
        for clock in &published.pack.clocks {
            for start in reading.starts(clock, version) {
                all.push(reading.tell(clock, version, &start));
            }
        }
    }
    all.sort();
    all
}

impl<'a> Reading<'a> {
    /// When a clock runs out that starts at a moment: `Ok(None)` for never, an error if a schedule is missing.
    pub fn due(&self, pack: &Pack, clock: &Clock, start: UnixMs) -> Result<Option<UnixMs>, ()> {
        let outlet = self.facts_at(start).delivering_outlet.as_ref().map(|outlet| outlet.as_str());
        Ok(Some(match &clock.due {
            Due::NoLimit => return Ok(None),
            Due::AtStart => start,
            Due::EndOfDay => end_of_day(pack, start),
            Due::Hours(hours) => UnixMs(start.0 + i64::from(*hours) * 3_600_000),
            // At that very time the day's list is closed [A].
            Due::TimeOfDay(time) => next_time(pack, UnixMs(start.0 + 1), &[*time]).ok_or(())?,
            Due::Slots(times) => next_time(pack, if clock.each_slot { start } else { self.now }, times).ok_or(())?,
            Due::FirstRun => first_run(pack, start, outlet).ok_or(())?,
            Due::WorkingMinutes(minutes) => after_working_minutes(pack, start, *minutes).ok_or(())?,
            Due::WorkingDays(_) => return Err(()),
        }))
    }

    fn starts(&self, clock: &Clock, version: usize) -> Vec<Start> {
        match clock.starts.on {
            On::Attempt if clock.count > 1 => self.counted(clock, version),
            On::Attempt | On::Registration => self.registrations(clock, version),
            On::Problem => self.problems(clock, version),
            On::Notice => self.notices(clock, version),
            On::Reply => self.replies(clock, version),
            On::NoReply => self.unanswered(version),
            On::Day if clock.each_slot => self.slots(clock, version),
            On::Day => self.today(clock, version),
            On::Action | On::Tick | On::Ledger | On::Close => {
                let is_start = |act: &Act<'_>| {
                    act.version == version && clock.starts.is(act.body()) && self.is_start(clock, act, act.time.at)
                };
                let acts = self.acts.iter().enumerate().filter(|(_, act)| is_start(act));
                acts.map(|(place, act)| Start::of(place, place, act.time.at)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What a correction takes back while the clock runs never started it. Afterwards head office decides.
    pub fn is_start(&self, clock: &Clock, act: &Act<'_>, at: UnixMs) -> bool {
        let Some(withdrawn) = act.withdrawn else { return true };
        let Ok(Some(due)) = self.due(self.pack(act.version), clock, at) else { return false };
        withdrawn > due
    }

    /// The row of a clock by which an act is judged.
    fn row(&self, clock: &Clock, act: &Act<'_>) -> Option<&'a Clock> {
        self.pack(act.version).clocks.iter().find(|row| row.id == clock.id)
    }

    /// SLA-09: the act that makes so many.
    fn counted(&self, clock: &Clock, version: usize) -> Vec<Start> {
        let mut counted: Vec<(usize, &Act<'_>)> = Vec::new();
        let is_start = |act: &Act<'_>| clock.starts.is(act.body()) && self.is_start(clock, act, act.time.at);
        for (place, act) in self.acts.iter().enumerate().filter(|(_, act)| is_start(act)) {
            if !counted.iter().any(|(_, other)| other.first.entry.key == act.first.entry.key) {
                counted.push((place, act));
            }
        }
        let reached = counted.get(clock.count as usize - 1).filter(|(_, act)| act.version == version);
        reached.map(|(place, act)| Start::of(*place, *place, act.time.at)).into_iter().collect()
    }

    /// SLA-03: the first failure of a round of which the origin outlet is to be told. A correction is no new failure.
    fn registrations(&self, clock: &Clock, version: usize) -> Vec<Start> {
        let mut started: Vec<&EntryKey> = Vec::new();
        let mut starts = Vec::new();
        let begins = |round: usize| self.begun.get(round).map(|round| round.start);
        let inside = |from: Option<usize>, to: Option<usize>| {
            self.acts.iter().enumerate().filter(move |(place, _)| *place >= from.unwrap_or(0) && to.is_none_or(|to| *place < to))
        };
        let spans = std::iter::once((None, begins(0))).chain((0..self.begun.len()).map(|n| (begins(n), begins(n + 1))));
        for (from, to) in spans {
            let first = inside(from, to).find(|(_, act)| {
                let row = self.row(clock, act);
                let notified =
                    || act.registers().is_some_and(|(code, _)| self.pack(act.version).code(code).is_none_or(|row| row.notify));
                let fits = |row: &Clock| {
                    row.starts.is(act.body())
                        && (row.starts.on == On::Attempt || notified())
                        && self.is_start(row, act, act.time.at)
                };
                row.is_some_and(fits) && !started.contains(&&act.first.entry.key)
            });
            if let Some((place, act)) = first {
                started.push(&act.first.entry.key);
                if act.version == version {
                    starts.push(Start::of(place, from.unwrap_or(0), act.time.at));
                }
            }
        }
        starts
    }

    /// SLA-01, SLA-02, SLA-11, SLA-12: each problem of an outlet once until the case ends.
    fn problems(&self, clock: &Clock, version: usize) -> Vec<Start> {
        let mut started: Vec<usize> = Vec::new();
        let mut starts = Vec::new();
        for (place, act) in self.acts.iter().enumerate() {
            let Body::Problem(problem) = act.body() else { continue };
            let Some(row) = self.row(clock, act) else { continue };
            let at = match row.from {
                From::Act => act.time.at,
                From::Found => problem.found_at.map_or(act.time.at, |found| Self::stated(act, found)),
                From::TheoreticalArrival => act.facts.arrival.unwrap_or(UnixMs(i64::MAX)),
            };
            let is_start = row.starts.is(act.body()) && (act.stands() || (at != UnixMs(i64::MAX) && self.is_start(row, act, at)));
            let is_again = |other: &usize| {
                let other_act = &self.acts[*other];
                let Body::Problem(first) = other_act.body() else { return false };
                let same = first.reason == problem.reason
                    && first.stage == problem.stage
                    && first.piece == problem.piece
                    && other_act.outlet() == act.outlet();
                let ended = self.end_after(*other).is_some_and(|end| end.place < place);
                (same && !ended) || other_act.first.entry.key == act.first.entry.key
            };
            // A problem that was registered under a provisional number is judged in that number's case.
            let is_restated = self.standing().any(|(_, alias)| {
                let is_provisional = |alias: &Alias| alias.waybill.as_str().starts_with("PV-");
                matches!(alias.body(), Body::Alias(alias) if is_provisional(alias)) && alias.recorded.change == act.first.change
            });
            if is_start && !is_restated && !started.iter().any(is_again) {
                started.push(place);
                if act.version == version {
                    starts.push(Start::of(place, place, at));
                }
            }
        }
        starts
    }

    /// SLA-04, SLA-05: when the origin outlet was told in a round. An outlet that was phoned has no notice to look at.
    fn notices(&self, clock: &Clock, version: usize) -> Vec<Start> {
        let for_the_eyes = clock.met_by.iter().any(|event| event.on == On::Seen);
        let told = self.begun.iter().filter_map(|round| Some((round.start, round.told?)));
        let of_version = told.filter(|(_, (_, by))| self.acts[*by].version == version);
        let seen = of_version.filter(|(_, (_, by))| !(for_the_eyes && matches!(self.acts[*by].body(), Body::Outage(_))));
        seen.map(|(from, (at, by))| Start::of(by, from, at)).collect()
    }

    pub fn reply_clock(pack: &Pack) -> Option<&Clock> {
        pack.clocks.iter().find(|clock| clock.starts.on == On::Notice && clock.met_by.iter().all(|event| event.on == On::Reply))
    }

    /// SLA-06, SLA-07: each valid reply with such a decision, from when it counts on, until a later one replaces it. A reply that was
    /// taken back only after its duty had run out keeps it, and one that was there until then replaced what came before it.
    fn replies(&self, clock: &Clock, version: usize) -> Vec<Start> {
        let mut valid: Vec<(UnixMs, usize)> =
            (0..self.acts.len()).filter_map(|place| Some((self.counted_from(place)?, place))).collect();
        valid.sort();
        let mut starts = Vec::new();
        for (n, (from, place)) in valid.iter().copied().enumerate() {
            let act = &self.acts[place];
            if act.version != version || !clock.starts.is(act.body()) || !self.is_start(clock, act, from) {
                continue;
            }
            let pack = self.pack(version);
            let round = self.round_of(place);
            let told = round.and_then(|round| round.told);
            if clock.due == Due::FirstRun && pack.switches.first_run_same_day_only {
                let same_day = told.is_none_or(|(told, _)| end_of_day(pack, told) == end_of_day(pack, from));
                if !same_day {
                    continue;
                }
            }
            // An end of the case that is certainly before the reply leaves nothing to do.
            let since = round.map_or(0, |round| round.start);
            let end = self.end_after(since).filter(|end| end.place < place);
            if end.is_some_and(|end| end.latest <= from) {
                continue;
            }
            // A late reply (6.6).
            let mut claims_acted = false;
            if let Some((told, by)) = told {
                let pack = self.pack(self.acts[by].version);
                let due = Self::reply_clock(pack).and_then(|clock| self.due(pack, clock, told).ok().flatten());
                if let Some(due) = due.filter(|due| from > *due) {
                    let executed = |at: fn(&Act<'_>) -> UnixMs| {
                        self.standing().any(|(other, act)| {
                            let is_deed = matches!(act.body(), Body::Action(_) | Body::Close(_));
                            is_deed && other >= since && act.time.at > due && at(act) < from
                        })
                    };
                    match pack.switches.late_reply {
                        LateReply::Binds => {}
                        LateReply::Void => continue,
                        LateReply::BindsUnlessActed if executed(|act| act.time.latest) => continue,
                        LateReply::BindsUnlessActed => claims_acted = executed(|act| act.time.at),
                    }
                }
            }
            let late_mark = matches!(self.word(place), Some(Word::Valid { late_mark: true, .. }));
            let due = self.due(pack, clock, from).ok().flatten();
            let was_there = |(_, later): &&(UnixMs, usize)| {
                self.acts[*later].withdrawn.is_none_or(|withdrawn| due.is_some_and(|due| withdrawn > due))
            };
            let replaced = valid[n + 1..].iter().find(was_there).map(|(from, _)| *from);
            let is_doubted = end.is_some() || claims_acted || late_mark;
            starts.push(Start { replaced, is_doubted, ended: end.map(|end| end.latest), ..Start::of(place, place, from) });
        }
        starts
    }

    /// SLA-08: no reply in time, or an invalid one and no other.
    fn unanswered(&self, version: usize) -> Vec<Start> {
        let pack = self.pack(version);
        let mut starts = Vec::new();
        for (n, round) in self.begun.iter().enumerate() {
            let next = self.begun.get(n + 1).map_or(self.acts.len(), |next| next.start);
            let Some((told, by)) = round.told.filter(|(_, by)| self.acts[*by].version == version) else { continue };
            let Some(Ok(Some(due))) = Self::reply_clock(pack).map(|clock| self.due(pack, clock, told)) else { continue };
            let replies = self.standing().filter(|(place, act)| {
                act.time.received.is_some() && self.word(*place).is_some() && (round.start..next).contains(place)
            });
            let words: Vec<(usize, Word)> = replies.filter_map(|(place, _)| Some((place, self.word(place)?))).collect();
            let valid = words.iter().filter_map(|(place, _)| self.counts_from(*place)).min();
            let invalid =
                words.iter().filter_map(|(_, word)| if let Word::Invalid { known, .. } = word { *known } else { None }).min();
            let overdue = UnixMs(due.0 + 1);
            let at = invalid.map_or(overdue, |invalid| invalid.min(overdue));
            if valid.is_none_or(|valid| valid > at) && at <= self.now {
                starts.push(Start { replaced: valid, ..Start::of(by, round.start, at) });
            }
        }
        starts
    }

    /// When the case was open: its first act and its end, and again from a registration after an end.
    fn open(&self) -> Vec<(usize, UnixMs, Option<UnixMs>)> {
        let mut open: Vec<(usize, UnixMs, Option<UnixMs>)> = Vec::new();
        let mut is_open = false;
        for (place, act) in self.standing() {
            if !is_open && (open.is_empty() || act.registers().is_some()) {
                open.push((place, act.time.at, None));
                is_open = true;
            }
            if is_open && let Some(end) = self.ends.iter().find(|end| end.place == place) {
                open.last_mut().unwrap().2 = Some(end.at);
                is_open = false;
            }
        }
        open.retain(|(_, from, _)| *from <= self.now);
        open
    }

    /// PER-01, version 1: the present period of the duty.
    fn today(&self, clock: &Clock, version: usize) -> Vec<Start> {
        let Due::Slots(times) = &clock.due else { return Vec::new() };
        let first = self.standing().find(|(_, act)| act.registers().is_some());
        let Some((place, act)) = first.filter(|(_, act)| !self.has_ended && act.time.at <= self.now) else { return Vec::new() };
        if in_force(self.book, self.now) != version {
            return Vec::new();
        }
        let last = last_time(self.pack(version), self.now, times).unwrap();
        vec![Start::of(place, 0, last.max(act.time.at))]
    }

    /// PER-01, version 2: each time of the day while the case was open, and the next one.
    fn slots(&self, clock: &Clock, version: usize) -> Vec<Start> {
        let Due::Slots(times) = &clock.due else { return Vec::new() };
        let pack = self.pack(version);
        let mut starts = Vec::new();
        for (place, from, until) in self.open() {
            let mut time = next_time(pack, from, times);
            while let Some(slot) = time {
                let is_past_end = until.is_some_and(|until| slot > until);
                let before = last_time(pack, slot, times).unwrap();
                let next = next_time(pack, UnixMs(slot.0 + 1), times).unwrap();
                if is_past_end || before >= self.now {
                    break;
                }
                let is_ours = in_force(self.book, slot) == version;
                if is_ours && (slot < self.now || in_force(self.book, self.now) == version) {
                    // An act counts for the nearest time; in the middle it counts for the later one.
                    let nearest_from = UnixMs(before.0 + (slot.0 - before.0) / 2 - 1);
                    let until = UnixMs(slot.0 + (next.0 - slot.0) / 2);
                    starts.push(Start { until: Some(until), ..Start::of(place, place, nearest_from.max(from)) });
                }
                time = Some(next);
            }
        }
        starts
    }

    // ---- what became of it ----

    /// The acts that do what a clock asks, from a start on.
    fn deeds(&self, clock: &Clock, start: &Start, due: Option<UnixMs>) -> Vec<(usize, Deed)> {
        let first = &self.acts[start.place];
        let mut deeds = Vec::new();
        for (place, act) in self.acts.iter().enumerate() {
            let counts = act.stands() || place == start.place;
            if !counts || place < start.from || !clock.met_by.iter().any(|event| self.does(event, place)) {
                continue;
            }
            if let (On::Problem, Body::Problem(a), Body::Problem(b)) = (clock.starts.on, first.body(), act.body())
                && (a.reason != b.reason || a.stage != b.stage || a.piece != b.piece || first.outlet() != act.outlet())
            {
                continue;
            }
            // A reply that becomes valid after its receipt does nothing before that.
            let since = if let Some(Word::Valid { since, .. }) = self.word(place) { since } else { None };
            let behind = |at: UnixMs| since.map_or(at, |since| at.max(since));
            let deed = Deed { at: behind(act.time.at), latest: behind(act.time.latest), received: act.time.received.map(behind) };
            let with_parcel = matches!(act.body(), Body::Attempt(_) | Body::Action(_) | Body::Close(_));
            let is_in_time_for = match clock.starts.on {
                On::Day if clock.each_slot => {
                    (deed.at > start.at || (place == start.place && deed.at == start.at))
                        && start.until.is_none_or(|until| deed.at < until)
                }
                On::Day => deed.at > start.at,
                On::NoReply => deed.at > start.at || (due.is_some() && place > start.place && with_parcel),
                On::Reply => deed.latest >= start.at,
                _ => true,
            };
            if is_in_time_for {
                deeds.push((place, deed));
            }
        }
        deeds
    }

    fn does(&self, event: &Event, place: usize) -> bool {
        let act = &self.acts[place];
        match event.on {
            On::Notice => self.is_to_origin(act),
            On::Reply => self.is_valid(place) && event.is(act.body()),
            On::Attempt if event.proven => event.is(act.body()) && self.is_proven(act),
            On::Method => self.is_method(act),
            _ => event.is(act.body()),
        }
    }

    /// Whether a message proves a failed delivery: a message about a failed delivery that stands proves its day (SMS-2).
    fn is_proven(&self, act: &Act<'_>) -> bool {
        let exists = |of: &EntryKey| self.standing().any(|(_, other)| other.first.entry.key == *of);
        self.standing().any(|(_, sms)| {
            let is_about_one = matches!(sms.body(), Body::Sms(sms) if sms.attempt.as_ref().is_some_and(exists));
            is_about_one && self.day(sms) == self.day(act)
        })
    }

    /// Whether the delivering side does something with the parcel, or a step of the cards of what is registered that is its own.
    fn is_method(&self, act: &Act<'_>) -> bool {
        let codes: Vec<&str> = self.standing().filter_map(|(_, act)| act.registers()).map(|(code, _)| code).collect();
        let mut steps = Vec::new();
        for published in self.book.versions() {
            let cards = published.pack.codes.iter().filter(|row| codes.contains(&row.code.as_str()));
            let on_cards =
                cards.flat_map(|row| &row.steps).filter_map(|step| published.pack.steps.iter().find(|row| row.code == step.step));
            steps.extend(on_cards.filter(|row| {
                let tells = ["problem", "notice", "outage", "reply"].iter().any(|kind| row.done_by.iter().any(|by| by == kind));
                !tells && ![Some(Side::Origin), Some(Side::Finance), Some(Side::HeadOffice)].contains(&row.side)
            }));
        }
        let outlet = Some(act.outlet());
        let of_origin = act.facts.origin_outlet.as_ref() == outlet && act.facts.delivering_outlet.as_ref() != outlet;
        match act.body() {
            Body::Attempt(_) | Body::Action(_) | Body::Close(_) => true,
            Body::Tick(tick) => !of_origin && steps.iter().any(|row| row.code == tick.step.as_str()),
            body => !of_origin && steps.iter().any(|row| row.done_by.iter().any(|by| by == body.kind())),
        }
    }

    fn tell(&self, clock: &Clock, version: usize, start: &Start) -> Told {
        let pack = self.pack(version);
        let act = &self.acts[start.place];
        let due = if start.at == UnixMs(i64::MAX) { Err(()) } else { self.due(pack, clock, start.at) };
        let mut became = match due {
            Err(()) => Became::NoSchedule,
            Ok(due) => self.became(clock, pack, start, due),
        };
        let by_day = matches!(clock.due, Due::EndOfDay | Due::TimeOfDay(_) | Due::FirstRun | Due::WorkingDays(_));
        let may_be_another_day = || {
            let Ok(due) = due else { return false };
            let is_open = act.time.earliest == UnixMs(i64::MIN);
            let other = |at| self.due(pack, clock, at) != Ok(due);
            act.time.earliest < act.time.latest && (is_open || other(act.time.earliest) || other(act.time.latest))
        };
        let is_other_day = by_day && start.at == act.time.at && may_be_another_day();
        if became == Became::Missed && (act.is_version_unsure || is_other_day || start.is_doubted) {
            became = Became::Review;
        }
        Told { clock: clock.id.clone(), version: pack.version, by: act.key().clone(), due: due.unwrap_or(None), became }
    }

    fn became(&self, clock: &Clock, pack: &Pack, start: &Start, due: Option<UnixMs>) -> Became {
        let deeds = self.deeds(clock, start, due);
        let first = &self.acts[start.place];
        // (certain, estimated) ends of the case since the start.
        let mut ends: Vec<(UnixMs, UnixMs)> = Vec::new();
        if clock.ends_with_case {
            ends.extend(self.end_after(start.from).map(|end| (end.latest, end.at)));
            ends.extend(start.ended.map(|latest| (latest, latest)));
        }
        let Some(due) = due else {
            return match (deeds.is_empty(), ends.is_empty() && start.replaced.is_none()) {
                (false, _) => Became::Met,
                (true, false) => Became::Excused,
                (true, true) => Became::Running,
            };
        };
        if clock.met_by.iter().any(|event| event.on == On::DataEntry) {
            return if first.facts.entered.is_some_and(|entered| entered <= due) { Became::Met } else { Became::Missed };
        }
        // Point 1: received in time or, for deliveries and runs, certainly done in time.
        let is_in_time = |deed: &Deed| {
            deed.received.is_some_and(|received| received <= due || (clock.counts == Counts::Acted && deed.latest <= due))
        };
        if deeds.iter().any(|(_, deed)| is_in_time(deed)) {
            return Became::Met;
        }
        // Point 2: the phone notice of an outage, which is as late as its record may be.
        let calls = || {
            let all = self.acts.iter().enumerate().filter(|(place, _)| *place >= start.from && !clock.exceptions.is_empty());
            let said = all.filter_map(|(_, act)| Some((act, self.phoned(act, pack, Some(&clock.exceptions))?)));
            said.filter(|(act, _)| self.may_tell_of(act, first))
        };
        if calls().any(|(act, _)| act.time.latest <= due) {
            return Became::MetByPhone;
        }
        if ends.iter().any(|(certain, _)| *certain <= due) || start.replaced.is_some_and(|at| at <= due) {
            return Became::Excused;
        }
        if self.now <= due && deeds.iter().all(|(_, deed)| deed.received.is_none()) {
            return Became::Running;
        }
        // Point 3: in time only by what a device says. Point 4: late.
        let by_word = deeds.iter().any(|(_, deed)| deed.at <= due)
            || calls().any(|(_, said)| said <= due)
            || ends.iter().any(|(_, said)| *said <= due);
        if by_word { Became::Review } else { Became::Missed }
    }
}

/// A deed that may meet a clock.
struct Deed {
    at: UnixMs,
    latest: UnixMs,
    received: Option<UnixMs>,
}
