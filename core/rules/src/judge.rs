//! The judgement: what a pack says of a case now (domain 3.6, 6.3, 8.5). Derived, never stored as truth.

use chrono::{DateTime, Days, NaiveTime, TimeZone};
use doorstep_domain::{Body, Kind, OutletCode, Recorded, UnixMs};
use serde::Serialize;

use crate::{Case, Clock, Due, Flag, Gap, LateSynced, Pack, Party, Step, Words, evidence::missing, flags::flags, names::names};

/// Where a case stands (domain 8.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No attempt yet: a photo or note came first.
    Open,
    /// A failed delivery is recorded; the origin outlet has not been told.
    Registered,
    /// The origin outlet has been told.
    Notified,
    /// It has not replied in time.
    ReplyOverdue,
    /// It has replied; the delivering side must act.
    ActionDue,
    /// Ended.
    Closed,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NextStep {
    /// Record the attempt.
    Register,
    /// Notify the origin outlet; without a network, phone it and record that.
    NotifyOrigin,
    /// The notice is written and only this device has it: sync, or phone the origin outlet and record that.
    SendNotice,
    /// The origin outlet must reply.
    AwaitReply,
    /// Do what the reply says.
    FollowReply,
    /// Follow the method of the problem type (T-5).
    DefaultMethod,
    /// Nothing.
    None,
}

/// How a deadline was kept (domain 3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Timeliness {
    /// Still running.
    Pending,
    /// The server had it in time.
    OnTime,
    /// The phone notice of an outage was made in time and recorded completely.
    OnTimeByException,
    /// Recorded in time, received late; head office reviews it.
    LateSynced,
    /// Neither.
    Late,
}

names!(State { Open = "open", Registered = "registered", Notified = "notified", ReplyOverdue = "reply_overdue", ActionDue = "action_due", Closed = "closed" });
names!(NextStep { Register = "register", NotifyOrigin = "notify_origin", SendNotice = "send_notice", AwaitReply = "await_reply", FollowReply = "follow_reply", DefaultMethod = "default_method", None = "none" });
names!(Timeliness { Pending = "pending", OnTime = "on_time", OnTimeByException = "on_time_by_exception", LateSynced = "late_synced", Late = "late" });

/// One running or decided deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deadline {
    /// The clock's id.
    pub clock: String,
    /// Its name.
    pub name: Words,
    /// Which round of attempt, notice and reply it belongs to, from 1.
    pub round: usize,
    /// When it runs out; inclusive.
    pub due_at: UnixMs,
    /// Milliseconds left; negative when past. 0 once decided.
    pub left_ms: i64,
    /// How it was kept.
    pub timeliness: Timeliness,
}

/// Who would answer for what, if the records stay as they are. A proposal: head office decides (domain C-18).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answerable {
    /// The outlet; `None` when the parcel's facts do not name it.
    pub outlet: Option<OutletCode>,
    /// In which part.
    pub party: Party,
    /// By which rule.
    pub rule: String,
}

/// Everything a screen shows of a case beside its timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// Where it stands.
    pub state: State,
    /// What is next.
    pub next_step: NextStep,
    /// The decision in force, if the origin outlet replied, or the outcome of a closed case.
    pub decision: Option<String>,
    /// All deadlines, in the order they started.
    pub deadlines: Vec<Deadline>,
    /// Missing evidence.
    pub missing: Vec<Gap>,
    /// Who would answer.
    pub answerable: Vec<Answerable>,
    /// Flags, sorted.
    pub flags: Vec<Flag>,
}

impl Judgement {
    /// The clocks that were missed, each once.
    pub fn missed(&self) -> Vec<&str> {
        let mut missed: Vec<&str> = self
            .deadlines
            .iter()
            .filter(|d| matches!(d.timeliness, Timeliness::Late | Timeliness::LateSynced))
            .map(|d| d.clock.as_str())
            .collect();
        missed.sort_unstable();
        missed.dedup();
        missed
    }

    /// The earliest deadline that is still running. After it the judgement changes by itself; without one, time does not
    /// change it.
    pub fn next_due(&self) -> Option<UnixMs> {
        self.deadlines.iter().filter(|d| d.timeliness == Timeliness::Pending).map(|d| d.due_at).min()
    }
}

/// One round of failed delivery, notice and reply. An attempt after a reply, after the end, or on another day opens the next.
#[derive(Default)]
struct Round<'a> {
    attempts: Vec<&'a Recorded>,
    notices: Vec<&'a Recorded>,
    outages: Vec<&'a Recorded>,
    /// All replies of the case after its beginning answer it: where they begin among all. A list for each round would be as many
    /// lists as rounds, which somebody could make a gigabyte of.
    replies_from: usize,
    is_replied: bool,
}

/// The rounds of a case with its replies, in the timeline's order.
struct Rounds<'a> {
    rounds: Vec<Round<'a>>,
    replies: Vec<&'a Recorded>,
}

impl<'a> Rounds<'a> {
    fn replies_to(&self, round: &Round) -> &[&'a Recorded] {
        self.replies.get(round.replies_from..).unwrap_or_default()
    }
}

/// Judges a case by a pack at a moment.
pub fn judge(case: &Case, pack: &Pack, now: UnixMs) -> Judgement {
    let all = rounds(case, pack);
    let mut flags = flags(case, pack);
    let mut deadlines = Vec::new();
    let mut answerable = Vec::new();
    for (i, round) in all.rounds.iter().enumerate() {
        for clock in &pack.clocks {
            if let Some(deadline) = deadline(clock, (round, all.replies_to(round)), case, pack, now, i + 1) {
                let verified = round.attempts.iter().all(|r| r.standing.receipt().is_some_and(|r| r.acted.at.is_some()));
                let answers = match deadline.timeliness {
                    Timeliness::Late => true,
                    Timeliness::LateSynced => pack.late_synced == LateSynced::Strict || !verified,
                    _ => false,
                };
                if answers {
                    answerable.push(answerable_for(clock, case));
                }
                deadlines.push(deadline);
            }
        }
    }
    let missing = missing(case, pack, &mut flags);
    flags.sort_unstable();
    flags.dedup();
    let (state, next_step, decision) = state(case, pack, all.rounds.last(), &deadlines, all.rounds.len());
    Judgement { state, next_step, decision, deadlines, missing, answerable, flags }
}

fn rounds<'a>(case: &'a Case, pack: &Pack) -> Rounds<'a> {
    let mut rounds: Vec<Round> = Vec::new();
    let mut replies = Vec::new();
    let mut closed = false;
    for recorded in &case.timeline {
        let kind = Kind::from_word(recorded.entry.body.kind());
        let opens = match kind {
            Some(Kind::Attempt) => closed || rounds.last().is_none_or(|round| round.is_over(recorded, pack)),
            Some(Kind::Notice | Kind::Outage | Kind::Reply) => rounds.is_empty(),
            _ => false,
        };
        closed = (closed && !opens) || kind == Some(Kind::Close);
        if opens {
            rounds.push(Round { replies_from: replies.len(), ..Round::default() });
        }
        match kind {
            // An answer from an outlet that is not the origin is no reply (domain 6.4). A reply answers every notice
            // before it; which of several meets a clock is decided by their receipts.
            Some(Kind::Reply) if from_origin(recorded, case) => {
                replies.push(recorded);
                // Earlier rounds are over already; only the last one is asked.
                rounds.last_mut().into_iter().for_each(|round| round.is_replied = true);
            }
            _ => {
                let Some(round) = rounds.last_mut() else { continue };
                match kind {
                    Some(Kind::Attempt) => round.attempts.push(recorded),
                    Some(Kind::Notice) => round.notices.push(recorded),
                    Some(Kind::Outage) => round.outages.push(recorded),
                    _ => {}
                }
            }
        }
    }
    Rounds { rounds, replies }
}

impl Round<'_> {
    /// Whether another attempt belongs to a new round: the origin outlet has replied, or it is another day, for which the
    /// same-day notice is due anew (domain 3.1, C-3).
    fn is_over(&self, attempt: &Recorded, pack: &Pack) -> bool {
        let day = |r: &Recorded| due_at(Due::EndOfDay, r.acted_at(), pack);
        self.is_replied || self.attempts.first().is_some_and(|first| day(first) != day(attempt))
    }
}

/// Whether a notice is addressed to the origin outlet, as far as that is known (domain 6.1).
pub(crate) fn to_origin(recorded: &Recorded, case: &Case) -> bool {
    match (&recorded.entry.body, &case.facts.origin_outlet) {
        (Body::Notice(notice), Some(origin)) => notice.to == *origin,
        _ => true,
    }
}

fn from_origin(recorded: &Recorded, case: &Case) -> bool {
    case.facts.origin_outlet.as_ref().is_none_or(|origin| recorded.entry.author.outlet == *origin)
}

/// When the phone call of an outage was: the claimed time, moved by what the server found the device's clock to be off.
fn phoned_at(recorded: &Recorded) -> Option<UnixMs> {
    let Body::Outage(outage) = &recorded.entry.body else { return None };
    let claimed = outage.phoned_at?;
    let off = recorded.acted_at().since(recorded.entry.time.wall);
    let reckoned = recorded.standing.receipt().and_then(|r| r.acted.at).or_else(|| recorded.entry.time.anchored());
    // Nobody can phone after recording that they did.
    Some(if reckoned.is_some() { claimed.plus(off).min(recorded.acted_at()) } else { claimed.min(recorded.acted_at()) })
}

fn deadline(
    clock: &Clock,
    (round, replies): (&Round, &[&Recorded]),
    case: &Case,
    pack: &Pack,
    now: UnixMs,
    number: usize,
) -> Option<Deadline> {
    let start = match clock.starts {
        Step::Attempt => round.attempts.iter().map(|r| r.acted_at()).min()?,
        // The server's receipt, or the phone notice during an outage (SLA-05); an unsent notice starts nothing.
        Step::Notice => {
            let online = round.notices.iter().filter(|r| to_origin(r, case)).filter_map(|r| r.standing.receipt());
            let by_phone = round.outages.iter().filter(|r| is_valid_outage(r, pack, None)).filter_map(|r| phoned_at(r));
            online.map(|receipt| receipt.received_at).chain(by_phone).min()?
        }
        Step::Reply => replies.iter().filter_map(|r| r.standing.receipt()).map(|r| r.received_at).min()?,
    };
    let due_at = due_at(clock.due, start, pack)?;
    let timeliness = timeliness(clock, (round, replies), case, pack, due_at, now);
    Some(Deadline {
        clock: clock.id.clone(),
        name: Words { zh: clock.zh.clone(), en: clock.en.clone() },
        round: number,
        due_at,
        left_ms: if timeliness == Timeliness::Pending { due_at.since(now) } else { 0 },
        timeliness,
    })
}

fn due_at(due: Due, start: UnixMs, pack: &Pack) -> Option<UnixMs> {
    match due {
        Due::Hours(hours) => Some(start.plus(i64::from(hours) * 3_600_000)),
        Due::EndOfDay => {
            let zone = pack.zone()?;
            // A claimed time may lie at the very end of the calendar, where a zone leads past it.
            let local = DateTime::from_timestamp_millis(start.0)?.naive_utc().checked_add_offset(zone)?;
            let midnight = local.date().checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN);
            Some(UnixMs(zone.from_local_datetime(&midnight).single()?.timestamp_millis() - 1))
        }
    }
}

/// The four answers of domain 3.6, in its order.
fn timeliness(
    clock: &Clock,
    (round, replies): (&Round, &[&Recorded]),
    case: &Case,
    pack: &Pack,
    due: UnixMs,
    now: UnixMs,
) -> Timeliness {
    let meets: Vec<&Recorded> = match clock.met_by {
        Step::Attempt => round.attempts.clone(),
        Step::Notice => round.notices.iter().copied().filter(|r| to_origin(r, case)).collect(),
        Step::Reply => replies.to_vec(),
    };
    if meets.iter().any(|r| r.standing.receipt().is_some_and(|receipt| receipt.received_at <= due)) {
        return Timeliness::OnTime;
    }
    if round.outages.iter().any(|r| is_valid_outage(r, pack, Some(clock)) && phoned_at(r).is_some_and(|at| at <= due)) {
        return Timeliness::OnTimeByException;
    }
    if now <= due && meets.iter().all(|r| r.standing.receipt().is_none()) {
        return Timeliness::Pending;
    }
    if meets.iter().any(|r| r.acted_at() <= due) { Timeliness::LateSynced } else { Timeliness::Late }
}

/// A complete outage record with a reason that an exception accepts: any exception of the pack, or one of a clock's own.
fn is_valid_outage(recorded: &Recorded, pack: &Pack, clock: Option<&Clock>) -> bool {
    let Body::Outage(outage) = &recorded.entry.body else { return false };
    let listed = |id: &String| clock.is_none_or(|clock| clock.exceptions.contains(id));
    outage.is_complete() && pack.exceptions.iter().any(|e| listed(&e.id) && e.reasons.iter().any(|r| r == outage.reason.as_str()))
}

fn answerable_for(clock: &Clock, case: &Case) -> Answerable {
    let outlet = match clock.answers {
        Party::DeliveringOutlet => case.facts.delivering_outlet.clone(),
        Party::OriginOutlet => case.facts.origin_outlet.clone(),
    };
    Answerable { outlet, party: clock.answers, rule: clock.rule.clone() }
}

fn state(
    case: &Case,
    pack: &Pack,
    round: Option<&Round>,
    deadlines: &[Deadline],
    rounds: usize,
) -> (State, NextStep, Option<String>) {
    let after_close: Vec<_> = case
        .timeline
        .iter()
        .skip_while(|r| !matches!(r.entry.body, Body::Close(_)))
        .filter(|r| matches!(r.entry.body, Body::Close(_) | Body::Attempt(_)))
        .collect();
    if let Some(Body::Close(close)) = after_close.last().map(|r| &r.entry.body) {
        return (State::Closed, NextStep::None, Some(close.outcome.to_string()));
    }
    let Some(round) = round else { return (State::Open, NextStep::Register, None) };
    // Two replies: the latest by server receipt is in force, earlier ones are history (domain 6.6).
    let replies = case.of_kind(Kind::Reply).filter(|r| from_origin(r, case) && round.is_replied);
    let in_force = replies.max_by_key(|r| (r.standing.receipt().map(|x| x.received_at), r.acted_at(), r.change));
    if let Some(Body::Reply(reply)) = in_force.map(|r| &r.entry.body) {
        return (State::ActionDue, NextStep::FollowReply, Some(reply.decision.to_string()));
    }
    let awaits_reply = |d: &Deadline| pack.clocks.iter().any(|clock| clock.id == d.clock && clock.met_by == Step::Reply);
    let overdue = deadlines.iter().any(|d| d.round == rounds && awaits_reply(d) && d.timeliness == Timeliness::Late);
    // Notified is what the origin outlet can know of: a notice that the server has, or a complete phone notice (8.5).
    let mut to_origin = round.notices.iter().filter(|r| to_origin(r, case)).peekable();
    let written = to_origin.peek().is_some();
    let told = to_origin.any(|r| r.standing.receipt().is_some()) || round.outages.iter().any(|r| is_valid_outage(r, pack, None));
    match (told, overdue) {
        (true, true) => (State::ReplyOverdue, NextStep::DefaultMethod, None),
        (true, false) => (State::Notified, NextStep::AwaitReply, None),
        (false, _) if written => (State::Registered, NextStep::SendNotice, None),
        (false, _) => (State::Registered, NextStep::NotifyOrigin, None),
    }
}
