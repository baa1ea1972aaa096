//! Findings: who is liable, by which rule, based on which entries (domain 4, C-18). They are proposals; head office decides, and
//! a finding moves no money (C-20).

use std::collections::{BTreeSet, HashMap, HashSet};

use doorstep_domain::{About, Body, EntryKey, Fen, Kind, OutletCode, Stands, UnixMs, Waybill, words};
use serde::Serialize;

use crate::{
    Clock, Contacts, LateSynced, Liability, On, Otherwise, Pack, Party, Per, Proof, Timeliness, Words,
    case::registered,
    case_index::{Act, CaseIndex},
    conflict::agreed,
    contacts::contacts,
    deadline::{Kept, MOST_STARTS},
    leniency::Leniency,
};

words!(
    /// The state of a finding.
    FindingState {
        /// Derived from the entries.
        Proposed = "proposed",
        /// Contested by a party.
        Disputed = "disputed",
        /// Head office has decided.
        Decided = "decided",
    }
);

/// Head office's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// The ruling.
    pub by: EntryKey,
    /// Whether the finding stands.
    pub stands: Stands,
}

/// A liable party with the rule and the supporting entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The id by which a dispute or decision names it.
    pub id: About,
    /// The rule.
    pub rule: String,
    /// Its text.
    pub name: Words,
    /// Version of the pack that has the rule.
    pub pack_version: u32,
    /// The clock that was missed, if it is one.
    pub clock: Option<String>,
    /// When that clock started.
    pub started_at: Option<UnixMs>,
    /// When that clock ran out.
    pub due_at: Option<UnixMs>,
    /// The liable party.
    pub party: Party,
    /// The liable outlet; `None` if the parcel's facts do not name it.
    pub outlet: Option<OutletCode>,
    /// Its share in percent: proposed, or decided.
    pub share: u8,
    /// Whether the rule names no share and no amount: the finding only asks head office to look at the outlet. The share is 0 until
    /// head office decides.
    pub open: bool,
    /// The amount, if the rule has one: proposed, or decided.
    pub amount: Option<Fen>,
    /// The entries that it rests on.
    pub basis: Vec<EntryKey>,
    /// How well the times of these entries are known; `None` if the server has none of them yet.
    pub contacts: Option<Contacts>,
    /// The results under other versions that may have been in force. A person decides which version it was.
    pub otherwise: Vec<Otherwise>,
    /// Whether a person must review it before a decision: the record came late, its time is not proven, the version in force is
    /// uncertain, or the entry was corrected afterwards.
    pub review: bool,
    /// Whether X-2 grants the delivering outlet leniency.
    pub lenient: bool,
    /// The state.
    pub state: FindingState,
    /// Disputes.
    pub disputes: Vec<EntryKey>,
    /// The decision, if there is one. If two decisions were written without knowledge of each other, there is none but a
    /// conflict.
    pub decided: Option<Decided>,
}

/// All findings that follow from the present entries.
pub(crate) fn findings(index: &CaseIndex<'_>, kept: &[Kept<'_>], leniency: &Leniency) -> Vec<Finding> {
    let mut findings: Vec<Finding> = kept.iter().filter_map(|kept| of_clock(index, kept, leniency)).collect();
    findings.extend(of_registrations(index));
    let disputes = disputes(index);
    for finding in &mut findings {
        finding.disputes = disputes.get(&finding.id).into_iter().flatten().map(|key| (*key).clone()).collect();
    }
    let mut findings = once_each(index, findings);
    for finding in &mut findings {
        if !finding.disputes.is_empty() {
            finding.state = FindingState::Disputed;
        }
        if let Some((act, ruling)) = agreed(&index.rulings(&finding.id)) {
            let disputed = finding.disputes.iter();
            if !disputed.filter_map(|key| index.act(key)).any(|dispute| is_newer(dispute, act)) {
                (finding.state, finding.review) = (FindingState::Decided, false);
            }
            finding.share = if ruling.stands == Stands::Lifted { 0 } else { ruling.share.unwrap_or(finding.share) };
            finding.amount = match ruling.stands {
                Stands::Lifted => finding.amount.map(|_| Fen(0)),
                Stands::Upheld => ruling.amount.or(finding.amount),
            };
            finding.decided = Some(Decided { by: act.key().clone(), stands: ruling.stands });
        }
    }
    findings
}

/// Merges the findings of one fault, for rules that are proposed once: a missed clock shows it, or the first registration of the same
/// piece. One that head office has decided stays; the entries of the others support the one that stays.
fn once_each(index: &CaseIndex<'_>, findings: Vec<Finding>) -> Vec<Finding> {
    let is_once = |finding: &Finding| {
        let published = index.book.version(finding.pack_version);
        published.and_then(|published| published.pack.liability(&finding.rule)).is_some_and(|row| row.once)
    };
    if !findings.iter().any(is_once) {
        return findings;
    }
    let piece = |finding: &Finding| match index.act(&finding.id.entry).map(|act| act.body()) {
        Some(Body::Problem(problem)) => problem.piece.clone(),
        _ => None,
    };
    let mut kept: Vec<(Option<Waybill>, Finding)> = Vec::new();
    let (first, rest): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|finding| finding.clock.is_some() || !index.rulings(&finding.id).is_empty());
    for finding in first {
        kept.push((piece(&finding), finding));
    }
    for finding in rest {
        let of = piece(&finding);
        let same = |(piece, other): &&mut (Option<Waybill>, Finding)| {
            other.rule == finding.rule && (other.clock.is_some() || *piece == of)
        };
        match kept.iter_mut().filter(|_| is_once(&finding)).find(same) {
            Some((_, other)) => {
                let known: HashSet<&EntryKey> = other.basis.iter().collect();
                let more: Vec<EntryKey> = finding.basis.iter().filter(|key| !known.contains(key)).cloned().collect();
                other.basis.extend(more);
                other.review |= finding.review;
                other.disputes.extend(finding.disputes);
            }
            None => kept.push((of, finding)),
        }
    }
    kept.into_iter().map(|(_, finding)| finding).collect()
}

/// Whether a dispute came after a ruling: head office did not know of it, so the ruling does not answer it.
pub(crate) fn is_newer(dispute: &Act<'_>, ruling: &Act<'_>) -> bool {
    let known = |act: &Act<'_>| act.when.received.unwrap_or(act.when.at);
    known(dispute) > known(ruling)
}

fn disputes<'a>(index: &'a CaseIndex<'_>) -> HashMap<&'a About, Vec<&'a EntryKey>> {
    let mut disputes: HashMap<&About, Vec<&EntryKey>> = HashMap::new();
    for (_, act) in index.standing() {
        if let Body::Dispute(dispute) = act.body() {
            disputes.entry(&dispute.about).or_default().push(act.key());
        }
    }
    disputes
}

/// The finding for a missed clock.
fn of_clock(index: &CaseIndex<'_>, kept: &Kept<'_>, leniency: &Leniency) -> Option<Finding> {
    let Kept { deadline, clock, pack, start } = kept;
    let act = index.acts.get(start.place)?;
    let met = deadline.met_by.as_ref().and_then(|key| index.act(key));
    let late = match deadline.timeliness {
        Timeliness::Late => true,
        Timeliness::LateSynced => {
            let in_time = |met: &Act<'_>| met.when.verified && deadline.due_at.is_none_or(|due| met.when.latest <= due);
            let verified = act.when.verified && met.is_none_or(in_time);
            pack.switches.late_synced == LateSynced::Strict || !verified
        }
        _ => false,
    };
    if !late {
        return None;
    }
    let round = || index.acts.get(start.from..).unwrap_or_default().iter().filter(|act| act.stands());
    let is_stray = |act: &&Act<'_>| match act.body() {
        Body::Notice(_) => !index.to_origin(act),
        _ => CaseIndex::is_to_another(act),
    };
    let strays = || round().filter(is_stray);
    let incomplete = || round().filter(|act| matches!(act.body(), Body::Outage(outage) if !outage.is_complete()));
    let mut basis: Vec<EntryKey> = std::iter::once(act.key().clone()).chain(deadline.met_by.clone()).collect();
    let mut rule = clock.rule.as_ref()?;
    if let (Some(instead), true) = (&clock.rule_if_outage_incomplete, incomplete().next().is_some()) {
        rule = instead;
        basis.extend(incomplete().map(|act| act.key().clone()));
    }
    if let (Some(instead), true) = (&clock.rule_if_wrong_target, strays().next().is_some()) {
        rule = instead;
        basis.extend(strays().map(|act| act.key().clone()));
    }
    basis.extend(deadline.doubted_by.clone());
    if let Some(corrected) = index.case.superseded.get(act.key()) {
        basis.push(corrected.clone());
    }
    let row = pack.liability(rule)?;
    let lenient = row.borne_by == Party::DeliveringOutlet && leniency.covers(act);
    basis.extend(leniency.proofs.iter().filter(|_| lenient).cloned());
    let review = deadline.timeliness == Timeliness::LateSynced
        || deadline.unsure
        || deadline.day_unsure
        || !act.stands()
        || met.is_some_and(|met| met.when.unsure)
        || deadline.doubted_by.is_some()
        || lenient;
    let mut finding = proposal(index, row, pack, act, basis);
    (finding.clock, finding.started_at, finding.due_at) = (Some(clock.id.clone()), Some(deadline.started_at), deadline.due_at);
    finding.amount = row.yuan.map(yuan);
    finding.review |= review;
    if lenient {
        (finding.lenient, finding.share) = (true, pack.switches.leniency_share);
    }
    Some(finding)
}

/// Findings for registered faults, only the newest of each rule, because a hostile device could register thousands. Once a
/// parcel's own number is known, faults registered under the provisional number belong to the own number's case.
fn of_registrations(index: &CaseIndex<'_>) -> Vec<Finding> {
    let named = || index.standing().any(|(_, act)| matches!(act.body(), Body::Alias(_)));
    if index.case.is_provisional() && named() {
        return Vec::new();
    }
    let decided: HashSet<&EntryKey> = index.decided().map(|about| &about.entry).collect();
    let all = index.acts.iter().filter(|act| act.stands() || decided.contains(act.key()));
    let all: Vec<(&Act<'_>, &str)> = all.filter_map(|act| Some((act, registered(act.body())?.0))).collect();
    let registrations: Vec<(&Act<'_>, &str)> = all.iter().filter(|(act, _)| act.stands()).copied().collect();
    let mut findings = Vec::new();
    for (version, published) in index.book.versions().enumerate() {
        for row in &published.pack.liabilities {
            let Some(event) = &row.on else { continue };
            let with = |code: &String| registrations.iter().any(|(_, other)| other == code);
            let is_ruled = |act: &Act<'_>| {
                let rule = row.id.parse().ok();
                decided.contains(act.key()) && !index.rulings(&About { rule, entry: act.key().clone() }).is_empty()
            };
            // A record that was corrected or taken back after head office had decided keeps its finding, and its correct data have none.
            let mut ruled: Option<&EntryKey> = None;
            let held = all.iter().filter(|(act, _)| act.when.version == version && event.is(act.body())).filter(|(act, _)| {
                let is_again = act.is_corrected_data() && ruled == Some(act.original());
                let is_held = !is_again && (act.stands() || is_ruled(act));
                if is_held && !act.stands() {
                    ruled = Some(act.original());
                }
                is_held
            });
            let held: Vec<&(&Act<'_>, &str)> = held.collect();
            let held = held.into_iter();
            let held = held.rev().enumerate().filter(|(nth, (act, _))| *nth < MOST_STARTS || decided.contains(act.key()));
            let held: Vec<&Act<'_>> = held.map(|(_, (act, _))| *act).collect();
            if held.is_empty() || !row.only_with.iter().all(with) {
                continue;
            }
            findings.extend(held.into_iter().rev().map(|act| against(index, row, &published.pack, act, &registrations)));
        }
    }
    findings
}

fn against(index: &CaseIndex<'_>, row: &Liability, pack: &Pack, act: &Act<'_>, registrations: &[(&Act<'_>, &str)]) -> Finding {
    let mut basis: Vec<EntryKey> = std::iter::once(act.key()).chain(index.case.superseded.get(act.key())).cloned().collect();
    if !row.only_with.is_empty() {
        let with = registrations.iter().filter(|(_, code)| row.only_with.iter().any(|with| with == code));
        basis.extend(with.take(MOST_STARTS).map(|(other, _)| other.key().clone()));
    }
    let count = match (row.per, act.body()) {
        (Per::Item | Per::Piece, Body::Problem(problem)) => i64::from(problem.count.unwrap_or(1)),
        _ => 1,
    };
    let mut amount = row.yuan.map(|each| Fen(yuan(each).0.saturating_mul(count)));
    if row.goods_value {
        let value = index.standing().rev().find_map(|(_, other)| match other.body() {
            Body::Goods(goods) => goods.value.map(|value| (value, other.key().clone())),
            _ => None,
        });
        amount = value.as_ref().map(|(value, _)| *value);
        basis.extend(value.map(|(_, key)| key));
    }
    let mut finding = proposal(index, row, pack, act, basis);
    finding.amount = amount;
    finding.review |= act.when.unsure || !act.stands();
    finding
}

fn proposal(index: &CaseIndex<'_>, row: &Liability, pack: &Pack, act: &Act<'_>, mut basis: Vec<EntryKey>) -> Finding {
    each_once(&mut basis);
    let places: BTreeSet<usize> = basis.iter().filter_map(|key| index.place_of(key)).collect();
    let acts: Vec<&Act<'_>> = places.into_iter().filter_map(|place| index.acts.get(place)).collect();
    Finding {
        id: About { rule: row.id.parse().ok(), entry: act.key().clone() },
        rule: row.id.clone(),
        name: Words { zh: row.zh.clone(), en: row.en.clone() },
        pack_version: pack.version,
        clock: None,
        started_at: None,
        due_at: None,
        party: row.borne_by,
        outlet: index.outlet_of(row.borne_by, act),
        share: if row.open { 0 } else { row.share },
        open: row.open,
        amount: None,
        contacts: contacts(&acts),
        otherwise: Vec::new(),
        basis,
        review: row.open || acts.iter().any(|act| act.when.doubtful || was_in_contact(act)),
        lenient: false,
        state: FindingState::Proposed,
        disputes: Vec::new(),
        decided: None,
    }
}

/// Leaves the first of equal entries.
fn each_once(basis: &mut Vec<EntryKey>) {
    let mut seen: HashSet<&EntryKey> = HashSet::with_capacity(basis.len());
    let is_new: Vec<bool> = basis.iter().map(|key| seen.insert(key)).collect();
    let mut is_new = is_new.into_iter();
    basis.retain(|_| is_new.next().unwrap_or(true));
}

/// Whether an outage was claimed while the device reached head office.
fn was_in_contact(act: &Act<'_>) -> bool {
    act.recorded.standing.receipt().is_some_and(|receipt| receipt.in_contact)
}

fn yuan(yuan: u32) -> Fen {
    Fen(i64::from(yuan) * 100)
}

impl Pack {
    /// The kinds of entry that can change a finding of a clock.
    pub fn kinds_of_clock(&self, clock: &Clock) -> Vec<Kind> {
        let events = std::iter::once(&clock.starts).chain(&clock.met_by);
        let mut kinds: Vec<Kind> = events.clone().filter_map(|event| event.on.kind()).collect();
        // Registrations begin rounds; what tells of them, valid replies and the case's end finish them. A reply's validity depends on
        // its marks, its letter and the sender's consent. Corrections and head office decide which entries stand.
        kinds.extend([Kind::Attempt, Kind::Problem, Kind::Notice, Kind::Outage, Kind::Reply, Kind::Mark, Kind::Photo]);
        kinds.extend([Kind::Consent, Kind::Close, Kind::Correction, Kind::Dispute, Kind::Ruling, Kind::Alias, Kind::Listed]);
        if events.clone().any(|event| matches!(event.on, On::Reply | On::NoReply)) {
            kinds.push(Kind::Action); // a late reply binds unless the parcel was acted on
        }
        if self.codes.iter().any(|code| code.leniency) || !self.leniency.is_empty() {
            kinds.extend(self.leniency_kinds());
        }
        if events.clone().any(|event| event.proven) {
            kinds.extend([Kind::Sms, Kind::SmsReport, Kind::SmsReply]);
        }
        if events.clone().any(|event| event.on == On::Method) {
            let steps = self.steps.iter().filter(|step| step.is_method());
            kinds.extend(steps.flat_map(|step| &step.done_by).filter_map(|kind| Kind::from_word(kind)));
            kinds.extend([Kind::Tick, Kind::Action, Kind::Ask]);
        }
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// The kinds of entry that can change a finding on a registered fault.
    pub fn kinds_of_liability(&self, row: &Liability) -> Vec<Kind> {
        let mut kinds =
            vec![Kind::Attempt, Kind::Problem, Kind::Correction, Kind::Dispute, Kind::Ruling, Kind::Alias, Kind::Listed];
        if row.goods_value {
            kinds.push(Kind::Goods);
        }
        if row.once {
            // A missed clock of the rule stands for the registrations of the same fault.
            let clocks = self.clocks.iter().filter(|clock| clock.rule.as_ref() == Some(&row.id));
            kinds.extend(clocks.flat_map(|clock| self.kinds_of_clock(clock)));
        }
        kinds
    }

    /// The kinds of entry that can prove a fault of the number on the label.
    fn leniency_kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        let rows = self.codes.iter().filter(|code| code.leniency).flat_map(|code| &code.evidence);
        let of_label = self.leniency.iter().flat_map(|row| &row.all_of);
        let kinds = rows.flat_map(|row| &row.any_of).chain(of_label).flat_map(|proof| match proof {
            Proof::Photo { .. } => vec![Kind::Photo, Kind::Mark],
            Proof::Call { .. } => vec![Kind::Call],
            Proof::Sms { .. } => vec![Kind::Sms, Kind::SmsReport],
            Proof::Words {} => vec![Kind::Note],
            Proof::Goods {} => vec![Kind::Goods],
            Proof::Consent { .. } => vec![Kind::Consent],
            Proof::Ledger { .. } => vec![Kind::Ledger],
            Proof::Tick { .. } => vec![Kind::Tick],
            Proof::Carrier {} => vec![Kind::Action],
            _ => Vec::new(),
        });
        kinds.chain([Kind::Waiver])
    }
}
