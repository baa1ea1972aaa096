//! A plain reading of a history: when each act was, which acts stand, which replies are valid, and where rounds begin. It is written
//! from the domain text (sections 3, 6, 7, 14) and core/rules/README.md, act by act and without an index. It shares no code with the
//! engine: of the crate it uses only the types of packs and entries.

use std::collections::HashMap;

use chrono::NaiveDate;
use doorstep_domain::*;
use doorstep_rules::*;

use super::{
    calendar::wall,
    corrected::{first_of, rank, withdrawn},
};

/// When an act was, as far as that is known.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    pub at: UnixMs,
    pub earliest: UnixMs,
    pub latest: UnixMs,
    pub is_proven: bool,
    pub received: Option<UnixMs>,
}

/// One act.
pub struct Act<'a> {
    pub recorded: &'a Recorded,
    /// The first registration, whose time, version and place correct data have.
    pub first: &'a Recorded,
    pub time: Time,
    /// Which version was in force, and whether it may have been another.
    pub version: usize,
    pub is_version_unsure: bool,
    /// The facts of the parcel by the row of head office's list that was in force.
    pub facts: &'a Facts,
    /// When a correction took it back.
    pub withdrawn: Option<UnixMs>,
}

impl Act<'_> {
    pub fn body(&self) -> &Body {
        &self.recorded.entry.body
    }
    pub fn key(&self) -> &EntryKey {
        &self.recorded.entry.key
    }
    pub fn stands(&self) -> bool {
        self.withdrawn.is_none()
    }
    /// Whether it has the correct data of another registration.
    pub fn is_correct_data(&self) -> bool {
        self.first.entry.key != self.recorded.entry.key
    }
    pub fn outlet(&self) -> &OutletCode {
        &self.first.entry.author.outlet
    }
    /// Code and stage of a registration.
    pub fn registers(&self) -> Option<(&str, Stage)> {
        match self.body() {
            Body::Attempt(attempt) => Some((attempt.reason.as_str(), Stage::Delivery)),
            Body::Problem(problem) => Some((problem.reason.as_str(), problem.stage)),
            _ => None,
        }
    }
}

/// What becomes of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It is valid, if it was not so at its receipt, since this moment. An outlet's mark against it that came too late is kept.
    Valid { since: Option<UnixMs>, late_mark: bool },
    /// It does not count. From when on that is known: the receipt, or the mark's.
    Invalid { known: Option<UnixMs> },
    /// It is not the origin outlet's, and nobody has to act on it.
    NoReply,
}

/// A round of registration, notice and reply.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    pub start: usize,
    /// When the origin outlet was first told in it, and by which act.
    pub told: Option<(UnixMs, usize)>,
}

/// The end of a case.
#[derive(Debug, Clone, Copy)]
pub struct End {
    pub place: usize,
    pub at: UnixMs,
    pub latest: UnixMs,
}

/// A history as it is read.
pub struct Reading<'a> {
    pub acts: Vec<Act<'a>>,
    rows: Vec<(UnixMs, &'a Facts)>,
    /// Whether the parcel has no number of its own yet.
    is_provisional: bool,
    pub book: &'a Rulebook,
    pub now: UnixMs,
    pub rounds: Vec<Round>,
    /// The rounds in which duties began: also with what was taken back only after a duty that it began had run out.
    pub begun: Vec<Round>,
    pub ends: Vec<End>,
    pub has_ended: bool,
    words: HashMap<usize, Word>,
}

pub fn versions(book: &Rulebook) -> Vec<&Published> {
    book.versions().collect()
}

/// The version in force at a moment: the newest that was valid by then, else the oldest.
pub fn in_force(book: &Rulebook, at: UnixMs) -> usize {
    let later = versions(book).iter().enumerate().skip(1).filter(|(_, version)| version.valid_from <= at).map(|(n, _)| n).max();
    later.unwrap_or(0)
}

fn time_of(recorded: &Recorded, book: &Rulebook) -> Time {
    let at = recorded.acted_at();
    let Some(receipt) = recorded.standing.receipt() else {
        return Time { at, earliest: at, latest: at, is_proven: false, received: None };
    };
    let trusted = versions(book)[in_force(book, at)].pack.switches.trusted_gap_ms();
    let (earliest, latest) = receipt.acted.proven(receipt.received_at, trusted);
    Time {
        at,
        earliest: earliest.unwrap_or(UnixMs(i64::MIN)).min(latest),
        latest,
        is_proven: receipt.acted.at.is_some() && receipt.acted.proves(receipt.received_at, trusted),
        received: Some(receipt.received_at),
    }
}

pub fn is_head_office(recorded: &Recorded) -> bool {
    [Role::HqReviewer, Role::HqCs].contains(&recorded.entry.author.role)
}

/// A reply counts from its receipt: it comes after all that was certainly done before that, but before what is about it and shows that
/// somebody had it earlier, because the server received it before the reply.
fn with_replies_at_their_receipt(acts: Vec<Act<'_>>) -> Vec<Act<'_>> {
    let place_of = |place: usize, act: &Act<'_>| {
        let Some(received) = act.time.received.filter(|_| matches!(act.body(), Body::Reply(_))) else { return place };
        let mut behind = place;
        for (other, later) in acts.iter().enumerate().skip(place + 1) {
            let is_about = later.body().references().contains(&act.key());
            if is_about && later.time.received.is_some_and(|later| later < received) {
                break;
            }
            if later.time.latest < received {
                behind = other;
            }
        }
        behind
    };
    let is_reply = |act: &Act<'_>| matches!(act.body(), Body::Reply(_));
    let places: Vec<_> = acts.iter().enumerate().map(|(place, act)| (place_of(place, act), is_reply(act), place)).collect();
    let mut placed: Vec<_> = places.into_iter().zip(acts).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, act)| act).collect()
}

/// The rows that head office wrote into the case, the oldest first, and from when on each is in force. Without one it is the copy of the
/// devices.
fn rows_of<'a>(all: &'a [Recorded], facts: &'a Facts) -> Vec<(UnixMs, &'a Facts)> {
    let row = |r: &'a Recorded| match &r.entry.body {
        Body::Listed(listed) if r.entry.author.is_server() && r.standing.receipt().is_some() => {
            Some((listed.since, r.entry.key.seq, r.entry.facts.as_ref()?))
        }
        _ => None,
    };
    let mut rows: Vec<_> = all.iter().filter_map(row).collect();
    rows.sort_by_key(|(since, seq, _)| (*since, *seq));
    if rows.is_empty() {
        vec![(UnixMs(i64::MIN), facts)]
    } else {
        rows.into_iter().map(|(since, _, facts)| (since, facts)).collect()
    }
}

/// The row in force at a moment. The first one covers the time before it too.
fn row_at(rows: &[(UnixMs, &Facts)], at: UnixMs) -> usize {
    rows.iter().rposition(|(since, _)| *since <= at).unwrap_or(0)
}

impl<'a> Reading<'a> {
    pub fn of(all: &'a [Recorded], facts: &'a Facts, book: &'a Rulebook, now: UnixMs) -> Self {
        let mut order: Vec<&Recorded> = all.iter().collect();
        order.sort_by_key(|r| (rank(all, first_of(all, r)), first_of(all, r).entry.key != r.entry.key, rank(all, r)));
        let rows = rows_of(all, facts);
        let act = |recorded: &'a Recorded| {
            let first = first_of(all, recorded);
            let time = time_of(first, book);
            let row = row_at(&rows, time.at).max(row_at(&rows, time.earliest)).min(row_at(&rows, time.latest));
            let version = in_force(book, time.at);
            let switches = || versions(book).into_iter().skip(1).map(|version| version.valid_from);
            let is_version_unsure = time.received.is_some() && switches().any(|from| time.earliest < from && from <= time.latest);
            Act { recorded, first, time, version, is_version_unsure, facts: rows[row].1, withdrawn: withdrawn(all, recorded) }
        };
        let acts: Vec<Act<'a>> = with_replies_at_their_receipt(order.into_iter().map(act).collect());
        let (rounds, begun, ends) = (Vec::new(), Vec::new(), Vec::new());
        let is_provisional = facts.waybill.as_str().starts_with("PV-");
        let (has_ended, words) = (false, HashMap::new());
        let mut reading = Self { acts, rows, is_provisional, book, now, rounds, begun, ends, has_ended, words };
        // How long a mark counts depends on when the origin outlet was told, and the rounds depend on the replies.
        for _ in 0..2 {
            let replies = (0..reading.acts.len()).filter(|place| matches!(reading.acts[*place].body(), Body::Reply(_)));
            reading.words = replies.map(|place| (place, reading.judge_reply(place))).collect();
            reading.find_rounds();
        }
        reading
    }

    /// The facts of the parcel at a moment.
    pub fn facts_at(&self, at: UnixMs) -> &'a Facts {
        self.rows[row_at(&self.rows, at)].1
    }

    pub fn pack(&self, version: usize) -> &'a Pack {
        &versions(self.book)[version].pack
    }

    pub fn day(&self, act: &Act<'_>) -> NaiveDate {
        wall(self.pack(act.version), act.time.at).date()
    }

    pub fn standing(&self) -> impl DoubleEndedIterator<Item = (usize, &Act<'a>)> {
        self.acts.iter().enumerate().filter(|(_, act)| act.stands())
    }

    pub fn word(&self, place: usize) -> Option<Word> {
        self.words.get(&place).copied()
    }

    /// From when on a valid reply counts, also one that was taken back since.
    pub fn counted_from(&self, place: usize) -> Option<UnixMs> {
        let Some(Word::Valid { since, .. }) = self.word(place) else { return None };
        self.acts[place].time.received.map(|received| since.map_or(received, |since| since.max(received)))
    }

    /// From when on a standing, valid reply counts.
    pub fn counts_from(&self, place: usize) -> Option<UnixMs> {
        self.counted_from(place).filter(|_| self.acts[place].stands())
    }

    pub fn is_valid(&self, place: usize) -> bool {
        matches!(self.word(place), Some(Word::Valid { .. })) && self.acts[place].stands()
    }

    // ---- notices and rounds (domain 6.1, 6.3) ----

    pub fn is_to_origin(&self, act: &Act<'_>) -> bool {
        let Body::Notice(notice) = act.body() else { return false };
        let by_head_office = |(mark, said): (&Act<'_>, Remark)| said == Remark::WrongTarget && is_head_office(mark.recorded);
        act.facts.origin_outlet.as_ref().is_none_or(|origin| notice.to == *origin) && !self.marks(act.key()).any(by_head_office)
    }

    /// A time that a person states: by the clock of the record, and not after the record.
    pub fn stated(act: &Act<'_>, stated: UnixMs) -> UnixMs {
        let own = act.recorded;
        let is_reckoned = own.standing.receipt().is_some_and(|r| r.acted.at.is_some()) || own.entry.time.anchored().is_some();
        let wrong_by = if is_reckoned { own.acted_at().0 - own.entry.time.wall.0 } else { 0 };
        UnixMs(stated.0 + wrong_by).min(act.time.at)
    }

    /// When somebody phoned the origin outlet in an outage, if the record has everything and one of some exceptions takes its reason.
    pub fn phoned(&self, act: &Act<'_>, pack: &Pack, exceptions: Option<&[String]>) -> Option<UnixMs> {
        let Body::Outage(outage) = act.body() else { return None };
        let takes = |row: &&Exception| {
            exceptions.is_none_or(|ids| ids.contains(&row.id)) && row.reasons.iter().any(|r| r == outage.reason.as_str())
        };
        let has_all = has_text(outage.contact.as_ref()) && has_text(outage.phone.as_ref());
        let other = outage.outlet.as_ref().zip(act.facts.origin_outlet.as_ref()).is_some_and(|(called, origin)| called != origin);
        let counts = act.stands() && has_all && !other && pack.exceptions.iter().find(takes).is_some();
        outage.phoned_at.filter(|_| counts).map(|at| Self::stated(act, at))
    }

    /// The latest registration of which a notice or a phone call can tell the origin outlet.
    fn knows_until(&self, act: &Act<'_>) -> Option<UnixMs> {
        match act.body() {
            Body::Notice(_) => self.is_to_origin(act).then_some(act.time.latest),
            _ => self.phoned(act, self.pack(act.version), None),
        }
    }

    pub fn may_tell_of(&self, notice: &Act<'_>, registration: &Act<'_>) -> bool {
        self.knows_until(notice).is_none_or(|until| registration.time.earliest <= until)
    }

    fn may_be_one(&self, one: &Act<'_>, other: &Act<'_>) -> bool {
        match (one.body(), other.body()) {
            (Body::Attempt(a), Body::Attempt(b)) => {
                let minutes = i64::from(self.pack(other.version).switches.same_attempt_minutes);
                let other_device = one.recorded.entry.key.tag != other.recorded.entry.key.tag;
                other_device && other.time.at.0 - one.time.at.0 < minutes * 60_000 && a.piece == b.piece
            }
            (Body::Problem(a), Body::Problem(b)) => a.reason == b.reason && a.stage == b.stage && a.piece == b.piece,
            _ => false,
        }
    }

    fn find_rounds(&mut self) {
        let (rounds, ends, has_ended) = self.divided(|_, act| act.stands());
        (self.rounds, self.ends, self.has_ended) = (rounds, ends, has_ended);
        (self.begun, ..) = self.divided(|_, act| act.stands() || self.is_kept(act));
    }

    /// Whether an act was taken back only after a duty for which somebody answers, and which it began, had run out.
    fn is_kept(&self, act: &Act<'_>) -> bool {
        let pack = self.pack(act.version);
        let is_told_of = act.registers().is_some_and(|(code, _)| pack.code(code).is_none_or(|row| row.notify));
        pack.clocks.iter().any(|clock| {
            let at = match (clock.starts.on, act.body()) {
                (On::Attempt, Body::Attempt(_)) => Some(act.time.at),
                (On::Registration, _) if is_told_of => Some(act.time.at),
                (On::Notice, Body::Notice(_)) => act.time.received,
                _ => None,
            };
            clock.rule.is_some() && clock.starts.is(act.body()) && at.is_some_and(|at| self.is_start(clock, act, at))
        })
    }

    /// Divides the acts that count into rounds.
    fn divided(&self, counts: impl Fn(usize, &Act<'a>) -> bool) -> (Vec<Round>, Vec<End>, bool) {
        let counted: Vec<(usize, &Act<'a>)> = self.acts.iter().enumerate().filter(|(place, act)| counts(*place, act)).collect();
        let mut rounds: Vec<Round> = Vec::new();
        let (mut has_ended, mut ends) = (false, Vec::<End>::new());
        // What is open of the shipment: some pieces, or the whole (`None`).
        let mut open: Vec<Option<&Waybill>> = Vec::new();
        for (place, act) in counted.iter().copied() {
            let was_ended = has_ended;
            match &act.recorded.entry.body {
                Body::Attempt(Attempt { piece, .. }) | Body::Problem(Problem { piece, .. }) => {
                    open.push(piece.as_ref());
                    has_ended = false;
                }
                Body::Close(Close { piece: Some(piece), .. }) => {
                    open.retain(|one| *one != Some(piece));
                    has_ended = open.is_empty();
                }
                // The case of a provisional number goes on under the parcel's own.
                Body::Close(_) | Body::Alias(_) if self.is_provisional || matches!(act.body(), Body::Close(_)) => {
                    open.clear();
                    has_ended = true;
                }
                _ => {}
            }
            match act.body() {
                _ if has_ended && !was_ended => ends.push(End { place, at: act.time.at, latest: act.time.latest }),
                Body::Close(_) if has_ended => {
                    if let Some(end) = ends.last_mut() {
                        end.latest = end.latest.min(act.time.latest);
                    }
                }
                _ => {}
            }
            let Some(round) = rounds.last() else {
                if act.registers().is_some() || matches!(act.body(), Body::Notice(_) | Body::Outage(_) | Body::Reply(_)) {
                    rounds.push(Round { start: place, told: None });
                }
                continue;
            };
            if act.registers().is_none() {
                continue;
            }
            let start = round.start;
            let since = || counted.iter().copied().filter(move |(other, _)| *other >= start && *other < place);
            // What was certainly done before a reply counted is no answer to it.
            let answers = |other: usize| match self.word(other) {
                Some(Word::Valid { since, .. }) => since.is_none_or(|since| since <= act.time.latest),
                _ => false,
            };
            let is_answered = since().any(|(other, _)| answers(other));
            let told_until = since().filter_map(|(_, other)| self.knows_until(other)).max();
            let is_untold = told_until.is_some_and(|until| until < act.time.earliest);
            let is_known = since().any(|(_, other)| self.may_be_one(other, act));
            let other_day = self.day(&self.acts[start]) != self.day(act);
            if was_ended || is_answered || other_day || (is_untold && !is_known) {
                rounds.push(Round { start: place, told: None });
            }
        }
        for n in 0..rounds.len() {
            let (start, next) = (rounds[n].start, rounds.get(n + 1).map_or(self.acts.len(), |round| round.start));
            let inside = counted.iter().copied().filter(|(place, _)| *place >= start && *place < next);
            let tells = inside.filter(|(_, act)| self.may_tell_of(act, &self.acts[start])).filter_map(|(place, act)| {
                let at = match act.body() {
                    Body::Notice(_) => act.time.received.filter(|_| self.is_to_origin(act)),
                    _ => self
                        .phoned(act, self.pack(act.version), None)
                        .map(|_| if act.time.is_proven { act.time.at } else { act.time.latest }),
                };
                Some((at?, place))
            });
            rounds[n].told = tells.min();
        }
        (rounds, ends, has_ended)
    }

    /// The round of an act: the last one whose first act is not after it.
    pub fn round_of(&self, place: usize) -> Option<Round> {
        self.rounds.iter().rev().find(|round| round.start <= place).copied()
    }

    /// The first end of the case after an act.
    pub fn end_after(&self, place: usize) -> Option<End> {
        self.ends.iter().find(|end| end.place >= place).copied()
    }
}
