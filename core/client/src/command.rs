//! What a person does, and how it becomes entries. Commands are what the intent journal keeps.

use doorstep_domain::{
    Attempt, Body, Call, CallResult, Close, Handover, Kind, Notice, Outage, OutageReason, Personal, Photo, PhotoId, PhotoPurpose,
    Reply, Sms, SmsLevel, Takeover, TargetSource, UnixMs, Waybill,
};
use doorstep_rules::{Case, Named, Pack};
use doorstep_store::{ActionCase, Identity, Store};
use serde::{Deserialize, Serialize};

use crate::{ClientError, Refusal};

/// One action of a person. Serialised, it is the intent: enough to do the action again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// A delivery failed.
    Fail {
        /// The waybill, as typed or scanned.
        waybill: String,
        /// Reason code of the pack.
        reason: String,
        /// Sub-reason code.
        sub: Option<String>,
        /// What happened, in words.
        words: Option<String>,
        /// Photos; filled in by [`crate::Client::record`].
        photos: Vec<PhotoRef>,
    },
    /// Photos for a case that exists.
    Photos {
        /// The waybill.
        waybill: String,
        /// Photos; filled in by [`crate::Client::record`].
        photos: Vec<PhotoRef>,
    },
    /// An SMS was handed over to the phone's message app.
    Sms {
        /// The waybill.
        waybill: String,
        /// The text; without one the pack's template for the newest attempt's reason is used.
        text: Option<String>,
        /// The number; without one the label's.
        number: Option<String>,
        /// Whether sending failed.
        failed: bool,
    },
    /// A call to the customer.
    Call {
        /// The waybill.
        waybill: String,
        /// How it ended: a spelling of [`CallResult`].
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
        /// A spelling of [`OutageReason`].
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
    /// The origin outlet's reply.
    Reply {
        /// The waybill.
        waybill: String,
        /// Decision code of the pack.
        decision: String,
        /// The data it needs, in words.
        words: Option<String>,
        /// Confirmed or corrected phone.
        phone: Option<String>,
        /// Confirmed or corrected address.
        address: Option<String>,
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
        /// The waybill.
        waybill: String,
        /// Outcome code of the pack.
        outcome: String,
        /// Who signed, or why.
        words: Option<String>,
    },
}

/// A photo as a command names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoRef {
    /// SHA-256 in hexadecimal.
    pub sha: String,
    /// Length in bytes.
    pub len: u64,
    /// A spelling of [`PhotoPurpose`].
    pub shows: String,
}

/// A photo to be recorded.
#[derive(Debug, Clone)]
pub struct NewPhoto {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it shows.
    pub shows: PhotoPurpose,
}

impl Command {
    /// The waybills it is about, as typed.
    pub fn waybills(&self) -> Vec<&str> {
        match self {
            Self::Outage { waybills, .. } => waybills.iter().map(String::as_str).collect(),
            Self::Fail { waybill, .. }
            | Self::Photos { waybill, .. }
            | Self::Sms { waybill, .. }
            | Self::Call { waybill, .. }
            | Self::Note { waybill, .. }
            | Self::Notice { waybill, .. }
            | Self::Reply { waybill, .. }
            | Self::Handover { waybill, .. }
            | Self::Takeover { waybill }
            | Self::Close { waybill, .. } => vec![waybill],
        }
    }

    pub(crate) fn name_photos(&mut self, refs: Vec<PhotoRef>) {
        if let Self::Fail { photos, .. } | Self::Photos { photos, .. } = self {
            *photos = refs;
        }
    }

    /// Turns the command into what is recorded in each case, or says which rule forbids it.
    pub(crate) fn plan(
        &self,
        store: &mut Store,
        who: &Identity,
        pack: &Pack,
        wall: UnixMs,
    ) -> Result<Vec<ActionCase>, ClientError> {
        let mut plans = Vec::new();
        for text in self.waybills() {
            let waybill = Waybill::parse(text)?;
            let case = store.case(&waybill, wall)?.map(|view| view.case);
            let desk = Desk { store, who, pack, waybill: &waybill, case: case.as_ref(), wall };
            let bodies = self.bodies(&desk)?;
            plans.push(ActionCase { waybill, bodies, photos: Vec::new() });
        }
        if plans.is_empty() { Err(ClientError::Refused(Refusal::NoCase)) } else { Ok(plans) }
    }

    fn bodies(&self, desk: &Desk) -> Result<Vec<Body>, ClientError> {
        Ok(match self {
            Self::Fail { reason, sub, words, photos, .. } => desk.fail(reason, sub.as_deref(), words.as_deref(), photos)?,
            Self::Photos { photos, .. } => {
                desk.case()?;
                photo_bodies(photos)?
            }
            Self::Sms { text, number, failed, .. } => vec![desk.sms(text.as_deref(), number.as_deref(), *failed)?],
            Self::Call { result, number, words, .. } => {
                desk.case()?;
                let known = CallResult::ALL.iter().map(|r| r.as_str().to_owned());
                let result = CallResult::from_word(result)
                    .ok_or_else(|| ClientError::Refused(Refusal::Code { given: result.clone(), known: known.collect() }))?;
                vec![Body::Call(Call { result, number: desk.number(number.as_deref())?, words: personal(words.as_deref())? })]
            }
            Self::Note { words, .. } => {
                desk.case()?;
                vec![Body::Note { words: Personal::plain(words)? }]
            }
            Self::Outage { reason, contact, phone, phoned_at, said, .. } => {
                vec![desk.outage(reason, contact.as_deref(), phone.as_deref(), *phoned_at, said.as_deref())?]
            }
            Self::Notice { to, request, .. } => vec![desk.notice(to.as_deref(), request.as_deref())?],
            Self::Reply { decision, words, phone, address, .. } => {
                vec![desk.reply(decision, words.as_deref(), phone.as_deref(), address.as_deref())?]
            }
            Self::Handover { to, words, .. } => {
                vec![Body::Handover(Handover { to: to.parse()?, words: personal(words.as_deref())? })]
            }
            Self::Takeover { .. } => {
                let case = desk.case()?;
                let handover = case.of_kind(Kind::Handover).last().map(|r| r.entry.key.clone());
                let offered = case.offered_to() == Some(&desk.who.author.user);
                let handover = handover.filter(|_| offered).ok_or(ClientError::Refused(Refusal::NotOffered))?;
                vec![Body::Takeover(Takeover { handover })]
            }
            Self::Close { outcome, words, .. } => {
                desk.case()?;
                known(&desk.pack.outcomes, outcome)?;
                vec![Body::Close(Close { outcome: outcome.parse()?, words: personal(words.as_deref())? })]
            }
        })
    }
}

fn personal(text: Option<&str>) -> Result<Option<Personal>, ClientError> {
    Ok(text.filter(|t| !t.trim().is_empty()).map(Personal::plain).transpose()?)
}

fn known(table: &[Named], code: &str) -> Result<(), ClientError> {
    if table.iter().any(|named| named.code == code) {
        return Ok(());
    }
    let known = table.iter().map(|named| named.code.clone()).collect();
    Err(ClientError::Refused(Refusal::Code { given: code.to_owned(), known }))
}

fn photo_bodies(photos: &[PhotoRef]) -> Result<Vec<Body>, ClientError> {
    let body = |photo: &PhotoRef| {
        let id: PhotoId = photo.sha.parse()?;
        let purpose = PhotoPurpose::from_word(&photo.shows).unwrap_or(PhotoPurpose::Other);
        Ok(Body::Photo(Photo { id, len: photo.len, purpose }))
    };
    photos.iter().map(body).collect()
}

/// What lies before the person: the parcel, its case so far, the rules.
struct Desk<'a> {
    store: &'a Store,
    who: &'a Identity,
    pack: &'a Pack,
    waybill: &'a Waybill,
    case: Option<&'a Case>,
    wall: UnixMs,
}

impl Desk<'_> {
    fn case(&self) -> Result<&Case, ClientError> {
        self.case.ok_or(ClientError::Refused(Refusal::NoCase))
    }

    fn attempted(&self) -> Result<&Case, ClientError> {
        self.case.filter(|case| case.attempts() > 0).ok_or(ClientError::Refused(Refusal::NoAttempt))
    }

    /// The given number, or the one on the label.
    fn number(&self, given: Option<&str>) -> Result<Option<Personal>, ClientError> {
        match given {
            Some(number) => personal(Some(number)),
            None => Ok(self.store.parcel(self.waybill)?.and_then(|parcel| parcel.recipient_phone)),
        }
    }

    fn fail(&self, reason: &str, sub: Option<&str>, words: Option<&str>, photos: &[PhotoRef]) -> Result<Vec<Body>, ClientError> {
        let rule = self.pack.reason(reason).ok_or_else(|| {
            let known = self.pack.reasons.iter().map(|r| r.code.clone()).collect();
            ClientError::Refused(Refusal::Reason { given: reason.to_owned(), known })
        })?;
        if let Some(sub) = sub.filter(|sub| rule.subs.iter().all(|s| s.code != *sub)) {
            let known = rule.subs.iter().map(|s| s.code.clone()).collect();
            return Err(ClientError::Refused(Refusal::Sub { given: sub.to_owned(), known }));
        }
        let attempt = Attempt { reason: reason.parse()?, sub: sub.map(str::parse).transpose()?, words: personal(words)? };
        let mut bodies = vec![Body::Attempt(attempt)];
        bodies.extend(photo_bodies(photos)?);
        Ok(bodies)
    }

    /// The SMS as it was handed over; from the template it carries surname and waybill (domain 5.1, SMS-4).
    fn sms(&self, text: Option<&str>, number: Option<&str>, failed: bool) -> Result<Body, ClientError> {
        let case = self.case()?;
        let name = self.store.parcel(self.waybill)?.and_then(|p| p.recipient_name.text().map(str::to_owned));
        let surname = name.and_then(|name| self.pack.surname(&name));
        let text = match text {
            Some(text) => text.to_owned(),
            None => surname
                .as_ref()
                .zip(case.reason())
                .and_then(|(surname, reason)| self.pack.sms(reason, surname, self.waybill))
                .ok_or(ClientError::Refused(Refusal::NoSmsText))?,
        };
        Ok(Body::Sms(Sms {
            level: if failed { SmsLevel::Failed } else { SmsLevel::HandedOver },
            to: self.number(number)?,
            has_surname: surname.is_some_and(|surname| text.contains(&surname)),
            has_waybill: text.contains(self.waybill.as_str()),
            text: Personal::plain(&text)?,
        }))
    }

    fn outage(
        &self,
        reason: &str,
        contact: Option<&str>,
        phone: Option<&str>,
        phoned_at: Option<i64>,
        said: Option<&str>,
    ) -> Result<Body, ClientError> {
        let case = self.attempted()?;
        let known = OutageReason::ALL.iter().map(|r| r.as_str().to_owned());
        let reason = OutageReason::from_word(reason)
            .ok_or_else(|| ClientError::Refused(Refusal::Code { given: reason.to_owned(), known: known.collect() }))?;
        Ok(Body::Outage(Outage {
            reason,
            contact: personal(contact)?,
            phone: personal(phone)?,
            phoned_at: Some(phoned_at.map_or(self.wall, UnixMs)),
            outlet: case.facts.origin_outlet.clone(),
            said: personal(said)?,
        }))
    }

    /// The target comes from data; a person's choice is allowed and flagged (domain 6.1).
    fn notice(&self, to: Option<&str>, request: Option<&str>) -> Result<Body, ClientError> {
        let case = self.attempted()?;
        let (to, source) = match (to, &case.facts.origin_outlet) {
            (Some(to), _) => (to.parse()?, TargetSource::Manual),
            (None, Some(origin)) => (origin.clone(), TargetSource::WaybillData),
            (None, None) => return Err(ClientError::Refused(Refusal::NoTarget)),
        };
        Ok(Body::Notice(Notice { to, source, request: personal(request)? }))
    }

    fn reply(
        &self,
        decision: &str,
        words: Option<&str>,
        phone: Option<&str>,
        address: Option<&str>,
    ) -> Result<Body, ClientError> {
        let case = self.attempted()?;
        if case.facts.origin_outlet.as_ref().is_some_and(|origin| *origin != self.who.author.outlet) {
            return Err(ClientError::Refused(Refusal::NotOrigin));
        }
        known(&self.pack.decisions, decision)?;
        Ok(Body::Reply(Reply {
            notice: case.of_kind(Kind::Notice).last().map(|r| r.entry.key.clone()),
            decision: decision.parse()?,
            words: personal(words)?,
            phone: personal(phone)?,
            address: personal(address)?,
        }))
    }
}
