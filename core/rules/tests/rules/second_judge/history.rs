//! Random histories of a parcel, from a number. Equal numbers give equal histories on every machine.

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::*;

/// A random number generator that needs no crate and never changes (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `n` numbers from 0.
    pub fn of(&mut self, n: usize) -> usize {
        (self.roll() % n as u64) as usize
    }

    pub fn pick<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.of(all.len())]
    }

    /// One of some codes.
    fn code<T: AsRef<str>>(&mut self, all: &[T]) -> ReasonCode {
        code(self.pick(all).as_ref())
    }
}

/// What happens in a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Attempt,
    /// A failed delivery with a message that proves it for its day.
    Proven,
    Problem,
    Notice,
    Outage,
    Seen,
    Reply,
    Mark,
    Ruling,
    Dispute,
    Action,
    Close,
    Tick,
    Ledger,
    Consent,
    /// A photo of a confirmation letter.
    Letter,
    Call,
    Goods,
    Correction,
    /// Head office's list has another row for the parcel.
    Listed,
    /// The parcel's own number is known, or a problem of its provisional number is registered again.
    Alias,
    /// A failed delivery that a photo of a label without a number explains. Only in the wider histories.
    NoNumber,
    /// A call and a message to the label's number that failed. Only in the wider histories.
    WrongNumber,
}

/// How often each happens.
const OFTEN: &[(Act, usize)] = &[
    (Act::Attempt, 6),
    (Act::Proven, 2),
    (Act::Problem, 5),
    (Act::Notice, 6),
    (Act::Outage, 3),
    (Act::Seen, 1),
    (Act::Reply, 6),
    (Act::Mark, 4),
    (Act::Ruling, 2),
    (Act::Dispute, 1),
    (Act::Action, 2),
    (Act::Close, 2),
    (Act::Tick, 3),
    (Act::Ledger, 2),
    (Act::Consent, 2),
    (Act::Letter, 1),
    (Act::Call, 1),
    (Act::Goods, 1),
    (Act::Correction, 5),
];

/// What changes the parcel's row or number. Not in the wider histories, where it would only make the other acts rarer.
const ROWS: &[(Act, usize)] = &[(Act::Listed, 2), (Act::Alias, 1)];

/// What happens in the wider histories too. The second judge does not read what it does to a proof.
const WIDER: &[(Act, usize)] = &[(Act::NoNumber, 2), (Act::WrongNumber, 2)];

/// One act of a plan: what, how long after the act before it, and numbers from which its details are taken.
#[derive(Debug, Clone)]
pub struct Move {
    pub act: Act,
    pub after_ms: i64,
    pub dice: u64,
}

/// A history before it is written down. Acts can be left out of it one by one, to find the shortest one that shows something.
#[derive(Debug, Clone)]
pub struct Plan {
    pub network: &'static str,
    /// From when on the second version is in force, in milliseconds after Monday 8:00; `None` if there is only one version.
    pub switch_ms: Option<i64>,
    /// Without a switch: which version.
    pub version: u32,
    pub moves: Vec<Move>,
    /// When it is judged, in milliseconds after the last act.
    pub judged_after_ms: i64,
    /// Whether the day's list names an arrival, and a time of data entry.
    pub arrival: Option<i64>,
    pub entered: Option<i64>,
    /// Whether the label cannot be read, so that the case is one of a provisional number, which is in no list.
    pub is_provisional: bool,
}

/// A provisional number.
const PROVISIONAL: &str = "PV-0412-ABCDEFGH";

pub const NETWORKS: [&str; 4] = ["qinghe", "zto-process", "nengda-gd", "cs-generic"];
const STEPS: &[i64] = &[
    0,
    1,
    1_000,
    60_000,
    5 * 60_000,
    14 * 60_000,
    15 * 60_000,
    15 * 60_000,
    30 * 60_000,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    7 * HOUR,
    11 * HOUR,
    16 * HOUR,
    DAY - 1,
    DAY,
    DAY + 1,
];

impl Plan {
    /// The history of a number.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let network = dice.pick(&NETWORKS[..]);
        Self::by(network, &[OFTEN, ROWS].concat(), &mut dice)
    }

    /// A wider history of a number, in one network by its newest version.
    pub fn wider(network: &'static str, seed: u64) -> Self {
        let often = [OFTEN, WIDER].concat();
        Self { switch_ms: None, version: 2, is_provisional: false, ..Self::by(network, &often, &mut Dice(seed)) }
    }

    fn by(network: &'static str, acts: &[(Act, usize)], dice: &mut Dice) -> Self {
        let first = *dice.pick(&[Act::Attempt, Act::Attempt, Act::Problem, Act::Problem, Act::Ledger]);
        let count = 1 + dice.of(13);
        let total: usize = acts.iter().map(|(_, often)| often).sum();
        let mut moves = Vec::new();
        for n in 0..count {
            let mut left = dice.of(total);
            let often = |(act, often): &(Act, usize)| {
                let found = left < *often;
                left = left.saturating_sub(*often);
                found.then_some(*act)
            };
            let act = acts.iter().find_map(often).unwrap_or(Act::Attempt);
            let act = if n == 0 { first } else { act };
            moves.push(Move { act, after_ms: *dice.pick(STEPS), dice: dice.roll() });
        }
        Self {
            network,
            switch_ms: (dice.of(2) == 0).then(|| dice.of(3 * 24 * 60) as i64 * 60_000),
            version: 1 + dice.of(4).min(1) as u32,
            moves,
            judged_after_ms: *dice.pick(&[0, HOUR, 12 * HOUR, DAY, 3 * DAY, 9 * DAY]),
            arrival: (dice.of(8) > 0).then(|| (dice.of(12) as i64 - 4) * HOUR),
            entered: (dice.of(2) > 0).then(|| (dice.of(48) as i64 - 12) * HOUR),
            is_provisional: dice.of(10) == 0,
        }
    }

    /// The rules of the history.
    pub fn book(&self) -> Rulebook {
        let published = |version: u32, valid_from| Published { valid_from, pack: shipped(self.network, version) };
        match self.switch_ms {
            Some(switch) => {
                let second = published(2, at(0, 8, 0, 0).plus(switch));
                Rulebook::of(vec![published(1, UnixMs(i64::MIN)), second]).unwrap()
            }
            None => Rulebook::only(shipped(self.network, self.version)),
        }
    }

    /// The history written down, and when it is judged.
    pub fn written(&self) -> (Story, UnixMs) {
        let mut story = Story::under(self.book());
        if self.is_provisional {
            story.facts = Facts::unlisted(story.facts.network, Waybill::parse(PROVISIONAL).unwrap());
        } else {
            story.facts.arrival = self.arrival.map(|ms| at(0, 8, 0, 0).plus(ms));
            story.facts.entered = self.entered.map(|ms| at(0, 8, 0, 0).plus(ms));
        }
        let mut clock = at(0, 8, 0, 0);
        for step in &self.moves {
            clock = clock.plus(step.after_ms);
            write(&mut story, step.act, clock, &mut Dice(step.dice));
        }
        let now = clock.plus(self.judged_after_ms);
        // A replica does not know what the server receives later.
        for recorded in &mut story.entries {
            if recorded.standing.receipt().is_some_and(|receipt| receipt.received_at > now) {
                recorded.standing = Standing::OnThisDevice;
            }
        }
        (story, now)
    }
}

/// The shipped packs, parsed once.
pub fn shipped(network: &str, version: u32) -> Pack {
    use std::{collections::HashMap, sync::Mutex};
    static PARSED: Mutex<Option<HashMap<(String, u32), Pack>>> = Mutex::new(None);
    let mut parsed = PARSED.lock().unwrap();
    let parsed = parsed.get_or_insert_default();
    parsed.entry((network.to_owned(), version)).or_insert_with(|| version_of(network, version)).clone()
}

const HQ_CS: By = By("q2", Role::HqCs, "HQ");

/// When the server had an act, and what it knows of its time.
fn receipt(dice: &mut Dice, captured: UnixMs) -> Standing {
    let late = captured.plus(*dice.pick(&[60_000, 20 * 60_000, 2 * HOUR, 9 * HOUR, 13 * HOUR, 30 * HOUR]));
    let slack = *dice.pick(&[0, 1_000, 60_000, 10 * 60_000]);
    let before = *dice.pick(&[0, 60_000, HOUR, 6 * HOUR, 20 * HOUR]);
    let mut receipt = Receipt::of(captured, Some(captured));
    match dice.of(12) {
        0..=5 => {}
        6 | 7 => {
            receipt = Receipt::of(late, Some(captured));
            (receipt.acted.slack_ms, receipt.acted.from) = (slack, Some(captured.plus(-before)));
        }
        8 => {
            receipt = Receipt::of(late, Some(captured));
            receipt.acted.anchored = false;
            receipt.acted.from = Some(captured.plus(-before));
        }
        9 => receipt = Receipt::of(late, None),
        10 => {
            receipt.acted.anchored = false;
            receipt.acted.from = Some(captured.plus(-before));
        }
        _ => return Standing::OnThisDevice,
    }
    Standing::Accepted(receipt)
}

/// The earlier entries of a kind.
fn earlier(story: &Story, kinds: &[Kind]) -> Vec<EntryKey> {
    let wanted = |r: &&Recorded| kinds.iter().any(|kind| *r.entry.key.kind == *kind.as_str());
    story.entries.iter().filter(wanted).map(|r| r.entry.key.clone()).collect()
}

fn one_of(dice: &mut Dice, keys: &[EntryKey]) -> Option<EntryKey> {
    (!keys.is_empty()).then(|| dice.pick(keys).clone())
}

/// The codes of the newest version that can be registered as a failed delivery, or as another problem.
fn codes(story: &Story, attempts: bool) -> Vec<String> {
    let rows = &story.book.newest().pack.codes;
    let is_attempt = |row: &&Code| row.code.starts_with("DF-") == attempts;
    rows.iter().filter(is_attempt).map(|row| row.code.clone()).collect()
}

fn attempt(story: &Story, dice: &mut Dice) -> Attempt {
    let codes = codes(story, true);
    let reason = if codes.is_empty() || dice.of(12) == 0 { "DF-NOMONEY".to_owned() } else { dice.pick(&codes).clone() };
    let reason = if dice.of(4) == 0 { "DF-NOMONEY".to_owned() } else { reason };
    Attempt { piece: piece(dice), ..Attempt::of(code(&reason)) }
}

/// At times one of two pieces of the shipment.
fn piece(dice: &Dice) -> Option<Waybill> {
    // Numbers of its own, so that the other details stay as they were.
    let mut dice = Dice(dice.0 ^ 0x7069_6563_6573);
    let pieces = ["QH310000000017-1", "QH310000000017-2"].map(|piece| Waybill::parse(piece).unwrap());
    (dice.of(8) == 0).then(|| dice.pick(&pieces).clone())
}

fn problem(story: &Story, dice: &mut Dice, captured: UnixMs) -> Problem {
    let codes = codes(story, false);
    let reason = dice.code(&codes);
    let of = story.book.newest().pack.code(reason.as_str()).cloned();
    let stages: Vec<Stage> =
        of.map(|row| row.stages).unwrap_or_default().iter().filter_map(|stage| Stage::from_word(stage)).collect();
    let stage = if stages.is_empty() { *dice.pick(Stage::ALL) } else { *dice.pick(&stages) };
    let found_at = (dice.of(2) == 0).then(|| captured.plus(-*dice.pick(&[0, 60_000, 90 * 60_000, 5 * HOUR])));
    let count = (dice.of(4) == 0).then_some(2);
    Problem { found_at, count, piece: piece(dice), ..Problem::of(reason, stage) }
}

fn write(story: &mut Story, act: Act, captured: UnixMs, dice: &mut Dice) {
    let about = match act {
        Act::Seen => earlier(story, &[Kind::Notice]),
        Act::Mark => earlier(story, &[Kind::Reply, Kind::Reply, Kind::Notice]),
        Act::Ruling | Act::Dispute => earlier(story, &[Kind::Reply, Kind::Mark, Kind::Attempt]),
        Act::Correction => {
            let kinds = [Kind::Attempt, Kind::Problem, Kind::Notice, Kind::Reply, Kind::Outage, Kind::Correction];
            earlier(story, &[&kinds[..], &[Kind::Mark, Kind::Action, Kind::Close, Kind::Ledger, Kind::Tick]].concat())
        }
        _ => Vec::new(),
    };
    // Nobody tells of what is not registered, and nobody answers what was not told.
    let needs: &[Kind] = match act {
        Act::Notice | Act::Outage => &[Kind::Attempt, Kind::Problem],
        Act::Reply => &[Kind::Notice, Kind::Outage],
        _ => &[],
    };
    if !needs.is_empty() && earlier(story, needs).is_empty() {
        return;
    }
    let of = one_of(dice, &about);
    let standing = receipt(dice, captured);
    let (by, body): (&By, Body) = match act {
        Act::Attempt | Act::Proven => (&COURIER, Body::Attempt(attempt(story, dice))),
        Act::NoNumber => (&COURIER, Body::Attempt(Attempt { sub: Some(code("missing_mobile")), ..attempt(story, dice) })),
        Act::WrongNumber => (&COURIER, Body::Call(Call::of(CallResult::NotExist))),
        Act::Problem => {
            let problem = problem(story, dice, captured);
            let by = if problem.stage == Stage::Hub { &HUB } else { *dice.pick(&[&WEST, &WEST, &COURIER]) };
            (by, Body::Problem(problem))
        }
        Act::Notice => {
            let to = *dice.pick(&["0571", "0571", "0571", "0571", "0999"]);
            let body = Notice { to: to.parse().unwrap(), source: TargetSource::WaybillData, request: None };
            (*dice.pick(&[&WEST, &WEST, &COURIER, &HUB]), Body::Notice(body))
        }
        Act::Outage => {
            let outlet = *dice.pick(&[None, None, Some("0571"), Some("0999")]);
            let outage = Outage {
                reason: *dice.pick(OutageReason::ALL),
                contact: said("李敏"),
                phone: if dice.of(5) > 0 { said("057100000000") } else { None },
                phoned_at: Some(captured.plus(-*dice.pick(&[0, 0, 60_000, 30 * 60_000, 4 * HOUR]))),
                outlet: outlet.map(|outlet| outlet.parse().unwrap()),
                said: None,
            };
            (*dice.pick(&[&WEST, &COURIER]), Body::Outage(outage))
        }
        Act::Seen => {
            let Some(notice) = of else { return };
            (&ORIGIN, Body::Seen(Seen { notice }))
        }
        Act::Reply => {
            let often = ["REDELIVER", "REDELIVER", "RETURN", "RETURN", "ADDR_CHANGE", "WAIT", "TRANSFER_PEER"];
            let decision = one_outcome(story, dice, &often, |row| row.reply_needs.is_some());
            // Without the sender's word and the letter, which may come later.
            let in_part = Reply { agreed_by: None, letter: None, ..full(decision.as_str()) };
            let reply = match dice.of(6) {
                0 => Reply::of(decision),
                1 | 2 => in_part,
                _ => full(decision.as_str()),
            };
            let notice = earlier(story, &[Kind::Notice]);
            let notice = if dice.of(2) == 0 { one_of(dice, &notice) } else { None };
            (*dice.pick(&[&ORIGIN, &ORIGIN, &ORIGIN, &ORIGIN, &ORIGIN, &WEST, &REVIEWER]), Body::Reply(Reply { notice, ..reply }))
        }
        Act::Mark => {
            let Some(about) = of else { return };
            let is_reply = *about.kind == *Kind::Reply.as_str();
            let remark = if is_reply { *dice.pick(&[Remark::Valid, Remark::Invalid]) } else { Remark::WrongTarget };
            let by = *dice.pick(&[&WEST, &WEST, &COURIER, &ORIGIN, &REVIEWER, &HQ_CS]);
            (by, Body::Mark(Mark { about, remark, reason: None, words: None }))
        }
        Act::Ruling => {
            let Some(entry) = of else { return };
            let rule = (*entry.kind == *Kind::Attempt.as_str()).then(|| dice.code(&["LIA-04", "LIA-06"]));
            let stands = *dice.pick(Stands::ALL);
            let ruling = Ruling { about: About { rule, entry }, stands, share: None, amount: None, replaces: None, words: None };
            (*dice.pick(&[&REVIEWER, &REVIEWER, &REVIEWER, &WEST]), Body::Ruling(ruling))
        }
        Act::Dispute => {
            let Some(entry) = of else { return };
            let rule = (*entry.kind == *Kind::Attempt.as_str()).then(|| code("LIA-04"));
            let words = Personal::plain("不对").unwrap();
            (*dice.pick(&[&WEST, &ORIGIN]), Body::Dispute(Dispute { about: About { rule, entry }, words }))
        }
        Act::Action => {
            let outcome = one_outcome(story, dice, &["RETURN", "RETURN", "TRANSFER_PEER", "FORWARD"], |row| row.action);
            (*dice.pick(&[&WEST, &COURIER, &ORIGIN]), Body::Action(Action::of(outcome)))
        }
        Act::Close => {
            let outcome = one_outcome(story, dice, &["SIGNED", "SIGNED", "RETURNED", "TRANSFERRED"], |row| row.closes);
            (&COURIER, Body::Close(Close { piece: piece(dice), ..Close::of(outcome) }))
        }
        Act::Tick => {
            let steps: Vec<String> = story.book.newest().pack.steps.iter().map(|step| step.code.clone()).collect();
            let named = ["track", "track", "report_superior", "ask_sender"];
            let step = if dice.of(2) == 0 { (*dice.pick(&named)).to_owned() } else { dice.pick(&steps).clone() };
            (*dice.pick(&[&WEST, &COURIER, &ORIGIN]), Body::Tick(Tick { step: code(&step), words: None }))
        }
        Act::Ledger => {
            let change = dice.code(&["collected", "collected", "paid_out", "paid_out", "cod_change"]);
            let (book, slip) = (*dice.pick(&[Book::Cod, Book::Cod, Book::FreightCollect]), dice.of(3) > 0);
            (&FINANCE, Body::Ledger(Ledger { book, change, amount: Some(Fen(1)), letter: None, slip, words: None }))
        }
        Act::Consent => {
            let (to, by) = (dice.code(&["REDELIVER", "RETURN", "RETURN", "TRANSFER_PEER"]), *dice.pick(Customer::ALL));
            (*dice.pick(&[&WEST, &ORIGIN]), Body::Consent(Consent { by, to, name: said("王先生"), words: None }))
        }
        Act::Letter => {
            let id = PhotoId::new([story.entries.len() as u8; 32]);
            (*dice.pick(&[&WEST, &ORIGIN]), Body::Photo(Photo::of(id, 9, PhotoPurpose::Letter)))
        }
        Act::Call => (&WEST, Body::Call(Call::of(*dice.pick(&[CallResult::Answered, CallResult::NoAnswer])))),
        Act::Goods => {
            let goods = Goods { name: said("茶具"), packing: None, value: Some(Fen(9_900)), words: None };
            (*dice.pick(&[&WEST, &ORIGIN]), Body::Goods(goods))
        }
        Act::Correction => {
            let Some(of) = of else { return };
            return correct(story, &of, captured, standing, dice);
        }
        Act::Listed => return list(story, captured, dice),
        Act::Alias if story.facts.waybill.as_str() == PROVISIONAL => {
            (&WEST, Body::Alias(Alias { waybill: Waybill::parse("QH310000000017").unwrap() }))
        }
        Act::Alias => return register_again(story, captured, standing, dice),
    };
    let key = record(story, by, captured, standing, body, dice);
    if act == Act::NoNumber {
        story.photo(captured, PhotoPurpose::Label);
    }
    if act == Act::WrongNumber
        && let Some(attempt) = earlier(story, &[Kind::Attempt]).pop()
    {
        let key = story.online(&COURIER, captured, Body::Sms(message(Some(attempt))));
        let failed = SmsReport { fault: Some(SmsFault::Number), ..report(&key, SmsState::Failed) };
        story.again(&key, &COURIER, captured, Body::SmsReport(failed));
    }
    if act == Act::Proven {
        // What belongs to the message lies within the attempt's own time, so that the day is proven or not as the attempt is.
        let recorded = story.entries.last().unwrap().clone();
        let is_listed = !story.facts.is_unlisted();
        if is_listed
            && matches!(recorded.standing, Standing::Accepted(receipt) if receipt.received_at == captured && receipt.acted.anchored)
        {
            let pack = &story.book.newest().pack;
            let (day, sms) = (pack.day(captured).unwrap(), message(Some(key)));
            let text = sms.text.text().unwrap().replace("青禾速运", &pack.name.zh);
            let (digest, text) = (Sms::digest_of(&text), Personal::plain(&text).unwrap());
            story.sms(captured, Sms { day, text, digest, ..sms }, SmsState::Sent);
        }
    }
}

/// Head office's list has another row for the parcel from now on, or since an hour. The server writes the first row too.
fn list(story: &mut Story, captured: UnixMs, dice: &mut Dice) {
    if story.entries.is_empty() || story.facts.is_unlisted() {
        return;
    }
    let write = |story: &mut Story, since: UnixMs, facts: Facts| {
        let seq = 1 + story.entries.len() as u64;
        let recorded = story.add(&SERVER, captured, Some(captured), Body::Listed(Listed { since }));
        (recorded.entry.key.seq, recorded.entry.time.mono_ms, recorded.entry.facts) = (seq, seq, Some(facts));
    };
    let last = story.entries.iter().rfind(|r| matches!(r.entry.body, Body::Listed(_))).and_then(|r| r.entry.facts.clone());
    let mut facts = last.unwrap_or_else(|| {
        write(story, at(0, 6, 0, 0), story.facts.clone());
        story.facts.clone()
    });
    let outlet = |dice: &mut Dice, all: &[&str]| Some(dice.pick(all).parse().unwrap());
    match dice.of(5) {
        0 | 1 => facts.origin_outlet = outlet(dice, &["0571", "0999"]),
        2 => facts.delivering_outlet = outlet(dice, &["0412", "0413"]),
        3 => facts.arrival = Some(captured.plus(*dice.pick(&[-5 * HOUR, HOUR]))),
        _ => facts.entered = Some(captured.plus(*dice.pick(&[-5 * HOUR, HOUR]))),
    }
    write(story, captured.plus(*dice.pick(&[0, 0, -HOUR])), facts);
}

/// A problem that was registered under a provisional number is registered again under the parcel's own, in one change with that number.
fn register_again(story: &mut Story, captured: UnixMs, standing: Standing, dice: &mut Dice) {
    let problem = problem(story, dice, captured);
    let key = record(story, &WEST, captured, standing.clone(), Body::Problem(problem), dice);
    let problem = story.entries.last().unwrap().clone();
    let alias = Body::Alias(Alias { waybill: Waybill::parse(PROVISIONAL).unwrap() });
    let recorded = story.add(&WEST, captured, None, alias);
    (recorded.change, recorded.standing, recorded.entry.time) = (problem.change, standing, problem.entry.time);
    (recorded.entry.key.tag, recorded.entry.key.seq, recorded.entry.key.index) = (key.tag, key.seq, Some(1));
}

/// The codes of some outcomes of the newest version.
fn outcomes(story: &Story, wanted: fn(&OutcomeRow) -> bool) -> Vec<String> {
    story.book.newest().pack.outcomes.iter().filter(|row| wanted(row)).map(|row| row.code.clone()).collect()
}

/// One of these codes or, at times, one of those of the pack.
fn one_outcome(story: &Story, dice: &mut Dice, often: &[&str], wanted: fn(&OutcomeRow) -> bool) -> ReasonCode {
    let of_pack = outcomes(story, wanted);
    if of_pack.is_empty() || dice.of(3) > 0 { dice.code(often) } else { dice.code(&of_pack) }
}

/// Records an act; half of a person's acts are on the device that they used before.
fn record(story: &mut Story, by: &By, captured: UnixMs, standing: Standing, body: Body, dice: &mut Dice) -> EntryKey {
    let known = story.entries.iter().rev().find(|r| r.entry.author.user.as_str() == by.0).map(|r| r.entry.key.clone());
    let known = known.filter(|_| dice.of(2) == 0);
    let next = |story: &Story, like: &EntryKey| {
        1 + story.entries.iter().filter(|r| r.entry.key.tag == like.tag).map(|r| r.entry.key.seq).max().unwrap()
    };
    let place = known.map(|like| (like.tag, next(story, &like)));
    let wrong_clock = *dice.pick(&[0, 0, 0, 0, 0, -3 * HOUR, 2 * HOUR]);
    let written = story.entries.len() as u64;
    let recorded = story.add(by, captured, None, body);
    recorded.standing = standing.clone();
    // Two acts of one moment are two acts.
    recorded.entry.time.mono_ms = 1 + written;
    // What the server reckoned does not need the device's clock.
    if standing.receipt().is_some_and(|receipt| receipt.acted.at.is_some()) {
        recorded.entry.time.wall = captured.plus(wrong_clock);
    }
    if let Some((tag, seq)) = place {
        (recorded.entry.key.tag, recorded.entry.key.seq) = (tag, seq);
    }
    recorded.entry.key.clone()
}

/// A correction, and the correct data in the same change if there are any.
fn correct(story: &mut Story, of: &EntryKey, captured: UnixMs, standing: Standing, dice: &mut Dice) {
    let wrong = story.entries.iter().find(|r| r.entry.key == *of).unwrap().clone();
    let people = [&COURIER, &WEST, &ORIGIN, &HUB, &FINANCE, &REVIEWER, &HQ_CS];
    let author = people.into_iter().find(|by| by.0 == wrong.entry.author.user.as_str()).unwrap_or(&WEST);
    let by = *dice.pick(&[author, author, author, &REVIEWER, &WEST]);
    let words = Personal::plain("写错了").unwrap();
    let right = match &wrong.entry.body {
        Body::Attempt(_) => Some(Body::Attempt(attempt(story, dice))),
        Body::Problem(old) => {
            let mut new = problem(story, dice, captured);
            if dice.of(2) == 0 {
                (new.reason, new.stage) = (old.reason.clone(), old.stage);
            }
            Some(Body::Problem(new))
        }
        _ => None,
    };
    let others: Vec<EntryKey> = earlier(story, &[Kind::Attempt]).into_iter().take_while(|key| key != of).collect();
    let is_attempt = *of.kind == *Kind::Attempt.as_str();
    let (fault, same_as) = match (dice.of(4), one_of(dice, &others)) {
        (0, Some(same)) if is_attempt => (Fault::SameAs, Some(same)),
        (1, _) => (Fault::DidNotOccur, None),
        _ => (Fault::IncorrectData, None),
    };
    let correction = Correction { of: of.clone(), fault, same_as, words };
    let key = record(story, by, captured, standing.clone(), Body::Correction(correction), dice);
    let change = story.entries.last().unwrap().change;
    if let (Fault::IncorrectData, Some(right)) = (fault, right) {
        let time = story.entries.last().unwrap().entry.time;
        let recorded = story.add(by, captured, None, right);
        (recorded.change, recorded.standing, recorded.entry.time) = (change, standing, time);
        (recorded.entry.key.tag, recorded.entry.key.seq, recorded.entry.key.index) = (key.tag, key.seq, Some(1));
    }
}
