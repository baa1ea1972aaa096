//! What a reason would ask for, read before anything is recorded: the plan of a registration, without its record.

use doorstep_domain::{Attempt, Body, NetworkCode, Outlet, Personal, Problem, ReasonCode, Stage, UnixMs, Waybill};
use doorstep_rules::{Ahead, Imagined, Rulebook, SmsLack, Words, asks};
use doorstep_store::{Identity, KnownCases, SmsWish, Store};
use serde::Serialize;

use super::{
    context::Context,
    said::{CodeOf, code, waybill, word},
};
use crate::{ClientError, Refusal};

/// The number in whose place a question without a parcel is asked.
const NO_PARCEL: &str = "00000000";

/// The registration that somebody thinks about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReasonWish {
    /// The reason's code.
    pub reason: String,
    /// Its sub-reason. Without one, the evidence of all of them is named.
    pub sub: Option<String>,
    /// The stage of a problem that is no failed delivery. Without one, where the person's role registers it.
    pub stage: Option<String>,
    /// The parcel. Without one, only what holds for every parcel is said.
    pub waybill: Option<String>,
    /// The number under which the courier is reached, for the SMS.
    pub callback: Option<Personal>,
}

/// Whether an SMS can prove a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SmsAhead {
    /// Whether an SMS that is sent now would count for the day.
    pub counts: bool,
    /// The number to which it would go, masked. `None` if it can not be sent.
    pub number: Option<String>,
    /// What it would lack to count.
    pub lacks: Vec<SmsLack>,
    /// Why it can not be sent.
    pub why_not: Option<Words>,
}

/// What a reason asks for, of a parcel if one is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReasonAhead {
    /// What it asks for by the rules.
    #[serde(flatten)]
    pub ahead: Ahead,
    /// Whether the person's role registers it at this stage.
    pub is_yours: bool,
    /// The parcel's number, if one was named.
    pub waybill: Option<Waybill>,
    /// The origin outlet, from the directory, with the number to phone.
    pub origin_outlet: Option<Outlet>,
    /// The SMS to the customer; `None` without a parcel.
    pub sms: Option<SmsAhead>,
}

/// Answers what a registration would ask for.
pub(crate) fn ahead(
    (store, known): (&mut Store, &mut KnownCases),
    (who, book): (&Identity, &Rulebook),
    wish: &ReasonWish,
    (wall, now): (UnixMs, UnixMs),
) -> Result<ReasonAhead, ClientError> {
    let pack = book.at(now);
    let network: NetworkCode = pack.network.parse()?;
    let scanned = waybill(wish.waybill.as_deref().unwrap_or(NO_PARCEL))?;
    let waybill = store.main_number(&scanned)?;
    store.know(&waybill, known)?;
    let piece = (waybill != scanned).then_some(scanned);
    let case = known.case(&waybill);
    let context = Context { store, who, pack, book, waybill: &waybill, piece, case, wall, now, anyway: false };
    let (body, is_yours) = context.intended(wish)?;
    let facts = context.store.facts_of(&network, &waybill)?;
    let imagined = Imagined::of(case, who.author.clone(), facts, body, now);
    let imagined = imagined.ok_or(ClientError::Internal("a registration that makes no case"))?;
    let ahead = asks(&imagined, book, now).ok_or_else(|| context.no_reason(&wish.reason))?;
    let origin_outlet = match &ahead.origin {
        Some(code) => context.store.outlet(code.as_str())?,
        None => None,
    };
    let is_of_parcel = wish.waybill.is_some();
    let sms = match is_of_parcel {
        true => Some(Context { case: Some(&imagined.case), ..context }.sms_ahead(wish)?),
        false => None,
    };
    Ok(ReasonAhead { ahead, is_yours, waybill: is_of_parcel.then_some(waybill), origin_outlet, sms })
}

impl Context<'_> {
    /// The registration as it would be recorded, and whether the person's role may record it there. The question itself is everybody's.
    fn intended(&self, wish: &ReasonWish) -> Result<(Body, bool), ClientError> {
        let reason: ReasonCode = code(&wish.reason)?;
        let sub: Option<ReasonCode> = wish.sub.as_deref().map(code).transpose()?;
        let row = self.pack.code(&wish.reason).filter(|row| row.enabled).ok_or_else(|| self.no_reason(&wish.reason))?;
        if row.group.is_attempt() {
            return Ok((self.fail(&Attempt { sub, ..Attempt::of(reason) })?, self.is_registrar(Stage::Delivery)));
        }
        let stage = wish.stage.as_deref().map(word::<Stage>).transpose()?;
        let first = || row.stages.first().and_then(|stage| Stage::from_word(stage)).unwrap_or(Stage::Delivery);
        let intended = |stage: Stage| Problem { sub: sub.clone(), ..Problem::of(reason.clone(), stage) };
        let body = match (stage, self.problem(&intended(stage.unwrap_or_else(first)), stage.is_none())) {
            (None, Err(ClientError::Refused(Refusal::Registrar))) => self.problem(&intended(first()), false)?,
            (_, planned) => planned?,
        };
        let is_yours = matches!(&body, Body::Problem(problem) if self.is_registrar(problem.stage));
        Ok((body, is_yours))
    }

    fn is_registrar(&self, stage: Stage) -> bool {
        let role = self.who.author.role.as_str();
        let row = self.pack.stages.iter().find(|row| row.stage == stage.as_str());
        row.is_some_and(|row| row.registrars.iter().any(|who| who == role))
    }

    fn no_reason(&self, given: &str) -> ClientError {
        let known = [CodeOf::Attempt, CodeOf::Problem].into_iter().flat_map(|of| of.known(self.pack));
        ClientError::Refused(Refusal::Reason { given: given.to_owned(), known: known.map(str::to_owned).collect() })
    }

    /// Whether an SMS can be sent and would count, by the same check as the preview of a recorded one.
    fn sms_ahead(&self, wish: &ReasonWish) -> Result<SmsAhead, ClientError> {
        match self.preview(&SmsWish { callback: wish.callback.clone(), ..SmsWish::default() }) {
            Ok(preview) => Ok(SmsAhead {
                counts: preview.lacks.is_empty(),
                number: Some(preview.number),
                lacks: preview.lacks,
                why_not: None,
            }),
            Err(error @ ClientError::Refused(_)) => {
                Ok(SmsAhead { counts: false, number: None, lacks: Vec::new(), why_not: Some(error.words()) })
            }
            Err(error) => Err(error),
        }
    }
}
