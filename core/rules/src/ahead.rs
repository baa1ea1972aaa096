//! What a registration will ask for, before anybody records it: its evidence, its clocks with their ends, its steps and outcomes.
//!
//! The judge itself answers: the registration is put at the end of the case as if it were recorded now, and the case is judged. So
//! nothing here knows a rule of its own, and the answer before the act is the judgement after it.

use doorstep_domain::{
    Author, Body, BootId, ChangeHash, Entry, EntryKey, Facts, Fen, InstallId, OutletCode, Recorded, Standing, Tag, TimeEvidence,
    UnixMs,
};
use serde::Serialize;

use crate::{
    CardLine, Case, Evidence, Missing, Named, Need, Pack, Proof, Rulebook, Words, case::registered, case_index::CaseIndex,
    evidence::wanted, judge, proof::count,
};

/// A case with a registration that nobody has recorded. It is for reading only.
#[derive(Debug, Clone, PartialEq)]
pub struct Imagined {
    /// The case, with the registration.
    pub case: Case,
    /// The registration's key.
    pub entry: EntryKey,
}

/// A row of the evidence matrix, before the registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The row's id, which a waiver names.
    pub evidence: String,
    /// Its name.
    pub name: Words,
    /// How strongly it is needed.
    pub need: Need,
    /// How many are needed.
    pub least: u32,
    /// How many the case has already, with the registration itself.
    pub have: u32,
    /// If not empty: needed only for these sub-reasons.
    pub only_subs: Vec<String>,
    /// The statement that may replace it. Without one it can not be waived.
    pub waiver: Option<Words>,
    /// Why it is needed, or why not.
    pub why: Option<Words>,
    /// What satisfies it; one of these is enough.
    pub satisfied_by: Vec<Words>,
}

/// A clock that the registration would start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Starting {
    /// The clock's id.
    pub clock: String,
    /// Its name.
    pub name: Words,
    /// When it starts: now, or at the parcel's theoretical arrival.
    pub from: UnixMs,
    /// When it runs out, inclusive. `None` without a time limit, or if the schedule is missing.
    pub due_at: Option<UnixMs>,
    /// The missing data, if the schedule is missing.
    pub missing: Option<Missing>,
    /// Milliseconds that are left; negative if it has run out already.
    pub left_ms: Option<i64>,
    /// Why the rule is as it is.
    pub why: Option<Words>,
}

/// What a registration asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ahead {
    /// The code.
    pub code: String,
    /// Its name.
    pub name: Words,
    /// Whether it is recorded as a failed delivery.
    pub is_attempt: bool,
    /// The stage at which it would be registered; `None` for a failed delivery.
    pub stage: Option<String>,
    /// Whether the origin outlet must be notified.
    pub notify: bool,
    /// Its sub-reasons.
    pub subs: Vec<Named>,
    /// Whom to ask, in order.
    pub asks: Vec<Words>,
    /// The evidence, in the pack's order.
    pub evidence: Vec<Asked>,
    /// The clocks, the first to run out first.
    pub clocks: Vec<Starting>,
    /// The steps of the card that apply, in order.
    pub steps: Vec<CardLine>,
    /// The possible outcomes.
    pub outcomes: Vec<Named>,
    /// The reason in the customer's SMS. Without it no template gives a text for this code.
    pub sms_text: Option<Words>,
    /// The scheduled arrival of the parcel, from which the clocks of arrival run.
    pub arrival: Option<UnixMs>,
    /// The outlet that is notified.
    pub origin: Option<OutletCode>,
    /// Cash to collect.
    pub cod: Fen,
}

impl Imagined {
    /// The case as it would be if an author recorded a registration now. `before`: what is recorded of the parcel. `None` if the entry
    /// makes no case.
    pub fn of(before: Option<&Case>, author: Author, facts: Facts, body: Body, now: UnixMs) -> Option<Self> {
        let install = InstallId::new([0; 16]);
        let key = EntryKey { kind: body.kind().to_owned(), tag: Tag::of(&install), seq: 1, index: None };
        let entry = Entry {
            key: key.clone(),
            author,
            pack_version: 0,
            time: TimeEvidence { wall: now, zone_quarters: 0, mono_ms: 0, boot: BootId([0; 4]), anchor: None },
            action: None,
            facts: Some(facts),
            release: None,
            sheet: None,
            rewrites: None,
            body,
        };
        let recorded = Recorded { change: ChangeHash::new([0; 32]), standing: Standing::OnThisDevice, entry };
        let case = match before {
            Some(before) => before.clone().with(vec![recorded]),
            None => Case::fold([recorded])?,
        };
        Some(Self { case, entry: key })
    }
}

/// What an imagined registration asks for by the rules in force. `None` if the rules do not know its code.
pub fn asks(imagined: &Imagined, book: &Rulebook, now: UnixMs) -> Option<Ahead> {
    let Imagined { case, entry } = imagined;
    let body = &case.entry(entry)?.entry.body;
    let (code, sub) = registered(body)?;
    let pack = book.at(now);
    let row = pack.code(code)?;
    let stage = match body {
        Body::Problem(problem) => Some(problem.stage.as_str().to_owned()),
        _ => None,
    };
    let judgement = judge(case, book, now);
    let card = judgement.cards.into_iter().find(|card| card.entry == *entry);
    let starting = judgement.deadlines.into_iter().filter(|deadline| deadline.started_by == *entry);
    let mut clocks: Vec<Starting> = starting
        .map(|deadline| Starting {
            why: pack.clock(&deadline.clock).and_then(|clock| clock.why.clone()),
            left_ms: deadline.due_at.map(|due| due.since(now)),
            clock: deadline.clock,
            name: deadline.name,
            from: deadline.started_at,
            due_at: deadline.due_at,
            missing: deadline.missing,
        })
        .collect();
    clocks.sort_by_key(|clock| (clock.due_at.is_none(), clock.due_at));
    let named = |code: &String| {
        let Words { zh, en } = pack.name_of(code);
        Named { code: code.clone(), zh, en }
    };
    Some(Ahead {
        code: row.code.clone(),
        name: Words { zh: row.zh.clone(), en: row.en.clone() },
        is_attempt: row.group.is_attempt(),
        stage,
        notify: row.notify,
        subs: row.subs.clone(),
        asks: row.asks.iter().map(|who| pack.words(who)).collect(),
        evidence: evidence(imagined, book, now, (pack, sub)),
        clocks,
        steps: card.map(|card| card.steps).unwrap_or_default(),
        outcomes: row.outcomes.iter().map(named).collect(),
        sms_text: row.sms_text.clone(),
        arrival: case.facts.arrival,
        origin: case.facts.origin_outlet.clone(),
        cod: case.facts.cod,
    })
}

/// The rows of evidence. Without a sub-reason those of all sub-reasons are named, because none is chosen yet.
fn evidence(imagined: &Imagined, book: &Rulebook, now: UnixMs, (pack, sub): (&Pack, Option<&str>)) -> Vec<Asked> {
    let index = CaseIndex::of(&imagined.case, book, now);
    let Some(act) = index.act(&imagined.entry) else { return Vec::new() };
    let Some(row) = registered(act.body()).and_then(|(code, _)| pack.code(code)) else { return Vec::new() };
    let rows: Vec<&Evidence> = match sub {
        Some(_) => wanted(row, sub).collect(),
        None => row.evidence.iter().collect(),
    };
    let asked = |evidence: &Evidence| Asked {
        evidence: evidence.id.clone(),
        name: Words { zh: evidence.zh.clone(), en: evidence.en.clone() },
        need: evidence.need,
        least: evidence.least,
        have: count(&index, evidence, Some(act)),
        only_subs: evidence.only_subs.clone(),
        waiver: evidence.waiver.clone(),
        why: evidence.why.clone(),
        satisfied_by: evidence.any_of.iter().map(|proof| proof.told(pack)).collect(),
    };
    rows.into_iter().map(asked).collect()
}

impl Proof {
    /// What satisfies a row of evidence by this, in words.
    pub fn told(&self, pack: &Pack) -> Words {
        let (key, kinds): (&str, Vec<Words>) = match self {
            Self::Photo { shows } => ("proof_photo", shows.iter().map(|word| pack.words(word)).collect()),
            Self::Call { results } => ("proof_call", results.iter().map(|word| pack.words(word)).collect()),
            Self::Sms { levels, faults } if levels.is_empty() && faults.is_empty() => ("proof_sms", Vec::new()),
            Self::Sms { levels, faults } => ("sms", levels.iter().chain(faults).map(|word| pack.words(word)).collect()),
            Self::Words {} => ("proof_words", Vec::new()),
            Self::Attempts {} => ("proof_attempts", Vec::new()),
            Self::Weight {} => ("proof_weight", Vec::new()),
            Self::OtherWaybill {} => ("proof_other_waybill", Vec::new()),
            Self::Count {} => ("proof_count", Vec::new()),
            Self::Waiting {} => ("proof_waiting", Vec::new()),
            Self::Offer {} => ("proof_offer", Vec::new()),
            Self::Goods {} => ("goods", Vec::new()),
            Self::Consent { by } => ("consent", by.iter().map(|word| pack.words(word)).collect()),
            Self::Ledger { books } => ("ledger", books.iter().map(|word| pack.words(word)).collect()),
            Self::Tick { steps } => ("tick", steps.iter().map(|step| pack.name_of(step)).collect()),
            Self::Carrier {} => ("proof_carrier", Vec::new()),
        };
        let Words { zh, en } = pack.words(key);
        if kinds.is_empty() {
            return Words { zh, en };
        }
        let list = |lang: fn(&Words) -> &str, or: &str| kinds.iter().map(lang).collect::<Vec<_>>().join(or);
        Words {
            zh: format!("{zh}：{}", list(|words| &words.zh, "或")), en: format!("{en}: {}", list(|words| &words.en, " or "))
        }
    }
}
