//! Whether an act of a case proves a row of evidence (domain 7).

use doorstep_domain::{Body, Personal, SmsFault, UnixMs, has_text};

use crate::{
    Evidence, Message, OutcomeRow, Proof, SmsLack,
    case::registered,
    case_index::{Act, CaseIndex},
    photo::shows,
    sms::proves,
};

#[cfg(test)]
thread_local! {
    /// How often this thread has compared an act with a proof.
    pub(crate) static LOOKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How many acts satisfy a row.
pub(crate) fn count(index: &CaseIndex<'_>, evidence: &Evidence, of: Option<&Act<'_>>) -> u32 {
    u32::try_from(proving(index, evidence, of).count()).unwrap_or(u32::MAX)
}

/// The acts that satisfy a row, for a registration or for the case as a whole.
pub(crate) fn proving<'r, 'a>(
    index: &'r CaseIndex<'a>,
    evidence: &'r Evidence,
    of: Option<&'r Act<'a>>,
) -> impl Iterator<Item = &'r Act<'a>> {
    let proves = move |act: &Act<'_>| evidence.any_of.iter().any(|proof| is(index, proof, act, of));
    index.acts.iter().filter(move |act| act.stands() && proves(act))
}

/// Whether a requirement of an outcome applies to an act of this time: those for some codes apply if such a problem was registered then
/// and still is. Neither a reason that was corrected to such a code after the act nor one that was corrected from it asks for anything.
pub(crate) fn applies(index: &CaseIndex<'_>, evidence: &Evidence, at: UnixMs) -> bool {
    evidence.only_codes.is_empty() || index.had(at, &evidence.only_codes)
}

/// The requirements of an action's outcome that the case does not meet.
pub(crate) fn unmet<'p>(index: &CaseIndex<'_>, row: &'p OutcomeRow, at: UnixMs) -> impl Iterator<Item = &'p Evidence> {
    row.requires.iter().filter(move |evidence| applies(index, evidence, at) && count(index, evidence, None) < evidence.least)
}

pub(crate) fn is(index: &CaseIndex<'_>, proof: &Proof, act: &Act<'_>, of: Option<&Act<'_>>) -> bool {
    #[cfg(test)]
    LOOKS.set(LOOKS.get() + 1);
    let any = |list: &[String], word: &str| list.is_empty() || list.iter().any(|w| w == word);
    let said = |words: &Option<Personal>| has_text(words.as_ref());
    let itself = of.is_some_and(|of| of.key() == act.key());
    match (proof, act.body()) {
        (Proof::Photo { .. }, Body::Photo(photo)) => shows(proof, photo) && !index.unfit.contains_key(act.key()),
        (Proof::Call { results }, Body::Call(call)) => any(results, call.result.as_str()),
        (Proof::Sms { levels, faults }, Body::Sms(_)) => index.message(act.key()).is_some_and(|message| {
            let fault = message.fault.map_or("", SmsFault::as_str);
            if levels.is_empty() {
                proves_some(index, message, of)
            } else {
                // A message to another number says nothing about the label's number (domain 5.4), nor does one that was not sent
                // because of what the case says of its number.
                let says_nothing = |lack: &SmsLack| matches!(lack, SmsLack::OtherNumber | SmsLack::NumberWrong);
                !message.lacks.iter().any(says_nothing) && any(levels, message.level.as_str()) && any(faults, fault)
            }
        }),
        (Proof::Words {}, Body::Note { .. }) => true,
        (Proof::Words {}, Body::Attempt(attempt)) => itself && said(&attempt.words),
        (Proof::Words {}, Body::Problem(problem)) => itself && said(&problem.words),
        (Proof::Attempts {}, Body::Attempt(_)) => {
            let code = |act: &Act<'_>| registered(act.body()).map(|(code, _)| code.to_owned());
            of.is_none_or(|of| code(of) == code(act))
        }
        (Proof::Weight {}, Body::Problem(problem)) => itself && problem.weight_g.is_some() && problem.label_g.is_some(),
        (Proof::OtherWaybill {}, Body::Problem(problem)) => itself && problem.other.is_some(),
        (Proof::Count {}, Body::Problem(problem)) => itself && problem.count.is_some(),
        (Proof::Waiting {}, Body::Attempt(attempt)) => {
            itself && (attempt.waited_minutes.is_some() || attempt.agreed_at.is_some())
        }
        (Proof::Offer {}, Body::Attempt(attempt)) => itself && attempt.offered.is_some(),
        (Proof::Goods {}, Body::Goods(goods)) => said(&goods.name) && said(&goods.packing) && goods.value.is_some(),
        (Proof::Consent { by }, Body::Consent(consent)) => any(by, consent.by.as_str()) && said(&consent.name),
        (Proof::Consent { by }, Body::Reply(reply)) => {
            act.is_valid_reply() && reply.agreed_by.is_some_and(|who| any(by, who.as_str())) && said(&reply.agreed)
        }
        (Proof::Ledger { books }, Body::Ledger(line)) => any(books, line.book.as_str()),
        (Proof::Tick { steps }, Body::Tick(tick)) => any(steps, tick.step.as_str()),
        (Proof::Carrier {}, Body::Action(action)) => action.number.is_some() && action.carrier.is_some(),
        _ => false,
    }
}

/// Whether a message proves a registration's attempt or, without a registration, any attempt (domain 5.2: on the attempt's day).
fn proves_some(index: &CaseIndex<'_>, message: &Message, of: Option<&Act<'_>>) -> bool {
    match of {
        Some(attempt) if matches!(attempt.body(), Body::Attempt(_)) => proves(index, message, attempt),
        _ => message.counts(),
    }
}
