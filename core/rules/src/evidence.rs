//! Applies the evidence matrix to a case (domain 7): missing evidence, and the proof of attempts.

use std::collections::HashSet;

use doorstep_domain::{Body, EntryKey, SmsLevel, UnixMs, has_text, words};
use serde::Serialize;

use crate::{
    Case, Evidence, Message, Need, Pack, Proof, Rulebook, Unfit, UnfitPhoto, Words,
    case::registered,
    case_index::{Act, CaseIndex, unfit_for},
    leniency::Leniency,
    pack::Code,
    proof::{count, proving, unmet},
};

/// A missing piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The registration that needs it.
    pub entry: EntryKey,
    /// Its code.
    pub reason: String,
    /// The row of the evidence matrix.
    pub evidence: String,
    /// Its name.
    pub name: Words,
    /// How strongly it is needed.
    pub need: Need,
    /// How many the case has.
    pub have: u32,
    /// How many are needed.
    pub least: u32,
    /// The statement that may replace it.
    pub waiver: Option<Words>,
    /// Photos of it that do not count.
    pub unfit: Vec<UnfitPhoto>,
    /// Version of the pack that requires it.
    pub pack_version: u32,
}

/// Most reasons with their sub-reasons of which the evidence is looked for, the newest ones. A parcel has a handful, but a hostile device
/// could name thousands, and each is compared with all acts.
const MOST_REASONS: usize = 64;

/// The evidence that the case's registrations need and do not have, and where leniency is proven.
pub(crate) fn missing(index: &CaseIndex<'_>) -> (Vec<Gap>, Leniency) {
    let mut gaps: Vec<Vec<Gap>> = Vec::new();
    let mut seen = HashSet::new();
    let mut leniency = Leniency::default();
    for (_, act) in index.standing().rev() {
        let Some((code, sub)) = registered(act.body()) else { continue };
        let pack = index.pack_of(act);
        let Some(row) = pack.code(code) else { continue };
        // Several registrations for the same reason need the same evidence, so only the newest is checked.
        if !seen.insert((code, sub, act.when.version)) {
            continue;
        }
        if seen.len() > MOST_REASONS {
            leniency.is_capped = true;
            break;
        }
        let (mut complete, mut lacking) = (true, Vec::new());
        for evidence in wanted(row, sub) {
            let have = count(index, evidence, Some(act));
            if have >= evidence.least || is_waived(index, evidence) {
                continue;
            }
            complete &= evidence.need != Need::Required;
            let known = gaps.iter().flatten().any(|gap: &Gap| gap.reason == code && gap.evidence == evidence.id);
            if !known {
                lacking.push(gap(row, evidence, act, (have, unfit_for(index, &evidence.any_of)), pack.version));
            }
        }
        gaps.push(lacking);
        if row.leniency && pack.leniency.is_empty() && complete {
            leniency.by_code.insert((code.to_owned(), sub.map(str::to_owned), act.when.version));
            let proofs = row.evidence.iter().flat_map(|evidence| proving(index, evidence, Some(act)));
            leniency.proofs.extend(proofs.map(|act| act.key().clone()));
        }
    }
    leniency.find_faults(index);
    (gaps.into_iter().rev().flatten().collect(), leniency)
}

/// The rows of a code that apply to a sub-reason.
pub(crate) fn wanted<'a>(row: &'a Code, sub: Option<&'a str>) -> impl Iterator<Item = &'a Evidence> {
    row.evidence
        .iter()
        .filter(move |evidence| evidence.only_subs.is_empty() || sub.is_some_and(|s| evidence.only_subs.iter().any(|o| o == s)))
}

fn gap(row: &Code, evidence: &Evidence, act: &Act<'_>, (have, unfit): (u32, Vec<UnfitPhoto>), pack_version: u32) -> Gap {
    Gap {
        entry: act.key().clone(),
        reason: row.code.clone(),
        evidence: evidence.id.clone(),
        name: Words { zh: evidence.zh.clone(), en: evidence.en.clone() },
        need: evidence.need,
        have,
        least: evidence.least,
        waiver: evidence.waiver.clone(),
        unfit,
        pack_version,
    }
}

/// Whether a waiver replaces the evidence. Evidence that cannot be photographed can be waived where the rules permit it; a photo
/// that was measured as unclear can be waived anywhere (domain 7: a waiver needs text).
fn is_waived(index: &CaseIndex<'_>, evidence: &Evidence) -> bool {
    let waives = |body: &Body| match body {
        Body::Waiver(waiver) => waiver.evidence.as_str() == evidence.id && has_text(Some(&waiver.words)),
        _ => false,
    };
    let is_measured = |unfit: &UnfitPhoto| matches!(unfit.why, Unfit::Measured { .. });
    let offered = || evidence.waiver.is_some() || unfit_for(index, &evidence.any_of).iter().any(is_measured);
    index.standing().any(|(_, act)| waives(act.body())) && offered()
}

/// The names of the evidence rows that an action would lack if it were recorded now.
pub fn lacking(case: &Case, pack: &Pack, body: &Body) -> Vec<Words> {
    let Body::Action(action) = body else { return Vec::new() };
    let book = Rulebook::only(pack.clone());
    let index = CaseIndex::of(case, &book, UnixMs(i64::MAX));
    let named = action.number.is_some() && action.carrier.is_some();
    let Some(outcome) = pack.outcome(action.outcome.as_str()) else { return Vec::new() };
    let lacks = unmet(&index, outcome, UnixMs(i64::MAX)).filter(|row| {
        let itself = named && row.least == 1 && row.any_of.contains(&Proof::Carrier {});
        !itself
    });
    lacks.map(|row| Words { zh: row.zh.clone(), en: row.en.clone() }).collect()
}

words!(
    /// The basis that makes a failed delivery a valid attempt for its day (domain 5.3). An attempt that handed the parcel over is
    /// not a failed delivery.
    Basis {
        /// A message to the customer.
        Sms = "basis_sms",
        /// The label's number is missing or wrong, and that is proven (domain 5.4).
        SmsImpossible = "sms_impossible",
        /// There is none, with a stated reason.
        Waived = "basis_waived",
        /// Nothing yet.
        None = "basis_none",
    }
);

/// The basis of one failed delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptBasis {
    /// The failed delivery.
    pub attempt: EntryKey,
    /// The basis.
    pub basis: Basis,
    /// The level of the message.
    pub level: Option<SmsLevel>,
    /// The entries that support it.
    pub evidence: Vec<EntryKey>,
}

/// Most entries that are named as the basis of one failed delivery. Many attempts with as many messages would need a list of each.
const MOST_NAMED: usize = 32;

/// The basis of each standing failed delivery, in the timeline's order.
pub(crate) fn bases(index: &CaseIndex<'_>, leniency: &Leniency) -> Vec<AttemptBasis> {
    let attempts = index.standing().map(|(_, act)| act).filter(|act| matches!(act.body(), Body::Attempt(_)));
    let waivers = index.standing().filter(|(_, act)| matches!(act.body(), Body::Waiver(w) if w.evidence.as_str() == "sms"));
    let waivers: Vec<EntryKey> = waivers.take(MOST_NAMED).map(|(_, act)| act.key().clone()).collect();
    let basis = |act: &Act<'_>| {
        let proving: Vec<&Message> = index.proving(act).take(MOST_NAMED).collect();
        let (basis, evidence) = match proving.as_slice() {
            [] if leniency.covers(act) => (Basis::SmsImpossible, leniency.proofs.iter().take(MOST_NAMED).cloned().collect()),
            [] if !waivers.is_empty() => (Basis::Waived, waivers.clone()),
            [] => (Basis::None, Vec::new()),
            some => (Basis::Sms, some.iter().map(|message| message.entry.clone()).collect()),
        };
        AttemptBasis { attempt: act.key().clone(), basis, level: proving.iter().map(|message| message.level).max(), evidence }
    };
    attempts.map(basis).collect()
}

#[cfg(test)]
mod tests;
