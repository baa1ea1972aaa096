//! What lies before the person: the parcel, its case so far, the rules.

use doorstep_domain::{Body, EntryKey, Fen, Kind, Personal, Photo, PhotoPurpose, UnixMs, Waybill};
use doorstep_rules::{Case, Pack};
use doorstep_store::{CaseView, Identity, Store};

use super::details::PhotoRef;
use crate::{ClientError, Refusal};

pub(super) struct Desk<'a> {
    pub store: &'a Store,
    pub who: &'a Identity,
    pub pack: &'a Pack,
    pub waybill: &'a Waybill,
    /// The piece of a shipment that was scanned.
    pub piece: Option<Waybill>,
    pub view: Option<&'a CaseView>,
    pub wall: UnixMs,
    /// The best estimate of now.
    pub now: UnixMs,
}

pub(super) fn personal(text: Option<&str>) -> Result<Option<Personal>, ClientError> {
    Ok(text.filter(|t| !t.trim().is_empty()).map(Personal::plain).transpose()?)
}

/// Refuses a code that is in no table, with those that are.
pub(super) fn unknown<'c>(given: &str, known: impl IntoIterator<Item = &'c str>) -> ClientError {
    let known = known.into_iter().map(str::to_owned).collect();
    ClientError::Refused(Refusal::Code { given: given.to_owned(), known })
}

/// A value of one of the domain's enumerations.
macro_rules! word {
    ($type:ident, $text:expr) => {
        $type::from_word($text).ok_or_else(|| unknown($text, $type::ALL.iter().map(|value| value.as_str())))
    };
}
pub(super) use word;

/// An amount of money that somebody typed.
pub(super) fn fen(amount: Option<i64>) -> Result<Option<Fen>, ClientError> {
    match amount {
        Some(amount) if amount < 0 => Err(ClientError::Refused(Refusal::Amount)),
        amount => Ok(amount.map(Fen)),
    }
}

impl Desk<'_> {
    pub fn case(&self) -> Result<&Case, ClientError> {
        self.view.map(|view| &view.case).ok_or(ClientError::Refused(Refusal::NoCase))
    }

    /// The case, if a problem is registered in it.
    pub fn registered(&self) -> Result<&Case, ClientError> {
        let case = self.view.map(|view| &view.case).filter(|case| case.reason().is_some());
        case.ok_or(ClientError::Refused(Refusal::NoAttempt))
    }

    /// An entry of the case that the person names.
    pub fn entry(&self, text: &str) -> Result<EntryKey, ClientError> {
        let key: EntryKey = text.parse().map_err(|_| ClientError::Refused(Refusal::NoEntry { given: text.to_owned() }))?;
        let there = self.case()?.entry(&key).is_some();
        if there { Ok(key) } else { Err(ClientError::Refused(Refusal::NoEntry { given: text.to_owned() })) }
    }

    /// The key of the newest entry of a kind that stands.
    pub fn newest(&self, kind: Kind) -> Result<Option<EntryKey>, ClientError> {
        let case = self.case()?;
        Ok(case.of_kind(kind).rfind(|r| case.stands(r)).map(|r| r.entry.key.clone()))
    }

    /// The given number, or the one on the label.
    pub fn number(&self, given: Option<&str>) -> Result<Option<Personal>, ClientError> {
        match given {
            Some(number) => personal(Some(number)),
            None => Ok(self.store.parcel(self.waybill)?.and_then(|parcel| parcel.recipient_phone)),
        }
    }

    /// A result that the pack has and that fits a use of it.
    pub fn outcome(&self, code: &str, fits: fn(&doorstep_rules::OutcomeRow) -> bool) -> Result<(), ClientError> {
        match self.pack.outcome(code).filter(|row| fits(row)) {
            Some(_) => Ok(()),
            None => Err(unknown(code, self.pack.outcomes.iter().filter(|row| fits(row)).map(|row| row.code.as_str()))),
        }
    }

    pub fn photo_bodies(&self, photos: &[PhotoRef]) -> Result<Vec<Body>, ClientError> {
        let body = |photo: &PhotoRef| match &photo.entry {
            Some(entry) => Ok(Body::Photo(entry.clone())),
            None => {
                let purpose = PhotoPurpose::from_word(&photo.shows).unwrap_or(PhotoPurpose::Other);
                Ok(Body::Photo(Photo::of(photo.sha.parse()?, photo.len, purpose)))
            }
        };
        photos.iter().map(body).collect()
    }
}
