//! What a person does, and how it becomes entries. Commands are what the intent journal keeps.

mod desk;
mod details;
mod door;
mod handling;
mod notices;
mod sms;

use doorstep_domain::{Body, Fault, UnixMs, Waybill};
use doorstep_rules::Pack;
use doorstep_store::{ActionCase, Identity, Store};
use serde::{Deserialize, Serialize};

use self::{desk::Desk, door::restated};
pub use self::{
    details::{AttemptDetails, NewPhoto, PhotoRef, ProblemDetails, ReplyDetails, SmsWish},
    sms::SmsPreview,
};
use crate::{ClientError, Refusal};

/// One action of a person. Serialised, it is the intent: enough to do the action again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// A delivery failed.
    Fail {
        /// The waybill, as typed or scanned; a child number names the piece.
        waybill: String,
        /// Reason code of the pack.
        reason: String,
        /// Sub-reason code.
        sub: Option<String>,
        /// What happened, in words.
        words: Option<String>,
        /// Photos; filled in by [`crate::Client::record`].
        photos: Vec<PhotoRef>,
        /// What else there is to say.
        #[serde(default)]
        details: AttemptDetails,
    },
    /// Another problem was found (domain 2.5 to 2.8).
    Problem {
        /// The waybill; a child number names the piece.
        waybill: String,
        /// Code of the pack.
        reason: String,
        /// Sub-reason code.
        sub: Option<String>,
        /// A spelling of [`doorstep_domain::Stage`]; without one, the code's stage at which the person's role registers.
        stage: Option<String>,
        /// What was found, in words.
        words: Option<String>,
        /// Photos; filled in by [`crate::Client::record`].
        photos: Vec<PhotoRef>,
        /// What else there is to say.
        #[serde(default)]
        details: ProblemDetails,
    },
    /// Photos for a case that exists.
    Photos {
        /// The waybill.
        waybill: String,
        /// Photos; filled in by [`crate::Client::record`].
        photos: Vec<PhotoRef>,
    },
    /// An SMS to the customer is to be sent, or was by the person themselves.
    Sms {
        /// The waybill.
        waybill: String,
        /// What it says and where it goes.
        #[serde(default)]
        wish: SmsWish,
        /// What the person has done with it already: `handed_over`, `failed`; without it, it is queued.
        state: Option<String>,
        /// Why it failed: a spelling of [`doorstep_domain::SmsFault`].
        fault: Option<String>,
    },
    /// What has become of an SMS. Written by the app itself, before and after it acts.
    SmsReport {
        /// The waybill.
        waybill: String,
        /// Key of the SMS.
        of: String,
        /// A spelling of [`doorstep_domain::SmsState`].
        state: String,
        /// Which try.
        round: u32,
        /// A spelling of [`doorstep_domain::SmsFault`].
        fault: Option<String>,
    },
    /// A call to the customer.
    Call {
        /// The waybill.
        waybill: String,
        /// How it ended: a spelling of [`doorstep_domain::CallResult`].
        result: String,
        /// The number; without one the label's.
        number: Option<String>,
        /// What was said.
        words: Option<String>,
    },
    /// A signed, dated note.
    Note {
        /// The waybill.
        waybill: String,
        /// Its text.
        words: String,
    },
    /// Network or power is out and the origin outlet was phoned.
    Outage {
        /// The waybills it covers.
        waybills: Vec<String>,
        /// A spelling of [`doorstep_domain::OutageReason`].
        reason: String,
        /// Who answered.
        contact: Option<String>,
        /// The number called.
        phone: Option<String>,
        /// When, by the wall clock, milliseconds since 1970; without one, now.
        phoned_at: Option<i64>,
        /// What was said.
        said: Option<String>,
    },
    /// The notice to the origin outlet.
    Notice {
        /// The waybill.
        waybill: String,
        /// The target; without one it comes from the parcel's data.
        to: Option<String>,
        /// Which decision is asked for.
        request: Option<String>,
    },
    /// The origin outlet has looked at the newest notice.
    Seen {
        /// The waybill.
        waybill: String,
    },
    /// The origin outlet's reply.
    Reply {
        /// The waybill.
        waybill: String,
        /// Ruling code of the pack.
        decision: String,
        /// The data it needs, in words.
        words: Option<String>,
        /// Confirmed or corrected phone.
        phone: Option<String>,
        /// Confirmed or corrected address.
        address: Option<String>,
        /// What else the decision needs (domain 6.4).
        #[serde(default)]
        details: ReplyDetails,
        /// The confirmation letter; filled in by [`crate::Client::record`].
        #[serde(default)]
        photos: Vec<PhotoRef>,
    },
    /// What is said of another's entry: a reply that decides nothing, an unclear photo (domain 6.4).
    Mark {
        /// The waybill.
        waybill: String,
        /// The entry's key; without one the newest reply.
        entry: Option<String>,
        /// A spelling of [`doorstep_domain::Remark`].
        remark: String,
        /// Code of the pack's list of reasons.
        reason: Option<String>,
        /// Why, in words.
        words: Option<String>,
    },
    /// Something was done with the parcel (domain 2.3).
    Action {
        /// The waybill.
        waybill: String,
        /// Outcome code of the pack.
        outcome: String,
        /// The peer carrier, or the site it was forwarded to.
        carrier: Option<String>,
        /// The number under which it travels on.
        number: Option<String>,
        /// What it cost or was agreed to cost, in fen.
        amount_fen: Option<i64>,
        /// How, in words.
        words: Option<String>,
    },
    /// A step of a card was done.
    Tick {
        /// The waybill.
        waybill: String,
        /// Step code of the pack.
        step: String,
        /// What came of it.
        words: Option<String>,
    },
    /// Somebody is to act.
    Assign {
        /// The waybill.
        waybill: String,
        /// Who: an account.
        to: String,
        /// Planned for, by the wall clock, milliseconds since 1970.
        planned_at: Option<i64>,
        /// What is to be done.
        words: Option<String>,
    },
    /// A customer agreed to something.
    Consent {
        /// The waybill.
        waybill: String,
        /// A spelling of [`doorstep_domain::Customer`].
        by: String,
        /// Outcome code of the pack.
        to: String,
        /// The person's name.
        name: Option<String>,
        /// What was said.
        words: Option<String>,
    },
    /// What the sender says of the goods (EV-4).
    Goods {
        /// The waybill.
        waybill: String,
        /// Product name.
        name: Option<String>,
        /// Packaging.
        packing: Option<String>,
        /// Value in fen.
        value_fen: Option<i64>,
        /// Anything else.
        words: Option<String>,
    },
    /// A line of outlet finance's registers.
    Ledger {
        /// The waybill.
        waybill: String,
        /// A spelling of [`doorstep_domain::Book`].
        book: String,
        /// Code of the pack.
        change: String,
        /// How much, in fen.
        amount_fen: Option<i64>,
        /// The receipt slip was taken back.
        slip: bool,
        /// Anything else.
        words: Option<String>,
    },
    /// Evidence that can not be had.
    Waive {
        /// The waybill.
        waybill: String,
        /// The row of the evidence matrix.
        evidence: String,
        /// Why not.
        words: String,
    },
    /// An earlier entry was wrong. It stays; what is right is recorded with the correction.
    Correct {
        /// The waybill.
        waybill: String,
        /// The entry's key.
        entry: String,
        /// A spelling of [`Fault`].
        fault: String,
        /// The entry whose act it is, if it is the same act recorded twice.
        same_as: Option<String>,
        /// Why.
        words: String,
        /// What is right.
        instead: Option<Box<Command>>,
    },
    /// A finding or a mark is contested.
    Dispute {
        /// The waybill.
        waybill: String,
        /// A finding's id, or an entry's key.
        about: String,
        /// Why.
        words: String,
    },
    /// A parcel with a provisional number is known by its own.
    Identify {
        /// The provisional number.
        provisional: String,
        /// The parcel's own.
        waybill: String,
    },
    /// The parcel is handed over to another courier, who takes it over on their own phone (C-23).
    Handover {
        /// The waybill.
        waybill: String,
        /// The other courier's account.
        to: String,
        /// Why.
        words: Option<String>,
    },
    /// A parcel that is being handed over is taken over (C-23).
    Takeover {
        /// The waybill.
        waybill: String,
    },
    /// The end of the case.
    Close {
        /// The waybill; a child number ends that piece.
        waybill: String,
        /// Outcome code of the pack.
        outcome: String,
        /// Who signed, or why.
        words: Option<String>,
    },
}

impl Command {
    /// A failed delivery for a reason, with nothing else to say.
    pub fn fail(waybill: &str, reason: &str) -> Self {
        Self::Fail {
            waybill: waybill.into(),
            reason: reason.into(),
            sub: None,
            words: None,
            photos: Vec::new(),
            details: AttemptDetails::default(),
        }
    }

    /// The waybills it is about, as typed.
    pub fn waybills(&self) -> Vec<&str> {
        match self {
            Self::Outage { waybills, .. } => waybills.iter().map(String::as_str).collect(),
            Self::Identify { provisional, waybill } => vec![provisional, waybill],
            Self::Fail { waybill, .. }
            | Self::Problem { waybill, .. }
            | Self::Photos { waybill, .. }
            | Self::Sms { waybill, .. }
            | Self::SmsReport { waybill, .. }
            | Self::Call { waybill, .. }
            | Self::Note { waybill, .. }
            | Self::Notice { waybill, .. }
            | Self::Seen { waybill }
            | Self::Reply { waybill, .. }
            | Self::Mark { waybill, .. }
            | Self::Action { waybill, .. }
            | Self::Tick { waybill, .. }
            | Self::Assign { waybill, .. }
            | Self::Consent { waybill, .. }
            | Self::Goods { waybill, .. }
            | Self::Ledger { waybill, .. }
            | Self::Waive { waybill, .. }
            | Self::Correct { waybill, .. }
            | Self::Dispute { waybill, .. }
            | Self::Handover { waybill, .. }
            | Self::Takeover { waybill }
            | Self::Close { waybill, .. } => vec![waybill],
        }
    }

    pub(crate) fn name_photos(&mut self, refs: Vec<PhotoRef>) {
        match self {
            Self::Fail { photos, .. }
            | Self::Problem { photos, .. }
            | Self::Photos { photos, .. }
            | Self::Reply { photos, .. } => *photos = refs,
            Self::Correct { instead: Some(instead), .. } => instead.name_photos(refs),
            _ => {}
        }
    }

    /// Turns the command into what is recorded in each case, or says which rule forbids it.
    pub(crate) fn plan(
        &self,
        store: &mut Store,
        who: &Identity,
        pack: &Pack,
        wall: UnixMs,
        now: UnixMs,
    ) -> Result<Vec<ActionCase>, ClientError> {
        let typed: Vec<Waybill> =
            self.waybills().into_iter().map(Waybill::parse).collect::<Result<_, _>>().map_err(ClientError::Waybill)?;
        let before = match (self, typed.first()) {
            (Self::Identify { .. }, Some(provisional)) => {
                store.case(provisional, wall)?.map(|view| restated(&view.case)).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let mut plans = Vec::new();
        for number in &typed {
            // A child number is scanned from the piece in the hand; the case is the shipment's.
            let waybill = store.main_number(number)?;
            let view = store.case(&waybill, wall)?;
            let piece = (waybill != *number).then(|| number.clone());
            let desk = Desk { store, who, pack, waybill: &waybill, piece, view: view.as_ref(), wall, now };
            let bodies = match self {
                Self::Identify { .. } => desk.identify(&typed, &before)?,
                _ => self.bodies(&desk)?,
            };
            plans.push(ActionCase { waybill, bodies, photos: Vec::new() });
        }
        if plans.is_empty() { Err(ClientError::Refused(Refusal::NoCase)) } else { Ok(plans) }
    }

    /// The text of an SMS as it would be sent, and what it would lack to count.
    pub(crate) fn preview_sms(
        store: &mut Store,
        who: &Identity,
        pack: &Pack,
        (waybill, wish): (&str, &SmsWish),
        (wall, now): (UnixMs, UnixMs),
    ) -> Result<SmsPreview, ClientError> {
        let typed = Waybill::parse(waybill)?;
        let waybill = store.main_number(&typed)?;
        let view = store.case(&waybill, wall)?;
        let desk = Desk { store, who, pack, waybill: &waybill, piece: None, view: view.as_ref(), wall, now };
        desk.preview(wish)
    }

    fn bodies(&self, desk: &Desk<'_>) -> Result<Vec<Body>, ClientError> {
        Ok(match self {
            Self::Fail { reason, sub, words, photos, details, .. } => {
                desk.fail(reason, sub.as_deref(), words.as_deref(), details, photos)?
            }
            Self::Problem { reason, sub, stage, words, photos, details, .. } => {
                desk.problem(reason, sub.as_deref(), stage.as_deref(), words.as_deref(), details, photos)?
            }
            Self::Photos { photos, .. } => desk.photos(photos)?,
            Self::Sms { wish, state, fault, .. } => desk.sms(wish, state.as_deref(), fault.as_deref())?,
            Self::SmsReport { of, state, round, fault, .. } => vec![desk.sms_report(of, state, *round, fault.as_deref())?],
            Self::Call { result, number, words, .. } => vec![desk.call(result, number.as_deref(), words.as_deref())?],
            Self::Note { words, .. } => vec![desk.note(words)?],
            Self::Outage { reason, contact, phone, phoned_at, said, .. } => {
                vec![desk.outage(reason, contact.as_deref(), phone.as_deref(), *phoned_at, said.as_deref())?]
            }
            Self::Notice { to, request, .. } => vec![desk.notice(to.as_deref(), request.as_deref())?],
            Self::Seen { .. } => vec![desk.seen()?],
            Self::Reply { decision, words, phone, address, details, photos, .. } => {
                desk.reply(decision, words.as_deref(), phone.as_deref(), address.as_deref(), details, photos)?
            }
            Self::Mark { entry, remark, reason, words, .. } => {
                vec![desk.mark(entry.as_deref(), remark, reason.as_deref(), words.as_deref())?]
            }
            Self::Action { outcome, carrier, number, amount_fen, words, .. } => {
                vec![desk.action(outcome, carrier.as_deref(), number.as_deref(), *amount_fen, words.as_deref())?]
            }
            Self::Tick { step, words, .. } => vec![desk.tick(step, words.as_deref())?],
            Self::Assign { to, planned_at, words, .. } => desk.assign(to, *planned_at, words.as_deref())?,
            Self::Consent { by, to, name, words, .. } => vec![desk.consent(by, to, name.as_deref(), words.as_deref())?],
            Self::Goods { name, packing, value_fen, words, .. } => {
                vec![desk.goods(name.as_deref(), packing.as_deref(), *value_fen, words.as_deref())?]
            }
            Self::Ledger { book, change, amount_fen, slip, words, .. } => {
                vec![desk.ledger(book, change, *amount_fen, *slip, words.as_deref())?]
            }
            Self::Waive { evidence, words, .. } => vec![desk.waive(evidence, words)?],
            Self::Correct { entry, fault, same_as, words, instead, .. } => {
                let mut bodies = vec![desk.correct(entry, fault, same_as.as_deref(), words)?];
                if let Some(instead) = instead.as_ref().filter(|_| Fault::from_word(fault) != Some(Fault::SameAs)) {
                    bodies.extend(instead.bodies(desk)?);
                }
                bodies
            }
            Self::Dispute { about, words, .. } => vec![desk.dispute(about, words)?],
            Self::Identify { .. } => Vec::new(),
            Self::Handover { to, words, .. } => vec![desk.handover(to, words.as_deref())?],
            Self::Takeover { .. } => vec![desk.takeover()?],
            Self::Close { outcome, words, .. } => vec![desk.close(outcome, words.as_deref())?],
        })
    }
}
