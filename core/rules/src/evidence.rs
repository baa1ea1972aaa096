//! The evidence matrix against what was recorded (domain 7): what is missing, what proves an attempt.

use doorstep_domain::{Body, Kind, Personal, Recorded, SmsLevel};
use serde::Serialize;

use crate::{Case, Evidence, Flag, Need, Pack, Proof, Words};

/// A piece of evidence that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The reason that wants it.
    pub reason: String,
    /// The row of the evidence matrix.
    pub evidence: String,
    /// Its name.
    pub name: Words,
    /// How strongly it is wanted.
    pub need: Need,
}

/// What the reasons of the case's attempts want and nobody recorded; raises [`Flag::Leniency`] where it is proven.
pub(crate) fn missing(case: &Case, pack: &Pack, flags: &mut Vec<Flag>) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for recorded in case.of_kind(Kind::Attempt) {
        let Body::Attempt(attempt) = &recorded.entry.body else { continue };
        let Some(reason) = pack.reason(attempt.reason.as_str()) else { continue };
        let sub = attempt.sub.as_ref().map(|s| s.as_str());
        let mut complete = true;
        for evidence in &reason.evidence {
            let wanted = evidence.only_subs.is_empty() || sub.is_some_and(|s| evidence.only_subs.iter().any(|o| o == s));
            if !wanted || has(case, evidence, recorded) {
                continue;
            }
            complete &= evidence.need != Need::Required;
            let gap = Gap {
                reason: reason.code.clone(),
                evidence: evidence.id.clone(),
                name: Words { zh: evidence.zh.clone(), en: evidence.en.clone() },
                need: evidence.need,
            };
            if !gaps.contains(&gap) {
                gaps.push(gap);
            }
        }
        if reason.leniency && complete {
            flags.push(Flag::Leniency);
        }
    }
    gaps
}

fn has(case: &Case, evidence: &Evidence, attempt: &Recorded) -> bool {
    let any = |list: &[String], word: &str| list.is_empty() || list.iter().any(|w| w == word);
    let said = |words: &Option<Personal>| words.as_ref().is_some_and(|w| w.text().is_none_or(|text| !text.trim().is_empty()));
    evidence.any_of.iter().any(|proof| match proof {
        Proof::Words {} => match &attempt.entry.body {
            Body::Attempt(attempt) if said(&attempt.words) => true,
            _ => case.of_kind(Kind::Note).next().is_some(),
        },
        _ => case.timeline.iter().any(|r| match (proof, &r.entry.body) {
            (Proof::Photo { shows }, Body::Photo(photo)) => any(shows, photo.purpose.as_str()),
            (Proof::Call { results }, Body::Call(call)) => any(results, call.result.as_str()),
            (Proof::Sms { levels }, Body::Sms(_)) if levels.is_empty() => proves_attempt(r),
            (Proof::Sms { levels }, Body::Sms(sms)) => any(levels, sms.level.as_str()),
            _ => false,
        }),
    })
}

/// SMS-4: handed over, with surname and waybill in the text. The text is checked where it can be read; a sealed one is
/// taken at the writing device's word.
pub(crate) fn proves_attempt(recorded: &Recorded) -> bool {
    let Body::Sms(sms) = &recorded.entry.body else { return false };
    sms.level == SmsLevel::HandedOver && sms.has_surname && sms.has_waybill
}
