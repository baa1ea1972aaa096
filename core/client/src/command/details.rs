//! What a command says beside its verb: details, photos, the wish for an SMS.

use doorstep_domain::{GeoPosition, Photo, PhotoId, PhotoPurpose};
use serde::{Deserialize, Serialize};

/// What an SMS is to say, and where it goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsWish {
    /// A spelling of [`doorstep_rules::sms::Language`]; without one, Chinese.
    pub language: Option<String>,
    /// A spelling of [`doorstep_rules::sms::Honorific`]; without one, the neutral form.
    pub honorific: Option<String>,
    /// The number under which the courier is reached.
    pub callback: Option<String>,
    /// The number; without one the one that reaches the recipient now.
    pub number: Option<String>,
    /// The person's own words instead of the template's: they prove nothing.
    pub text: Option<String>,
}

/// What else there is to say of a failed delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptDetails {
    /// What the recipient would pay, in fen.
    pub offered_fen: Option<i64>,
    /// The time agreed for another delivery, by the wall clock, milliseconds since 1970.
    pub agreed_at: Option<i64>,
    /// How long the courier waited, in minutes.
    pub waited_minutes: Option<u32>,
}

/// What else there is to say of a problem.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemDetails {
    /// When it was found, by the wall clock, milliseconds since 1970; without one, now.
    pub found_at: Option<i64>,
    /// How many items or pieces it concerns.
    pub count: Option<u32>,
    /// The other parcel's waybill.
    pub other: Option<String>,
    /// Weight on the scale, in grams.
    pub weight_g: Option<u32>,
    /// Weight on the label, in grams.
    pub label_g: Option<u32>,
}

/// What else a reply says (domain 6.4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyDetails {
    /// Contact person.
    pub contact: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// The label's data are right.
    pub same: bool,
    /// On which day, or until when, by the wall clock, milliseconds since 1970.
    pub until: Option<i64>,
    /// Where the recipient collects it.
    pub place: Option<String>,
    /// The recipient has been told.
    pub informed: bool,
    /// Who agreed: a spelling of [`doorstep_domain::Customer`].
    pub agreed_by: Option<String>,
    /// The name of who agreed.
    pub agreed: Option<String>,
    /// Who pays: a spelling of [`doorstep_domain::Payer`].
    pub payer: Option<String>,
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
    /// All that its entry will say; filled in by [`crate::Client::record`], and too long for a journal.
    #[serde(skip)]
    pub entry: Option<Photo>,
}

impl PhotoRef {
    /// The reference of an entry that is about to be recorded.
    pub(crate) fn of(photo: &Photo) -> Self {
        let (sha, len, shows) = (photo.id.to_string(), photo.len, photo.purpose.as_str().to_owned());
        Self { sha, len, shows, entry: Some(photo.clone()) }
    }
}

/// A photo to be recorded.
#[derive(Debug, Clone)]
pub struct NewPhoto {
    /// The camera's file: JPEG or PNG.
    pub bytes: Vec<u8>,
    /// What it shows.
    pub shows: PhotoPurpose,
    /// The photo that this one was made from by drawing on it or cutting it.
    pub original: Option<PhotoId>,
    /// Where the device was, if the app may know. What the camera itself wrote comes first.
    pub position: Option<GeoPosition>,
}

impl NewPhoto {
    /// A picture as the camera made it.
    pub fn new(bytes: Vec<u8>, shows: PhotoPurpose) -> Self {
        Self { bytes, shows, original: None, position: None }
    }
}
