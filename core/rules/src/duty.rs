//! Whose turn it is: the set of duties that are due in a case, derived from its clocks, its next step and its cards (domain 14.1).
//! Each duty names one side and, as far as the parcel's facts know it, the outlet. Lists of phones and of head office sort by them.

use std::collections::HashSet;

use doorstep_domain::{Body, EntryKey, Kind, OutletCode, Role, UnixMs, UserId, words};
use serde::{Deserialize, Serialize};

use crate::{
    AskState, Card, Clock, Conflict, ConflictKind, Need, NextStep, On, OutcomeRow, Pack, Proof, Side, Timeliness, asked,
    card::CardLine,
    case::registered,
    case_index::{Act, CaseIndex},
    conflict::in_force,
    deadline::Kept,
    holder::Has,
    ledger,
    method::Method,
    proof,
    state::{is_action, is_at_hub, is_too_late},
};

words!(
    /// The kind of a duty.
    DutyKind {
        /// Record the attempt or the problem.
        Register = "register",
        /// Send the registration that is only on a device, or phone the origin outlet.
        SendRegistration = "send_registration",
        /// Notify the origin outlet.
        Notify = "notify_origin",
        /// Send the notice that is only on a device, or phone the origin outlet.
        SendNotice = "send_notice",
        /// Look at the notice.
        Look = "look_at_notice",
        /// Reply to the notice.
        Reply = "give_reply",
        /// Carry out the reply.
        Follow = "follow_reply",
        /// Begin the method of the problem type, because no valid reply came (T-5).
        Method = "default_method",
        /// Do a step of the problem's card.
        Step = "work_card",
        /// Follow the parcel until it is signed for or returned.
        FollowUp = "follow_up",
        /// Assign the parcel again, because two assignments contradict each other.
        Assign = "assign_again",
        /// Write the line of the ledger.
        Ledger = "write_ledger",
        /// Answer what the outlet or hub is asked: search, say whether it is signed for, confirm the arrival.
        Answer = "answer_ask",
        /// Head office decides.
        Decide = "decide",
    }
);

/// One thing that somebody must do in a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Its kind.
    pub kind: DutyKind,
    /// The step of a card, for [`DutyKind::Step`] and [`DutyKind::Answer`]; for [`DutyKind::Ledger`] the card's step, or the change that
    /// the line has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The side.
    pub side: Side,
    /// The roles of which any may do it.
    pub by: Vec<Role>,
    /// The outlet or hub; `None` for head office, and if nobody knows the outlet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlet: Option<OutletCode>,
    /// The courier who has the parcel by an assignment or a takeover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<UserId>,
    /// When the run of the outlet's timetable leaves to which the parcel is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<UnixMs>,
    /// The clock that measures it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// When it runs out, milliseconds since 1970, inclusive. `None` without a time limit, and if the limit has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixMs>,
    /// The limit that has passed while it was not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<UnixMs>,
    /// The entry that it is about; `None` in a case without a registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<EntryKey>,
}

/// The person for whom a list is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reader {
    /// The role.
    pub role: Role,
    /// The account.
    pub user: UserId,
    /// The outlet.
    pub outlet: OutletCode,
}

impl Reader {
    /// Whether the reader watches all cases, as head office does.
    pub fn watches_all(&self) -> bool {
        matches!(self.role, Role::HqCs | Role::HqReviewer | Role::HqAdmin | Role::Auditor)
    }
}

/// The place of a case in a reader's list. Lists sort by it: overdue first, then by the time left, then cases that wait for others,
/// then ended ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// The reader has missed a time limit, which passed at this moment.
    Overdue(UnixMs),
    /// The reader has something to do until this moment; [`UnixMs`]'s largest value without a time limit.
    Mine(UnixMs),
    /// The case waits for others, until this moment or since it.
    Waiting(UnixMs),
    /// The case has ended, and nothing is due in it.
    Ended,
}

/// A moment after all others, for duties without a time limit.
const NO_LIMIT: UnixMs = UnixMs(i64::MAX);

impl Duty {
    fn new(kind: DutyKind, side: Side, by: &[Role]) -> Self {
        let (step, outlet, person, run, clock, until, missed, about) = (None, None, None, None, None, None, None, None);
        Self { kind, step, side, by: by.to_vec(), outlet, person, run, clock, until, missed, about }
    }

    /// Whether it is a reader's turn: their role may do it, at their outlet, and the parcel is assigned to nobody else. What is assigned
    /// to a courier stays the outlet staff's to see to.
    pub fn is_for(&self, reader: &Reader) -> bool {
        let is_theirs = self.outlet.as_ref().is_none_or(|outlet| *outlet == reader.outlet);
        let is_assigned = || reader.role == Role::Courier && self.person.as_ref().is_some_and(|person| *person != reader.user);
        self.by.contains(&reader.role) && (self.side == Side::HeadOffice || is_theirs) && !is_assigned()
    }

    /// Its order among duties: what is missed, the earliest first; then by the time left.
    fn urgency(&self) -> (bool, UnixMs, DutyKind) {
        (self.missed.is_none(), self.missed.or(self.until).unwrap_or(NO_LIMIT), self.kind)
    }
}

/// The duty that a reader's list shows for a case: their own most urgent one, else the most urgent of all.
pub fn shown_duty<'d>(duties: &'d [Duty], reader: &Reader) -> Option<&'d Duty> {
    let most_urgent = |mine: bool| duties.iter().filter(|duty| !mine || duty.is_for(reader)).min_by_key(|duty| duty.urgency());
    most_urgent(true).or_else(|| most_urgent(false))
}

/// The place of a case in a reader's list.
pub fn turn(duties: &[Duty], reader: &Reader) -> Turn {
    match shown_duty(duties, reader) {
        None => Turn::Ended,
        Some(duty) if duty.is_for(reader) || reader.watches_all() => match duty.missed {
            Some(since) => Turn::Overdue(since),
            None => Turn::Mine(duty.until.unwrap_or(NO_LIMIT)),
        },
        Some(duty) => Turn::Waiting(duty.missed.or(duty.until).unwrap_or(NO_LIMIT)),
    }
}

/// The duties of a case, the most urgent first.
pub(crate) fn duties(
    index: &CaseIndex<'_>,
    kept: &[Kept<'_>],
    next: NextStep,
    (cards, asks): (&[Card], &[AskState]),
    (conflicts, disputed): (&[Conflict], bool),
) -> Vec<Duty> {
    let mut found = Duties {
        index,
        asks,
        is_at_hub: is_at_hub(index),
        arrived: asked::arrival(index).map(|(place, _)| place),
        is_on_the_way: asks.iter().rfind(|ask| ask.forwards).is_some_and(|ask| ask.open),
        has: index.case.has(),
        origin_reads: reaches_origin(index),
        all: Vec::new(),
    };
    asks.iter().filter(|ask| ask.open).for_each(|ask| found.of_ask(ask));
    kept.iter().for_each(|kept| found.of_clock(kept));
    found.of_next_step(next);
    if !index.ended {
        cards.iter().for_each(|card| found.of_card(card, next));
    }
    // The steps are done, or the card has none: the case is still to be brought to its end.
    if !index.ended && found.all.is_empty() {
        found.add(found.delivering(DutyKind::FollowUp));
    }
    if !index.ended {
        found.of_requirements();
    }
    found.of_money();
    let is_assign = |conflict: &&Conflict| conflict.kind == ConflictKind::TwoAssignments;
    if let Some(conflict) = conflicts.iter().find(is_assign) {
        found.add(Duty { about: conflict.sides.last().cloned(), ..found.delivering(DutyKind::Assign) });
    }
    if let Some(conflict) = conflicts.iter().find(|conflict| !is_assign(conflict)) {
        found.add(Duty { about: conflict.sides.last().cloned(), ..found.decide() });
    }
    if disputed {
        found.add(found.decide());
    }
    found.all.sort_by(|a, b| a.urgency().cmp(&b.urgency()).then_with(|| a.step.cmp(&b.step)));
    found.all
}

/// What a courier or a run carries out.
const CARRIES_OUT: [DutyKind; 3] = [DutyKind::Follow, DutyKind::Method, DutyKind::FollowUp];
const STAFF: [Role; 2] = [Role::Outlet, Role::OutletManager];
const DELIVERING: [Role; 3] = [Role::Courier, Role::Outlet, Role::OutletManager];
const ASKED: [Role; 3] = [Role::Outlet, Role::OutletManager, Role::Hub];
const FINANCE: [Role; 2] = [Role::OutletFinance, Role::OutletManager];

struct Duties<'i, 'a> {
    index: &'i CaseIndex<'a>,
    asks: &'i [AskState],
    is_at_hub: bool,
    /// The place of the arrival by which an outlet has a parcel that was sent on to it.
    arrived: Option<usize>,
    /// Whether the parcel was sent on, and the site has not said yet whether it has arrived.
    is_on_the_way: bool,
    /// Who or which run has the parcel.
    has: Has<'i>,
    /// Whether the origin outlet reads the case. Before, nothing is due from it, and somebody is to tell it.
    origin_reads: bool,
    all: Vec<Duty>,
}

impl Duties<'_, '_> {
    /// Adds a duty with its outlet and person, unless it is there already.
    fn add(&mut self, mut duty: Duty) {
        duty.outlet = duty.outlet.or_else(|| outlet_of(self.index, duty.side));
        let is_origins = duty.outlet.is_some() && duty.outlet == self.index.case.facts.origin_outlet;
        if is_origins && !self.origin_reads && matches!(duty.side, Side::Origin | Side::Finance) {
            return;
        }
        let is_delivering = duty.side == Side::Delivering;
        match self.has {
            Has::Courier(user) if is_delivering && duty.by.contains(&Role::Courier) => duty.person = Some(user.clone()),
            Has::Run(leaves_at) if is_delivering && CARRIES_OUT.contains(&duty.kind) => duty.run = Some(leaves_at),
            _ => {}
        }
        let is_same = |other: &Duty| {
            // Each question is a duty of its own, and so is what the outlet of before still has to do.
            let is_about = duty.kind != DutyKind::Answer || other.about == duty.about;
            is_about && (other.kind, other.side, &other.step, &other.outlet) == (duty.kind, duty.side, &duty.step, &duty.outlet)
        };
        match self.all.iter_mut().find(|other| is_same(other)) {
            Some(other) if duty.urgency() < other.urgency() => *other = duty,
            Some(_) => {}
            None => self.all.push(duty),
        }
    }

    /// A duty of the side that delivers: the hub, while it holds the parcel. A hub delivers nothing and ends no case.
    fn delivering(&self, kind: DutyKind) -> Duty {
        let is_hubs = match kind {
            DutyKind::Assign | DutyKind::FollowUp => false,
            DutyKind::Follow => is_action(self.index) && !lacks_consent(self.index),
            _ => true,
        };
        match kind {
            DutyKind::Assign => Duty::new(kind, Side::Delivering, &STAFF),
            _ if self.is_at_hub && is_hubs => Duty::new(kind, Side::Hub, &[Role::Hub]),
            _ => Duty::new(kind, Side::Delivering, &DELIVERING),
        }
    }

    /// The answer to a question. Without a problem nobody looks for the parcel or waits for it.
    fn of_ask(&mut self, ask: &AskState) {
        if self.index.case.reason().is_none() {
            return;
        }
        let (step, outlet, about) = (Some(ask.step.clone()), Some(ask.to.clone()), Some(ask.entry.clone()));
        self.add(Duty { step, outlet, about, ..Duty::new(DutyKind::Answer, Side::Asked, &ASKED) });
    }

    /// Whether an act came before the parcel arrived at the outlet that delivers it now. What was due from the delivering side for it is
    /// the former outlet's.
    fn is_of_before(&self, place: usize) -> bool {
        self.arrived.is_some_and(|arrived| place < arrived)
    }

    /// Whether the origin outlet has replied since, too late to bind. Another reply would not bind either.
    fn has_late_reply(&self, place: usize) -> bool {
        let since = self.index.acts.iter().skip(place).filter(|act| act.stands() && act.is_valid_reply());
        since
            .filter(|act| matches!(act.body(), Body::Reply(_)) && self.index.is_origin(act))
            .any(|act| is_too_late(self.index, act))
    }

    /// The outlet of before that still has to notify of its own registration. A hub delivered nothing, and the outlet that sent the
    /// parcel notifies nobody of what it recorded itself.
    fn former(&self, place: usize) -> Option<OutletCode> {
        let registration = self.index.acts.get(place).filter(|_| self.is_of_before(place))?;
        let author = &registration.registered.entry.author;
        let origin = outlet_of(self.index, Side::Origin);
        (DELIVERING.contains(&author.role) && origin.as_ref() != Some(&author.outlet)).then(|| author.outlet.clone())
    }

    fn decide(&self) -> Duty {
        Duty::new(DutyKind::Decide, Side::HeadOffice, &[Role::HqReviewer])
    }

    /// The duty that a clock measures, as long as it is not done. Of earlier rounds nothing is due any more.
    fn of_clock(&mut self, kept: &Kept<'_>) {
        let Kept { deadline, clock, pack, start } = kept;
        let is_over = match deadline.timeliness {
            // An act for one of the times of a day counts from the middle before it on.
            Timeliness::Pending => clock.each_slot && start.at > self.index.now,
            Timeliness::ScheduleMissing => deadline.met_by.is_some(),
            // Each time of a day is a deadline of its own, and a past one can not be made good.
            Timeliness::Late => clock.each_slot || deadline.met_by.is_some(),
            _ => true,
        };
        let of_round = matches!(clock.starts.on, On::Registration | On::Attempt | On::Notice | On::Reply | On::NoReply);
        let round = self.index.rounds.last().map_or(0, |round| round.from);
        let is_past = of_round && clock.count <= 1 && self.index.round_of(&self.index.rounds, start.place) != round;
        let is_ended = clock.ends_with_case && self.index.ended;
        // A registration that was taken back too late keeps its finding, and nobody has to act on it any more.
        let is_taken_back = self.index.acts.get(start.place).is_none_or(|act| !act.stands());
        let is_replaced = start.overtaken.is_some_and(|at| at <= self.index.now);
        if is_over || is_past || is_ended || is_replaced || is_taken_back {
            return;
        }
        let Some(duty) = self.measured(clock, pack, start.place) else { return };
        // Without a problem nobody has to do anything about it. Money stays money.
        if self.index.case.reason().is_none() && duty.kind != DutyKind::Ledger {
            return;
        }
        let is_late = deadline.timeliness == Timeliness::Late;
        self.add(Duty {
            clock: Some(clock.id.clone()),
            until: deadline.due_at.filter(|_| !is_late),
            missed: deadline.due_at.filter(|_| is_late),
            about: Some(deadline.started_by.clone()),
            ..duty
        });
    }

    /// The duty that meets a clock.
    fn measured(&self, clock: &Clock, pack: &Pack, place: usize) -> Option<Duty> {
        let event = clock.met_by.first()?;
        Some(match event.on {
            On::Notice => {
                let registration = self.index.acts.get(place)?;
                let kind = if self.has_unsent_notice() { DutyKind::SendNotice } else { DutyKind::Notify };
                match registration.is_at_hub() {
                    true => {
                        let outlet = Some(registration.outlet().clone());
                        Duty { outlet, ..Duty::new(kind, Side::Hub, &[Role::Hub]) }
                    }
                    false => Duty { outlet: self.former(place), ..Duty::new(kind, Side::Delivering, &DELIVERING) },
                }
            }
            On::Seen => Duty::new(DutyKind::Look, Side::Origin, &STAFF),
            On::Reply if self.has_late_reply(place) => return None,
            On::Reply => Duty::new(DutyKind::Reply, Side::Origin, &STAFF),
            On::Method => self.delivering(DutyKind::Method),
            On::Tick => self.step(pack, event.steps.first()?, None),
            On::Ledger => Duty { step: event.changes.first().cloned(), ..Duty::new(DutyKind::Ledger, Side::Finance, &FINANCE) },
            On::Action | On::Close | On::Attempt if clock.starts.on == On::Reply => self.delivering(DutyKind::Follow),
            On::Action | On::Close | On::Attempt | On::Consent => self.delivering(DutyKind::FollowUp),
            On::Problem | On::NoReply | On::DataEntry | On::Day | On::Registration => return None,
        })
    }

    /// The duty of the next step, for packs without a clock for it.
    fn of_next_step(&mut self, next: NextStep) {
        let duty = match next {
            NextStep::Register => self.delivering(DutyKind::Register),
            NextStep::SendRegistration => self.delivering(DutyKind::SendRegistration),
            NextStep::NotifyOrigin => self.delivering(DutyKind::Notify),
            NextStep::SendNotice => self.delivering(DutyKind::SendNotice),
            NextStep::AwaitReply => Duty::new(DutyKind::Reply, Side::Origin, &STAFF),
            // The site that it was sent on to is to say whether it has arrived.
            NextStep::FollowReply | NextStep::FollowUp | NextStep::DefaultMethod if self.is_on_the_way => return,
            NextStep::FollowReply => self.delivering(DutyKind::Follow),
            // What is begun goes on with the card's steps, and is followed to the end.
            NextStep::DefaultMethod if self.has_begun_method() => self.delivering(DutyKind::FollowUp),
            NextStep::DefaultMethod => self.delivering(DutyKind::Method),
            NextStep::FollowUp => self.delivering(DutyKind::FollowUp),
            NextStep::AwaitDecision => self.decide(),
            NextStep::WorkCard | NextStep::None => return,
        };
        let about = self.index.rounds.last().and_then(|round| self.index.acts.get(round.from)).map(|act| act.key().clone());
        self.add(Duty { about, ..duty });
    }

    /// What an action needs before it counts, as far as others provide it: a tick of the origin outlet's, a line of the ledger.
    fn of_requirements(&mut self) {
        let index = self.index;
        let decided = decision(index).and_then(|code| index.pack().outcome(code)).filter(|row| row.action);
        let Some(row) = decided.filter(|_| self.has(DutyKind::Follow)) else { return };
        for proof in proof::unmet(index, row, index.now).flat_map(|row| &row.any_of) {
            match proof {
                Proof::Tick { steps } => {
                    let step = steps.first().map(|step| self.step(index.pack(), step, None));
                    step.into_iter().for_each(|step| self.add(step));
                }
                Proof::Ledger { .. } if !self.has(DutyKind::Ledger) => {
                    self.add(Duty::new(DutyKind::Ledger, Side::Finance, &FINANCE));
                }
                _ => {}
            }
        }
    }

    /// The COD money that is to be handed in before the parcel is signed for, or was not when it was signed for. It does not end with
    /// the case.
    fn of_money(&mut self) {
        let index = self.index;
        let decided = decision(index);
        let end = index.standing().rev().find_map(|(_, act)| match act.body() {
            Body::Close(close) => Some(close.outcome.as_str()),
            _ => None,
        });
        let collecting = index.pack().outcomes.iter().find_map(|row| {
            let is_meant = match (index.ended, end) {
                (true, end) => end == Some(row.code.as_str()),
                (false, _) => decided.is_none_or(|code| row.contradicts.iter().all(|of| of != code)),
            };
            row.collects.as_deref().filter(|_| is_meant).map(|collected| (row, collected))
        });
        let is_delivered_next = self.has(DutyKind::FollowUp) || (self.has(DutyKind::Follow) && !is_action(index));
        let is_due = |(end, _): &(&OutcomeRow, &str)| ledger::not_handed_in(index.case, end).is_some();
        if let Some((_, collected)) = collecting.filter(|_| index.ended || is_delivered_next).filter(is_due) {
            let (step, outlet) = (Some(collected.to_owned()), outlet_of(index, Side::Delivering));
            self.add(Duty { step, outlet, ..Duty::new(DutyKind::Ledger, Side::Finance, &FINANCE) });
        }
    }

    fn has(&self, kind: DutyKind) -> bool {
        self.all.iter().any(|duty| duty.kind == kind)
    }

    /// Whether the delivering side has begun the method of the problem type since the newest round began.
    fn has_begun_method(&self) -> bool {
        let (method, from) = (Method::of(self.index), self.index.rounds.last().map_or(0, |round| round.from));
        let since = |(place, _): &(usize, &Act<'_>)| *place > from;
        self.index.standing().filter(since).any(|(_, act)| method.is_begun_by(act))
    }

    /// The first step of a card that each side has not done. What has a duty of its own, such as the notice, is no step here, and
    /// neither is evidence that is only suggested. After a reply only what follows it in the card is due, and before it only what
    /// precedes it. A line of the ledger that a card names before the reply stays due, because no reply replaces it. The origin outlet
    /// reads a failed delivery once it is told of it, and does nothing before.
    fn of_card(&mut self, card: &Card, next: NextStep) {
        let Some(pack) = self.index.book.version(card.pack_version).map(|published| &published.pack) else { return };
        let kinds = |line: &CardLine| pack.step(&line.step).map(|step| step.done_by.as_slice()).unwrap_or_default();
        let is_by =
            |line: &CardLine, of: &[Kind]| kinds(line).iter().any(|kind| of.iter().any(|kind_of| kind_of.as_str() == kind));
        let reply = card.steps.iter().position(|line| is_by(line, &[Kind::Reply]));
        let is_answered = in_force(self.index).is_some();
        let goes_on = is_answered || matches!(next, NextStep::DefaultMethod | NextStep::WorkCard | NextStep::FollowUp);
        let own = [Kind::Attempt, Kind::Problem, Kind::Notice, Kind::Outage, Kind::Reply, Kind::Close];
        let is_suggested = |line: &CardLine| is_by(line, &[Kind::Sms]) && pack.code(&card.code).is_some_and(suggests_sms);
        let is_due = |place: usize, line: &CardLine| match reply {
            Some(reply) if place > reply => goes_on,
            Some(_) => !is_answered || line.side == Some(Side::Finance),
            None => true,
        };
        let mut seen = HashSet::new();
        let is_of_before = self.index.place_of(&card.entry).is_some_and(|place| self.is_of_before(place));
        let is_asked = |line: &CardLine| self.asks.iter().any(|ask| ask.open && ask.step == line.step);
        let is_theirs = |line: &CardLine| is_of_before && matches!(line.side, None | Some(Side::Delivering | Side::Hub));
        let is_read = |line: &CardLine| !matches!(line.side, Some(Side::Origin | Side::Finance)) || self.origin_reads;
        let is_open = |line: &CardLine| line.done.is_empty() && is_read(line) && !is_asked(line) && !is_theirs(line);
        let lines = card.steps.iter().enumerate().filter(|(_, line)| is_open(line));
        let due = lines.filter(|(place, line)| is_due(*place, line) && !is_by(line, &own) && !is_suggested(line));
        let has_hub = outlet_of(self.index, Side::Hub).is_some();
        // Nobody knows which hub: the delivering outlet asks one, or a hub that has the case by the parcel's list does the step.
        let is_to_ask = |line: &CardLine| {
            line.side == Some(Side::Hub) && !has_hub && pack.step(&line.step).is_some_and(|step| !step.results.is_empty())
        };
        let sides = |line: &CardLine| std::iter::once(line.side).chain(is_to_ask(line).then_some(Some(Side::Delivering)));
        let first = due.flat_map(|(_, line)| sides(line).map(move |side| (side, line))).filter(|(side, _)| seen.insert(*side));
        let duty = |(side, line): (Option<Side>, &CardLine)| {
            let duty = self.step(pack, &line.step, side);
            let by = if side == line.side { duty.by } else { STAFF.to_vec() };
            Duty { about: Some(card.entry.clone()), by, ..duty }
        };
        let duties: Vec<Duty> = first.map(duty).collect();
        duties.into_iter().for_each(|duty| self.add(duty));
    }

    /// The duty of a step. A side that the pack does not name is the delivering one.
    fn step(&self, pack: &Pack, code: &str, side: Option<Side>) -> Duty {
        let step = pack.step(code);
        let side = side.or(step.and_then(|step| step.side)).unwrap_or(Side::Delivering);
        let allowed: &[Role] = match side {
            Side::Delivering => &DELIVERING,
            Side::Origin => &STAFF,
            Side::Hub => &[Role::Hub],
            Side::Asked => &ASKED,
            Side::Finance => &FINANCE,
            Side::HeadOffice => &[Role::HqCs, Role::HqReviewer],
        };
        let named: Vec<&str> = step.map(|step| pack.roles_of(&step.by)).unwrap_or_default();
        let is_named = |role: &Role| {
            // A manager may do what their people may: a courier may be ill, or gone.
            let of_outlet = [Role::Outlet, Role::Courier].iter().any(|role| named.contains(&role.as_str()));
            named.contains(&role.as_str()) || (*role == Role::OutletManager && of_outlet)
        };
        let by: Vec<Role> = allowed.iter().copied().filter(is_named).collect();
        let by = if by.is_empty() { allowed.to_vec() } else { by };
        let is_ledger =
            side == Side::Finance && step.is_some_and(|step| step.done_by.iter().any(|kind| kind == Kind::Ledger.as_str()));
        let kind = if is_ledger { DutyKind::Ledger } else { DutyKind::Step };
        Duty { step: Some(code.to_owned()), ..Duty::new(kind, side, &by) }
    }

    fn has_unsent_notice(&self) -> bool {
        let round = self.index.rounds.last().map_or(0, |round| round.from);
        let mut notices = self
            .index
            .acts_of_round(&self.index.rounds, round)
            .iter()
            .filter(|act| act.stands() && matches!(act.body(), Body::Notice(_)));
        notices.any(|act| act.when.received.is_none() && self.index.to_origin(act))
    }
}

/// Whether the decision in force needs a customer's consent that is not on record. A hub speaks with no customer.
fn lacks_consent(index: &CaseIndex<'_>) -> bool {
    let is_consent = |proof: &Proof| matches!(proof, Proof::Consent { .. });
    let row = decision(index).and_then(|code| index.pack().outcome(code));
    row.is_some_and(|row| proof::unmet(index, row, index.now).any(|row| row.any_of.iter().any(is_consent)))
}

/// The decision in force.
fn decision<'a>(index: &CaseIndex<'a>) -> Option<&'a str> {
    in_force(index).and_then(|(_, act)| match act.body() {
        Body::Reply(reply) => Some(reply.decision.as_str()),
        _ => None,
    })
}

/// Whether the origin outlet reads the case: the server has a notice, a phone notice, a problem, or a reply or a line of the ledger that
/// others wrote (`server/src/doc.rs`); or it delivers the parcel itself.
fn reaches_origin(index: &CaseIndex<'_>) -> bool {
    let origin = index.case.facts.origin_outlet.as_ref();
    if origin.is_some() && origin == index.case.delivering() {
        return true;
    }
    let tells = |act: &Act<'_>| match act.body() {
        Body::Notice(_) | Body::Outage(_) | Body::Problem(_) => true,
        Body::Reply(_) | Body::Ledger(_) => origin != Some(act.outlet()),
        _ => false,
    };
    index.standing().any(|(_, act)| act.when.received.is_some() && tells(act))
}

/// Whether an SMS is suggested for a code and not required.
fn suggests_sms(code: &crate::pack::Code) -> bool {
    let wants = |need: Need| {
        let mut rows = code.evidence.iter().filter(move |row| row.need == need);
        rows.any(|row| row.any_of.iter().any(|proof| matches!(proof, Proof::Sms { .. })))
    };
    !wants(Need::Required)
}

/// The outlet of a side: by the parcel's facts, else of the side's own acts. A parcel in no list is its registrar's, and its origin
/// is the outlet that was notified.
fn outlet_of(index: &CaseIndex<'_>, side: Side) -> Option<OutletCode> {
    let facts = &index.case.facts;
    let registrar = |of_hub: bool| {
        let registers = |act: &Act<'_>| match of_hub {
            true => act.is_at_hub(),
            // A hub delivers nothing, and neither does head office.
            false => registered(act.body()).is_some() && DELIVERING.contains(&act.registered.entry.author.role),
        };
        index.standing().rev().find(|(_, act)| registers(act)).map(|(_, act)| act.outlet().clone())
    };
    let notified = || {
        index.standing().rev().find_map(|(_, act)| match act.body() {
            Body::Notice(notice) => Some(notice.to.clone()),
            _ => None,
        })
    };
    match side {
        Side::Delivering => index.case.delivering().cloned().or_else(|| registrar(false)),
        Side::Origin => facts.origin_outlet.clone().or_else(notified),
        Side::Hub => registrar(true),
        Side::Finance => facts.origin_outlet.clone().or_else(|| outlet_of(index, Side::Delivering)),
        // A question names its outlet, and head office has none.
        Side::Asked | Side::HeadOffice => None,
    }
}
