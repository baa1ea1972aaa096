//! How what a person did becomes entries: a [`Recording`] is checked against pack and case, and planned as bodies of entries.

mod desk;
mod door;
mod handling;
mod notices;
mod photo;
pub mod said;
mod sms;

use doorstep_domain::{Body, Fault, Photo, UnixMs, Waybill};
use doorstep_rules::Pack;
use doorstep_store::{Act, ActionCase, Identity, Recording, SmsWish, Store};

pub(crate) use self::sms::report;
use self::{desk::Desk, door::restated};
pub use self::{photo::NewPhoto, sms::SmsPreview};
use crate::{ClientError, Refusal};

/// Turns a recording and the entries of its photos into what is recorded in each case, or says which rule forbids it.
pub(crate) fn plan(
    recording: &Recording,
    photos: &[Photo],
    store: &mut Store,
    (who, pack): (&Identity, &Pack),
    (wall, now): (UnixMs, UnixMs),
) -> Result<Vec<ActionCase>, ClientError> {
    let Recording { waybills, act, .. } = recording;
    let before = match (act, waybills.first()) {
        (Act::Identify, Some(provisional)) => store.case(provisional, wall)?.map(|view| restated(&view.case)).unwrap_or_default(),
        _ => Vec::new(),
    };
    let mut plans = Vec::new();
    for number in waybills {
        // A child number is scanned from the piece in the hand; the case is the shipment's.
        let waybill = store.main_number(number)?;
        let view = store.case(&waybill, wall)?;
        let piece = (waybill != *number).then(|| number.clone());
        let desk = Desk { store, who, pack, waybill: &waybill, piece, view: view.as_ref(), wall, now };
        let bodies = match act {
            Act::Identify => desk.identify(waybills, &before)?,
            _ => bodies(&desk, act, photos)?,
        };
        plans.push(ActionCase { waybill, bodies, photos: Vec::new() });
    }
    if plans.is_empty() { Err(ClientError::Refused(Refusal::NoCase)) } else { Ok(plans) }
}

/// The text of an SMS as it would be sent, and what it would lack to count.
pub(crate) fn preview_sms(
    store: &mut Store,
    (who, pack): (&Identity, &Pack),
    (number, wish): (&Waybill, &SmsWish),
    (wall, now): (UnixMs, UnixMs),
) -> Result<SmsPreview, ClientError> {
    let waybill = store.main_number(number)?;
    let view = store.case(&waybill, wall)?;
    let desk = Desk { store, who, pack, waybill: &waybill, piece: None, view: view.as_ref(), wall, now };
    desk.preview(wish)
}

fn bodies(desk: &Desk<'_>, act: &Act, photos: &[Photo]) -> Result<Vec<Body>, ClientError> {
    let mut bodies = match act {
        Act::Fail(attempt) => vec![desk.fail(attempt)?],
        Act::Problem { problem, usual_stage } => vec![desk.problem(problem, *usual_stage)?],
        Act::Photos => desk.case().map(|_| Vec::new())?,
        Act::Sms { wish, state, fault } => desk.sms(wish, *state, *fault)?,
        Act::SmsReport(report) => vec![desk.sms_report(report)?],
        Act::Call(call) => vec![desk.call(call)?],
        Act::Note(words) => vec![desk.note(words)?],
        Act::Outage(outage) => vec![desk.outage(outage)?],
        Act::Notice { to, request } => vec![desk.notice(to.as_ref(), request.as_ref())?],
        Act::Seen => vec![desk.seen()?],
        Act::Reply(reply) => vec![desk.reply(reply, photos)?],
        Act::Mark { about, remark, reason, words } => {
            vec![desk.mark(about.as_ref(), *remark, reason.as_ref(), words.as_ref())?]
        }
        Act::Action(action) => vec![desk.action(action)?],
        Act::Tick(tick) => vec![desk.tick(tick)?],
        Act::Assign(assign) => desk.assign(assign)?,
        Act::Consent(consent) => vec![desk.consent(consent)?],
        Act::Goods(goods) => vec![desk.goods(goods)?],
        Act::Ledger(ledger) => vec![desk.ledger(ledger)?],
        Act::Waive(waiver) => vec![desk.waive(waiver)?],
        Act::Correct { correction, instead } => {
            let mut all = vec![desk.correct(correction)?];
            if let Some(instead) = instead.as_ref().filter(|_| correction.fault != Fault::SameAs) {
                all.extend(self::bodies(desk, instead, photos)?);
            }
            all
        }
        Act::Dispute(dispute) => vec![desk.dispute(dispute)?],
        Act::Identify => Vec::new(),
        Act::Handover(handover) => vec![Body::Handover(handover.clone())],
        Act::Takeover => vec![desk.takeover()?],
        Act::Close(close) => vec![desk.close(close)?],
    };
    // What is right brings a correction's photos along.
    if matches!(act, Act::Fail(_) | Act::Problem { .. } | Act::Photos | Act::Reply(_)) {
        bodies.extend(photos.iter().cloned().map(Body::Photo));
    }
    Ok(bodies)
}
