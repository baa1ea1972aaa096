//! One played case: how it is registered, and by which acts a duty is done. A new kind of duty needs one more line in [`Play::acts`].

use doorstep_client::{Act, CaseView, NewPhoto};
use doorstep_domain::{
    Action, Attempt, Book, Call, CallResult, Close, Consent, Customer, Fen, Goods, Kind, Ledger, Payer, PhotoPurpose, Problem,
    Reply, Role, Stage, Tick, UnixMs, Waybill,
};
use doorstep_rules::{Code, Duty, DutyKind, Need, OutcomeRow, Pack, Proof, Side};
use doorstep_tests::{code, draw, text};

use super::cast::{COURIER, HUB, STAFF};

/// One case.
pub struct Play {
    /// The number of its parcel.
    pub n: u32,
    /// Which of its code's cases it is. Stages, sub-reasons, decisions and people alternate by it.
    pub k: usize,
    pub code: Code,
    stage: Stage,
    sub: Option<String>,
    decision: String,
    /// The money to collect at the door.
    pub cod: i64,
    /// How many entries it has.
    pub entries: usize,
    /// The duty that was done last.
    pub last: Option<(DutyKind, Side, Option<String>)>,
    /// Whether nothing is due in it any more.
    pub is_over: bool,
}

/// Cases of a code at least, so that the people whom a duty names take turns.
const LEAST: usize = 2;

impl Play {
    /// The cases of a pack: each code at each of its stages, and with each of its sub-reasons if its card depends on them.
    pub fn all(pack: &Pack) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for row in pack.codes.iter().filter(|row| row.enabled) {
            let decides = |code: &&String| pack.outcome(code).is_some_and(|row| row.reply_needs.is_some());
            let decisions: Vec<&String> = row.outcomes.iter().filter(decides).collect();
            let by_sub = row.steps.iter().any(|step| !step.only_subs.is_empty());
            let subs = if by_sub { row.subs.len() } else { 0 };
            for k in 0..row.stages.len().max(subs).max(LEAST) {
                let n = u32::try_from(all.len()).unwrap();
                let stage = Stage::from_word(&row.stages[k % row.stages.len()]).unwrap();
                let sub = (!row.subs.is_empty()).then(|| row.subs[k % row.subs.len()].code.clone());
                let decision = if decisions.is_empty() { "PER_CUSTOMER" } else { decisions[k % decisions.len()].as_str() };
                let cod = if row.code == "MN-COD" || k % 2 == 1 { 30_000 } else { 0 };
                let (code, decision, entries, last) = (row.clone(), decision.to_owned(), 0, None);
                all.push(Self { n, k, code, stage, sub, decision, cod, entries, last, is_over: false });
            }
        }
        all
    }

    pub fn waybill(&self) -> String {
        format!("QH7{:011}", self.n)
    }

    /// A text just before its waybill, behind which a list is read.
    pub fn before(&self) -> String {
        let mut before = self.waybill().into_bytes();
        before.last_mut().into_iter().for_each(|last| *last -= 1);
        String::from_utf8(before).unwrap() + "~"
    }

    /// What a failure says of it: no number of a person, and enough to find it in the pack.
    pub fn told(&self) -> String {
        let sub = self.sub.as_ref().map(|sub| format!(".{sub}")).unwrap_or_default();
        format!("{}{sub} at {}, {}", self.code.code, self.stage.as_str(), self.decision)
    }

    /// Who registers it.
    pub fn registrar(&self) -> usize {
        match self.stage {
            Stage::Delivery => COURIER,
            Stage::Hub => HUB,
            Stage::Origin if self.k.is_multiple_of(2) => HUB,
            _ => STAFF,
        }
    }

    /// The registration, with all evidence of its own that the card requires.
    pub fn registration(&self) -> (Act, Vec<NewPhoto>) {
        let (reason, sub) = (code(&self.code.code), self.sub.as_ref().map(code));
        let (words, wrong) = (Some(text("原话")), self.sub.as_deref());
        let act = match self.code.group.is_attempt() {
            true => Act::Fail(Attempt { sub, words, waited_minutes: Some(20), ..Attempt::of(reason) }),
            false => {
                let (count, weight_g, label_g) = (Some(2), Some(2_100), Some(1_500));
                let other = Waybill::parse("QH790000000000").ok();
                let problem = Problem { sub, words, count, weight_g, label_g, other, ..Problem::of(reason, self.stage) };
                Act::Problem { problem, usual_stage: false }
            }
        };
        let required = self.code.evidence.iter().filter(|row| {
            row.need == Need::Required
                && (row.only_subs.is_empty() || row.only_subs.iter().any(|sub| Some(sub.as_str()) == wrong))
        });
        let shown = required.filter_map(|row| match row.any_of.first() {
            Some(Proof::Photo { shows }) if !shows.iter().any(|shown| shown == "letter") => {
                Some(shows.first().and_then(|shown| PhotoPurpose::from_word(shown)).unwrap_or(PhotoPurpose::Other))
            }
            _ => None,
        });
        let photos = shown.enumerate().map(|(i, purpose)| self.photo(i, purpose)).collect();
        (act, photos)
    }

    fn photo(&self, i: usize, purpose: PhotoPurpose) -> NewPhoto {
        NewPhoto::new(draw(self.n * 10 + u32::try_from(i).unwrap(), 160, 120), purpose)
    }

    /// The acts that do a duty.
    pub fn acts(&self, pack: &Pack, duty: &Duty, view: &CaseView, by: Role) -> Vec<(Act, Vec<NewPhoto>)> {
        let decision = view.judgement.decision.as_deref();
        let alone = |act: Act| vec![(act, Vec::new())];
        match duty.kind {
            // The next sync sends it.
            DutyKind::SendRegistration | DutyKind::SendNotice => Vec::new(),
            DutyKind::Register => alone(self.registration().0),
            DutyKind::Notify => alone(Act::Notice { to: None, request: None }),
            DutyKind::Look => alone(Act::Seen),
            DutyKind::Reply => vec![(Act::Reply(self.reply(pack, view)), self.letter())],
            DutyKind::Follow => self.follow(pack, decision.unwrap_or_default(), view),
            DutyKind::Method | DutyKind::Step => alone(self.step(pack, duty, view, by)),
            DutyKind::Answer => {
                let rows =
                    duty.step.as_deref().and_then(|step| pack.step(step)).map(|step| step.results.as_slice()).unwrap_or_default();
                let result = code(&rows.first().unwrap_or_else(|| panic!("{duty:?}: no answer")).code);
                alone(Act::Answer { ask: duty.about.clone(), result, found: None, words: None })
            }
            DutyKind::FollowUp => alone(self.close(pack, decision)),
            DutyKind::Assign => alone(Act::AssignBack { words: None }),
            DutyKind::Ledger => alone(self.line(pack, duty)),
            DutyKind::Decide => panic!("head office decides: {:?}", view.judgement.conflicts),
        }
    }

    /// A reply with all that its decision needs.
    fn reply(&self, pack: &Pack, view: &CaseView) -> Reply {
        // What is sent on goes to the sender's own outlet, whose people are there to say that it has arrived.
        let is_sent_on = pack.outcome(&self.decision).is_some_and(|row| row.asks.is_some());
        let payer = if self.sub.as_deref() == Some("quality") { Payer::Sender } else { Payer::Recipient };
        let until = view.case.timeline.last().map(|recorded| UnixMs(recorded.acted_at().0 + 86_400_000));
        Reply {
            words: Some(text("按寄件人意见")),
            phone: Some(text("13700000000")),
            address: Some(text("青禾路1号")),
            contact: Some(text("王先生")),
            place: Some(text("城西网点")),
            informed: true,
            until,
            agreed_by: Some(Customer::Sender),
            agreed: Some(text("陈掌柜")),
            payer: Some(payer),
            site: is_sent_on.then(|| code("0571")),
            ..Reply::of(code(&self.decision))
        }
    }

    /// The photo of the letter, for codes that ask for one.
    fn letter(&self) -> Vec<NewPhoto> {
        let asks = |proof: &Proof| matches!(proof, Proof::Photo { shows } if shows.iter().any(|shown| shown == "letter"));
        let is_needed = self.code.evidence.iter().any(|row| row.any_of.iter().any(asks));
        if is_needed { vec![self.photo(9, PhotoPurpose::Letter)] } else { Vec::new() }
    }

    /// What carries out a decision: the action, with what it requires of its actor, or an end that fulfils it.
    fn follow(&self, pack: &Pack, decision: &str, view: &CaseView) -> Vec<(Act, Vec<NewPhoto>)> {
        let Some(row) = pack.outcome(decision).filter(|row| row.action) else {
            return vec![(self.close(pack, Some(decision)), Vec::new())];
        };
        let asks = |wanted: fn(&Proof) -> bool| row.requires.iter().any(|row| row.any_of.iter().any(wanted));
        let mut acts = Vec::new();
        if asks(|proof| matches!(proof, Proof::Consent { .. })) && view.case.of_kind(Kind::Consent).count() == 0 {
            let consent = Consent { by: Customer::Sender, to: code(decision), name: Some(text("陈掌柜")), words: None };
            acts.push((Act::Consent(consent), Vec::new()));
        }
        let (carrier, number) = (Some("顺丰".to_owned()), Waybill::parse("SF1234567890").ok());
        acts.push((Act::Action(Action { carrier, number, ..Action::of(code(decision)) }), Vec::new()));
        acts
    }

    /// The end of the case: one that fulfils the decision, or is an outcome of the code, or the signature.
    fn close(&self, pack: &Pack, decision: Option<&str>) -> Act {
        let closes: Vec<&OutcomeRow> = pack.outcomes.iter().filter(|row| row.closes).collect();
        let fulfils = closes.iter().find(|row| row.fulfils.iter().any(|code| Some(code.as_str()) == decision));
        let itself = closes.iter().find(|row| Some(row.code.as_str()) == decision);
        let of_code: Vec<&&OutcomeRow> = closes.iter().filter(|row| self.code.outcomes.contains(&row.code)).collect();
        let of_code = (!of_code.is_empty()).then(|| of_code[self.k % of_code.len()]);
        let outcome = fulfils.or(itself).or(of_code).map_or("SIGNED", |row| row.code.as_str());
        Act::Close(Close::of(code(outcome)))
    }

    /// A step of the card: by the entry that counts as the step, else by its tick. The method begins with the first open step.
    fn step(&self, pack: &Pack, duty: &Duty, view: &CaseView, by: Role) -> Act {
        let lines = || view.judgement.cards.iter().flat_map(|card| &card.steps).filter(|line| line.done.is_empty());
        let is_method = |step: &str| pack.step(step).is_some_and(|step| step.is_method());
        let first = || lines().map(|line| line.step.as_str()).find(|step| is_method(step));
        let Some(step) = duty.step.as_deref().or_else(first) else { return self.close(pack, None) };
        let kind = pack.step(step).and_then(|row| row.done_by.first()).map(String::as_str);
        match kind {
            Some("call") if by != Role::Hub => Act::Call(Call::of(CallResult::Answered)),
            Some("goods") => {
                Act::Goods(Goods {
                    name: Some(text("茶叶")), packing: Some(text("纸箱")), value: Some(Fen(8_800)), words: None
                })
            }
            _ => Act::Tick(Tick { step: code(step), words: None }),
        }
    }

    /// A line of the ledger: the change that the duty names, else the first one of the pack that fits the problem.
    fn line(&self, pack: &Pack, duty: &Duty) -> Act {
        let step = duty.step.as_deref().unwrap_or_default();
        let book = if step == "ledger_collect" { Book::FreightCollect } else { Book::Cod };
        let wanted = match (step, self.code.code.as_str()) {
            ("ledger_cod", _) => "cod_change",
            ("ledger_collect", "CD-WEIGHT") => "weight_change",
            ("ledger_collect", _) => "freight_change",
            ("take_slip", _) => "paid_out",
            (change, _) => change,
        };
        let change = pack.ledger.iter().find(|row| row.code == wanted).or(pack.ledger.first()).unwrap();
        let amount = Some(Fen(self.cod));
        Act::Ledger(Ledger { book, change: code(&change.code), amount, letter: None, slip: true, words: None })
    }
}
