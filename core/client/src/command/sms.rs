//! Builds SMS to customers from the parcel's data.

use doorstep_domain::{
    Attempt, Body, CaseId, EntryKey, Kind, Number, Parcel, Personal, Recorded, Sms, SmsFault, SmsReport, SmsState, SmsWay,
    is_marked, mobile_mark,
};
use doorstep_rules::{
    SmsLack,
    sms::{Fields, Honorific, Language, NoNumber, Numbers, Rendered, Segments, render},
};
use doorstep_store::SmsWish;
use serde::Serialize;

use super::{context::Context, said::unknown};
use crate::{ClientError, Refusal};

/// An SMS as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SmsPreview {
    /// The text, without the operator's signature.
    pub text: Personal,
    /// The operator's signature before it.
    pub signature: String,
    /// The number, masked.
    pub number: String,
    /// The template and its version; `None` for a person's own words.
    pub template: Option<(String, u32)>,
    /// Its segments, with the operator's signature.
    pub segments: Segments,
    /// What it would lack to count for the day if it were sent now.
    pub lacks: Vec<SmsLack>,
}

impl Context<'_> {
    /// The newest standing failed delivery.
    fn attempt(&self) -> Result<Option<(&Recorded, &Attempt)>, ClientError> {
        let case = self.case()?;
        Ok(case.of_kind(Kind::Attempt).rev().filter(|recorded| case.stands(recorded)).find_map(|recorded| {
            match &recorded.entry.body {
                Body::Attempt(attempt) => Some((recorded, attempt)),
                _ => None,
            }
        }))
    }

    fn rendered(&self, wish: &SmsWish) -> Result<Rendered, ClientError> {
        let language = wish.language.unwrap_or(Language::Zh);
        let honorific = wish.honorific.unwrap_or(Honorific::Unknown);
        let parcel = self.store.parcel(self.waybill)?;
        let outlet = self.store.outlet(self.who.author.outlet.as_str())?;
        let outlet = outlet.map(|outlet| doorstep_rules::Words { zh: outlet.name_zh, en: outlet.name_en });
        let fields = Fields {
            waybill: self.waybill,
            name: parcel.as_ref().and_then(|parcel| parcel.recipient_name.text()),
            honorific,
            reason: self.case()?.reason(),
            callback: wish.callback.as_ref().and_then(Personal::text),
            outlet: outlet.as_ref(),
            at: self.attempt()?.map_or(self.now, |(recorded, _)| recorded.acted_at()),
        };
        let template = self.pack.sms_template().ok_or(ClientError::Refused(Refusal::NoPack))?;
        render(self.pack, template, language, &fields).map_err(|fault| ClientError::Refused(Refusal::Template(fault)))
    }

    /// The given number, or the one that the rules choose. A message that has left already may have gone to a number that has ended
    /// since.
    fn recipient(&self, given: Option<&Personal>, has_left: bool) -> Result<Personal, ClientError> {
        let parcel = self.store.parcel(self.waybill)?;
        if let Some(number) = given {
            let is_ended = |number: &str| parcel.as_ref().is_some_and(|parcel| parcel.is_ended_number(number, self.now));
            return match Number::for_sms_of(number) {
                Ok(_) if !has_left && number.text().is_some_and(is_ended) => Err(ClientError::Refused(Refusal::NumberEnded)),
                Ok(_) => Ok(number.clone()),
                Err(fault) => Err(ClientError::Refused(Refusal::NumberUnusable(fault))),
            };
        }
        let numbers = Numbers::of(self.case()?, self.book, self.now);
        numbers.by_default(parcel.as_ref(), self.now).cloned().map_err(|lack| {
            ClientError::Refused(match lack {
                NoNumber::None => Refusal::NoNumber,
                NoNumber::Ended => Refusal::NumberEnded,
                NoNumber::Unusable(fault) => Refusal::NumberUnusable(fault),
                NoNumber::Wrong => Refusal::NumberWrong,
            })
        })
    }

    /// The message of a wish, or why there can be none. Preview and recording use it, so both know the same reasons. `state`: how far
    /// the message got, if the person reports it.
    fn message(&self, wish: &SmsWish, state: Option<SmsState>) -> Result<(Sms, Option<Rendered>), ClientError> {
        if self.judged().is_some_and(|judged| judged.messages.iter().any(|message| message.opt_out)) {
            return Err(ClientError::Refused(Refusal::OptedOut));
        }
        let network = self.pack.network.parse()?;
        let case = CaseId::of(&network, self.waybill);
        let to = self.recipient(wish.number.as_ref(), state.is_some())?;
        let mark = mobile_mark(&case, &to).ok_or(ClientError::Refused(Refusal::NoNumber))?;
        let attempt = self.attempt()?;
        let rendered = match &wish.text {
            Some(_) => None,
            None => Some(self.rendered(wish)?),
        };
        let own = wish.text.as_ref().map(|text| text.text().unwrap_or_default());
        let text = own.or(rendered.as_ref().map(|rendered| rendered.text.as_str())).unwrap_or_default();
        let parcel = self.store.parcel(self.waybill)?;
        let surname = parcel.as_ref().and_then(|parcel| self.pack.surname(parcel.recipient_name.text()?));
        let at = attempt.map_or(self.now, |(recorded, _)| recorded.acted_at());
        let sms = Sms {
            attempt: attempt.map(|(recorded, _)| recorded.entry.key.clone()),
            day: self.pack.day(at).ok_or(ClientError::Internal("a time outside of the calendar"))?,
            template: rendered.as_ref().map(|rendered| rendered.template.parse()).transpose()?,
            template_version: rendered.as_ref().map_or(0, |rendered| rendered.version),
            to,
            mark,
            digest: Sms::digest_of(text),
            has_surname: surname.is_some_and(|surname| text.contains(&surname)),
            has_waybill: text.contains(self.waybill.as_str()),
            text: Personal::plain(text)?,
        };
        Ok((sms, rendered))
    }

    /// An SMS, queued or with the state that the person reports.
    pub fn sms(&self, wish: &SmsWish, state: Option<SmsState>, fault: Option<SmsFault>) -> Result<Vec<Body>, ClientError> {
        let (sms, _) = self.message(wish, state)?;
        let Some(state) = state else { return Ok(vec![Body::Sms(sms)]) };
        if !matches!(state, SmsState::HandedOver | SmsState::Failed) {
            return Err(unknown(state.as_str(), [SmsState::HandedOver.as_str(), SmsState::Failed.as_str()]));
        }
        let network = self.pack.network.parse()?;
        let of = self.store.next_key(&network, self.waybill, Kind::Sms.as_str(), Some(0))?;
        if sms.attempt.as_ref().is_some_and(|attempt| attempt.tag != of.tag) && state.has_left() {
            return Err(ClientError::Refused(Refusal::SmsNotYours));
        }
        Ok(vec![Body::Sms(sms), Body::SmsReport(report(of, state, 0, fault))])
    }

    /// A report on an SMS.
    pub fn sms_report(&self, report: &SmsReport) -> Result<Body, ClientError> {
        self.has(&report.of)?;
        Ok(Body::SmsReport(report.clone()))
    }

    /// The SMS as it would be sent.
    pub fn preview(&self, wish: &SmsWish) -> Result<SmsPreview, ClientError> {
        let (sms, rendered) = self.message(wish, None)?;
        let parcel = self.store.parcel(self.waybill)?;
        let facts = &self.case()?.facts;
        let numbers = Numbers::of(self.case()?, self.book, self.now);
        let labels = [facts.mobile, facts.virtual_mobile, self.label_mark(parcel.as_ref())?];
        let case = CaseId::of(&self.pack.network.parse()?, self.waybill);
        let is_labels = labels.iter().flatten().any(|mark| is_marked(&case, &sms.to, mark));
        let lacks = [
            (sms.template.is_none(), SmsLack::TemplateInactive),
            (!sms.has_surname, SmsLack::NoSurname),
            (!sms.has_waybill, SmsLack::NoWaybill),
            (!is_labels && !numbers.is_given(&sms.mark), SmsLack::OtherNumber),
            (numbers.is_wrong(&sms.to), SmsLack::NumberWrong),
            (sms.attempt.is_none(), SmsLack::NoAttempt),
            (self.pack.day(self.now) != Some(sms.day), SmsLack::OtherDay),
        ];
        let text = sms.text.text().unwrap_or_default();
        let signature = self.pack.sms.signature.clone();
        Ok(SmsPreview {
            number: sms.to.masked_number(),
            template: rendered.as_ref().map(|rendered| (rendered.template.clone(), rendered.version)),
            segments: rendered.map_or_else(|| Segments::signed(&signature, text), |rendered| rendered.segments),
            lacks: lacks.into_iter().filter(|(holds, _)| *holds).map(|(_, lack)| lack).collect(),
            signature,
            text: sms.text,
        })
    }

    fn label_mark(&self, parcel: Option<&Parcel>) -> Result<Option<[u8; 8]>, ClientError> {
        let case = CaseId::of(&self.pack.network.parse()?, self.waybill);
        Ok(parcel.and_then(|parcel| mobile_mark(&case, parcel.recipient_phone.as_ref()?)))
    }
}

/// This phone's report on an SMS.
pub(crate) fn report(of: EntryKey, state: SmsState, round: u32, fault: Option<SmsFault>) -> SmsReport {
    SmsReport { of, state, round, way: SmsWay::Phone, holder: None, fault, at: None, words: None }
}
