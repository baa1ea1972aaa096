//! Turns a person's action into entries: checks a [`Recording`] against pack and case, and plans the entries' content.

mod ahead;
mod asked;
mod assign;
mod context;
mod door;
mod handling;
mod nothing;
mod notices;
mod photo;
pub mod said;
mod sms;

use doorstep_domain::{Body, Fault, Photo, UnixMs, Waybill, has_text};
use doorstep_rules::Rulebook;
use doorstep_store::{Act, ActionCase, Identity, KnownCases, Recording, SmsWish, Store};

pub(crate) use self::{ahead::ahead, assign::assignable, nothing::nothing, said::CodeOf, sms::report};
pub use self::{
    ahead::{ReasonAhead, ReasonWish, SmsAhead},
    photo::NewPhoto,
    sms::SmsPreview,
};
use self::{context::Context, door::restated};
use crate::{ClientError, Refusal};

/// Plans the entries of a recording and its photos in each case, or returns the rule that forbids it. `anyway`: the person insists on an
/// act that would not do what they want.
pub(crate) fn plan(
    (recording, anyway): (&Recording, bool),
    photos: &[Photo],
    (store, known): (&mut Store, &mut KnownCases),
    (who, book): (&Identity, &Rulebook),
    (wall, now): (UnixMs, UnixMs),
) -> Result<Vec<ActionCase>, ClientError> {
    let Recording { waybills, act, .. } = recording;
    let pack = book.at(now);
    let before = match (act, waybills.first()) {
        (Act::Identify, Some(provisional)) => {
            let waybill = store.main_number(provisional)?;
            store.know(&waybill, known)?;
            known.case(&waybill).map(restated).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let mut plans: Vec<ActionCase> = Vec::new();
    for number in waybills {
        // A scanned child number names a piece; the case belongs to the shipment.
        let waybill = store.main_number(number)?;
        store.know(&waybill, known)?;
        // Two pieces of a shipment are one parcel to assign.
        if matches!(act, Act::Assign(_) | Act::AssignBack { .. }) && plans.iter().any(|plan| plan.waybill == waybill) {
            continue;
        }
        let piece = (waybill != *number).then(|| number.clone());
        let context = Context { store, who, pack, book, waybill: &waybill, piece, case: known.case(&waybill), wall, now, anyway };
        let bodies = match act {
            Act::Identify => context.identify(waybills, &before)?,
            _ => bodies(&context, act, photos).map_err(|error| match error {
                ClientError::Refused(why) if waybills.len() > 1 => {
                    ClientError::Refused(Refusal::OfMany { waybill: number.clone(), why: Box::new(why) })
                }
                other => other,
            })?,
        };
        plans.push(ActionCase { waybill, bodies, photos: Vec::new() });
    }
    if let (Act::Answer { found: Some(found), .. }, [plan]) = (act, plans.as_slice()) {
        let own = plan.waybill.clone();
        store.know(found, known)?;
        let (waybill, case) = (found, known.case(found));
        let context = Context { store, who, pack, book, waybill, piece: None, case, wall, now, anyway };
        let bodies = context.found_as(&own)?;
        plans.push(ActionCase { waybill: found.clone(), bodies, photos: Vec::new() });
    }
    if plans.is_empty() { Err(ClientError::Refused(Refusal::NoCase)) } else { Ok(plans) }
}

/// The text of an SMS as it would be sent, and what it would lack to count for the day.
pub(crate) fn preview_sms(
    store: &mut Store,
    (who, book): (&Identity, &Rulebook),
    (number, wish): (&Waybill, &SmsWish),
    (wall, now): (UnixMs, UnixMs),
) -> Result<SmsPreview, ClientError> {
    let waybill = store.main_number(number)?;
    let mut known = KnownCases::default();
    store.know(&waybill, &mut known)?;
    let (pack, case) = (book.at(now), known.case(&waybill));
    let context = Context { store, who, pack, book, waybill: &waybill, piece: None, case, wall, now, anyway: false };
    context.preview(wish)
}

fn bodies(context: &Context<'_>, act: &Act, photos: &[Photo]) -> Result<Vec<Body>, ClientError> {
    // Every act's words are checked here and only here. An entry that arrives from elsewhere is kept as it is.
    if act.words().is_some_and(|words| !has_text(Some(words))) {
        return Err(ClientError::Refused(Refusal::NoWords));
    }
    let mut bodies = match act {
        Act::Fail(attempt) => vec![context.fail(attempt)?],
        Act::Problem { problem, usual_stage } => vec![context.problem(problem, *usual_stage)?],
        Act::Photos => context.case().map(|_| Vec::new())?,
        Act::Sms { wish, state, fault } => context.sms(wish, *state, *fault)?,
        Act::SmsReport(report) => vec![context.sms_report(report)?],
        Act::Call(call) => vec![context.call(call)?],
        Act::Note(words) => vec![context.note(words)?],
        Act::Outage(outage) => vec![context.outage(outage)?],
        Act::Notice { to, request } => vec![context.notice(to.as_ref(), request.as_ref())?],
        Act::Seen => vec![context.seen()?],
        Act::Reply(reply) => vec![context.reply(reply, photos)?],
        Act::Mark { about, remark, reason, words } => {
            vec![context.mark(about.as_ref(), *remark, reason.as_ref(), words.as_ref())?]
        }
        Act::Action(action) => vec![context.action(action)?],
        Act::Tick(tick) => vec![context.tick(tick)?],
        Act::Assign(assign) => context.assign(assign)?,
        Act::AssignBack { words } => context.assign_back(words.as_ref())?,
        Act::Ask { step, to, words } => context.ask(step, to, words.as_ref())?,
        Act::Answer { ask, result, found, words } => context.answer(ask.as_ref(), result, found.as_ref(), words.as_ref())?,
        Act::Dispatch { run, words } => vec![context.dispatch(run, words.as_ref())?],
        Act::Consent(consent) => vec![context.consent(consent)?],
        Act::Goods(goods) => vec![context.goods(goods)?],
        Act::Ledger(ledger) => vec![context.ledger(ledger)?],
        Act::Waive(waiver) => vec![context.waive(waiver)?],
        Act::Correct { correction, instead } => {
            let mut all = vec![context.correct(correction)?];
            if let Some(instead) = instead.as_ref().filter(|_| correction.fault != Fault::SameAs) {
                all.extend(self::bodies(context, instead, photos)?);
            }
            all
        }
        Act::Dispute(dispute) => vec![context.dispute(dispute)?],
        Act::Identify => Vec::new(),
        Act::Handover(handover) => vec![Body::Handover(handover.clone())],
        Act::Takeover => vec![context.takeover()?],
        Act::Close(close) => vec![context.close(close)?],
    };
    // The photos of a correction belong to the corrected record.
    if matches!(act, Act::Fail(_) | Act::Problem { .. } | Act::Photos | Act::Reply(_)) {
        bodies.extend(photos.iter().cloned().map(Body::Photo));
    }
    Ok(bodies)
}
