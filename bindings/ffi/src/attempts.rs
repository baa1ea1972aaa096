//! What a person does at the door and at the desk: one command, durable on this device when the call returns.

use std::{fs::File, io::Read};

use doorstep_client::{CaseView, NewPhoto as Picture};
use doorstep_domain::{GeoPosition, PhotoPurpose, PhotoSource};

use crate::{
    Bilingual, Command, DoorstepClient, DoorstepError,
    logging::{self, Level},
};

/// Past what the client takes as a photo: a video picked by mistake is refused by the client, not by the phone's memory.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// A photo to be recorded, as a file: JPEG or PNG. It is copied, made small and upright; the file stays the app's.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PhotoFile {
    /// Where it is.
    pub path: String,
    /// What it shows.
    #[uniffi(default = None)]
    pub shows: Option<PhotoShows>,
    /// The photo that this one was made from by drawing on it or cutting it: its id.
    #[uniffi(default = None)]
    pub original: Option<String>,
    /// Whether the app's own camera took it for this record; `false`: a person chose it from the phone's pictures; absent: not
    /// known. A reviewer sees it.
    #[uniffi(default = None)]
    pub taken_in_app: Option<bool>,
}

/// What a photo shows. Without one, the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PhotoShows {
    /// The label.
    Label,
    /// The door, or the notice left there.
    Door,
    /// Closed premises.
    ClosedPremises,
    /// Outside of a damaged parcel.
    DamageOutside,
    /// Inside of a damaged parcel, or polluted goods.
    DamageInside,
    /// The parcel on the scale, display and label readable.
    Scale,
    /// The parcel whose liquid did it.
    PollutionSource,
    /// A confirmation letter with stamp and signature.
    Letter,
    /// The mark or header as it was written anew with the marker pen.
    Mark,
    /// The label of a transfer or return.
    TransferLabel,
    /// Anything else.
    Other,
}

/// A case as it stands after something was recorded: on this device, not sent yet.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Recorded {
    /// The waybill in its one spelling.
    pub waybill: String,
    /// Where the case stands.
    pub state: String,
    /// What is next.
    pub next_step: String,
    /// The earliest running deadline.
    pub due_at_ms: Option<i64>,
    /// Evidence that is missing.
    pub missing: Vec<Bilingual>,
    /// Whether this device had heard head office since it was started. If not, say so: the record counts, but its time can not be
    /// proven, and a person looks at what rests on it.
    pub times_proven: bool,
}

#[uniffi::export]
impl DoorstepClient {
    /// Records what a person did, with photos: durable on this device when it returns, sent by the next sync. Nothing is recorded if
    /// the rules refuse it or a photo can not be used. With `anyway` the person insists on what is refused as `reply_lacks`,
    /// `outage_lacks`, `against_reply` or `cod_not_handed_in`. Returns the cases it concerns, in the command's order.
    #[uniffi::method(default(photos = [], anyway = false))]
    pub async fn record(&self, command: Command, photos: Vec<PhotoFile>, anyway: bool) -> Result<Vec<Recorded>, DoorstepError> {
        let opening = self.opening.clone();
        self.local(move |client| {
            // A host that does not know where it is, or fails to say so, keeps nobody from recording.
            let place = opening.location.as_ref().filter(|_| !photos.is_empty()).and_then(|host| host.position().ok().flatten());
            let place = place.and_then(|position| position.on_earth());
            let pictures = photos.iter().map(|photo| picture(photo, place)).collect::<Result<Vec<_>, _>>()?;
            let recording = command.recording(client)?;
            let outcome =
                if anyway { client.record_anyway(&recording, &pictures)? } else { client.record(&recording, &pictures)? };
            let counts = [("cases", outcome.cases.len() as u64), ("photos", pictures.len() as u64)];
            logging::log(Level::Info, "doorstep::attempts", "recorded", &counts.map(|(name, count)| (name, count.into())));
            Ok(outcome.cases.into_iter().map(|view| Recorded::of(view, outcome.times_proven)).collect())
        })
        .await
    }

    /// A provisional number for a parcel whose label can not be read. It is unique without asking anybody.
    pub async fn provisional_number(&self) -> Result<String, DoorstepError> {
        self.local(|client| Ok(client.provisional_number()?)).await
    }
}

/// Reads a photo's file.
pub(crate) fn read_file(path: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn picture(photo: &PhotoFile, position: Option<GeoPosition>) -> Result<Picture, DoorstepError> {
    let original = photo.original.as_deref().map(str::parse).transpose().map_err(|_| DoorstepError::photo_id())?;
    let shows = photo.shows.unwrap_or(PhotoShows::Door).into();
    let source = photo.taken_in_app.map(|in_app| if in_app { PhotoSource::Camera } else { PhotoSource::Gallery });
    let bytes = read_file(&photo.path).map_err(|_| DoorstepError::photo_file())?;
    Ok(Picture { original, position, source, ..Picture::new(bytes, shows) })
}

impl From<PhotoShows> for PhotoPurpose {
    fn from(shows: PhotoShows) -> Self {
        match shows {
            PhotoShows::Label => Self::Label,
            PhotoShows::Door => Self::Door,
            PhotoShows::ClosedPremises => Self::ClosedPremises,
            PhotoShows::DamageOutside => Self::DamageOutside,
            PhotoShows::DamageInside => Self::DamageInside,
            PhotoShows::Scale => Self::Scale,
            PhotoShows::PollutionSource => Self::PollutionSource,
            PhotoShows::Letter => Self::Letter,
            PhotoShows::Mark => Self::Mark,
            PhotoShows::TransferLabel => Self::TransferLabel,
            PhotoShows::Other => Self::Other,
        }
    }
}

impl Recorded {
    fn of(view: CaseView, times_proven: bool) -> Self {
        Self {
            waybill: view.case.facts.waybill.as_str().to_owned(),
            state: view.judgement.state.as_str().to_owned(),
            next_step: view.judgement.next_step.as_str().to_owned(),
            due_at_ms: view.judgement.next_due().map(|due| due.0),
            missing: view.judgement.missing.into_iter().map(|gap| gap.name.into()).collect(),
            times_proven,
        }
    }
}
