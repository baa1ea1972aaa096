//! Photos: looked at before they are recorded, what has become of them, and how others' get here. Always as files: no bytes of
//! a photo cross the boundary.

use std::{path::Path, sync::Arc};

use doorstep_client::{Hold, PhotoStanding, PhotoStatus};

use crate::{Bilingual, Cancel, DoorstepClient, DoorstepError, attempts::read_file, words::named};

/// What the app should know of a picture before it shows it as taken.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PhotoLook {
    /// Why it would not count as evidence; ask for another picture. Absent: it is clear.
    pub retake: Option<Bilingual>,
    /// When it was taken, if its camera says so.
    pub taken_at_ms: Option<i64>,
}

/// A photo of this device.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PhotoRow {
    /// Its id: SHA-256.
    pub photo: String,
    /// Bytes.
    pub len: i64,
    /// When it was recorded.
    pub recorded_at_ms: i64,
    /// What has become of it.
    pub standing: PhotoState,
}

/// What has become of a photo of this device.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum PhotoState {
    /// The entry that names it is not accepted yet; it goes after that.
    EntryFirst,
    /// It goes with the next sync.
    Ready,
    /// It waits for an unmetered network, until the given time if there is one.
    HeldMetered {
        /// From then on it goes over a metered network too.
        until_ms: Option<i64>,
    },
    /// It waits for the home network.
    HeldRoaming,
    /// It waits for more battery, or for a charger.
    HeldBattery,
    /// The day's bytes over a metered network are used up.
    HeldDayUsed,
    /// Part of it is at the server.
    Sending {
        /// Bytes there.
        sent: i64,
    },
    /// Its file is not on this device. It is looked for at each sync and sent when it is back.
    Missing {
        /// When its file was first not there.
        since_ms: i64,
        /// When it is called lost.
        lost_at_ms: i64,
    },
    /// The server will not take it, or its file can not be read: a person must look.
    Refused {
        /// The server's code, or `unreadable`.
        code: String,
    },
    /// At the server, verified.
    Stored,
    /// Its file is gone from this device, and the server does not have it.
    Lost,
    /// Its file holds other bytes than were recorded.
    Void,
    /// At the server; the file was deleted here after its retention.
    LetGo,
    /// Head office has discarded the entry that names it; the file is kept.
    Discarded,
}

#[uniffi::export]
impl DoorstepClient {
    /// Looks at a picture before it is recorded: too blurred, dark or bright to count, or no picture at all.
    pub async fn look_at_photo(&self, path: String) -> Result<PhotoLook, DoorstepError> {
        self.local(move |client| {
            let bytes = read_file(&path).map_err(|_| DoorstepError::photo_to_look_at())?;
            let (look, pack) = (client.look_at(&bytes)?, client.pack()?);
            let retake = look.retake.map(|unclear| named(pack.as_ref(), unclear.as_str()));
            Ok(PhotoLook { retake, taken_at_ms: look.capture.at.map(|at| at.0) })
        })
        .await
    }

    /// Fails if there is no room for a photo: ask before the camera opens.
    pub async fn has_room_for_photo(&self) -> Result<(), DoorstepError> {
        self.local(|client| Ok(client.has_room_for_photo()?)).await
    }

    /// What has become of this device's photos: those that are not settled, and why; `all`: the settled ones too.
    #[uniffi::method(default(all = false))]
    pub async fn photos(&self, all: bool) -> Result<Vec<PhotoRow>, DoorstepError> {
        self.local(move |client| Ok(client.photos(all)?.into_iter().map(PhotoRow::from).collect())).await
    }

    /// A person wants the waiting photos sent now, whatever the network costs.
    pub async fn send_photos_now(&self) -> Result<(), DoorstepError> {
        self.local(|client| Ok(client.send_photos_now()?)).await
    }

    /// A person knows that the file of a missing photo does not come back: head office is told at the next sync. False: it is not
    /// waiting, or its file is here.
    pub async fn photo_is_lost(&self, photo: String) -> Result<bool, DoorstepError> {
        let id = photo.parse().map_err(|_| DoorstepError::photo_id())?;
        self.local(move |client| Ok(client.photo_is_lost(id)?)).await
    }

    /// Writes a photo or thumbnail to a file: from this device, or fetched now. False: it is not at the server yet, or not for this
    /// device to see, and no file is written.
    #[uniffi::method(default(cancel = None))]
    pub async fn photo_to_file(
        self: Arc<Self>,
        photo: String,
        path: String,
        cancel: Option<Arc<Cancel>>,
    ) -> Result<bool, DoorstepError> {
        let id = photo.parse().map_err(|_| DoorstepError::photo_id())?;
        let bytes = self.remote(cancel, move |client| async move { client.photo(id).await }).await?;
        let Some(bytes) = bytes else { return Ok(false) };
        crate::runtime::blocking(move || {
            // Whole or not at all: a viewer must not see half a picture.
            let partial = format!("{path}.partial");
            let written = std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, Path::new(&path)));
            written.map(|()| true).map_err(|_| DoorstepError::write_file())
        })
        .await
    }
}

impl From<PhotoStatus> for PhotoRow {
    fn from(status: PhotoStatus) -> Self {
        let standing = match status.standing {
            PhotoStanding::EntryFirst => PhotoState::EntryFirst,
            PhotoStanding::Ready => PhotoState::Ready,
            PhotoStanding::Held { hold: Hold::Metered(until) } => PhotoState::HeldMetered { until_ms: until.map(|at| at.0) },
            PhotoStanding::Held { hold: Hold::Roaming } => PhotoState::HeldRoaming,
            PhotoStanding::Held { hold: Hold::Battery } => PhotoState::HeldBattery,
            PhotoStanding::Held { hold: Hold::DayUsed } => PhotoState::HeldDayUsed,
            PhotoStanding::Sending { sent } => PhotoState::Sending { sent: i64::try_from(sent).unwrap_or(i64::MAX) },
            PhotoStanding::Missing { since, lost_at } => PhotoState::Missing { since_ms: since.0, lost_at_ms: lost_at.0 },
            PhotoStanding::Refused { code } => PhotoState::Refused { code },
            PhotoStanding::Stored => PhotoState::Stored,
            PhotoStanding::Lost => PhotoState::Lost,
            PhotoStanding::Void => PhotoState::Void,
            PhotoStanding::LetGo => PhotoState::LetGo,
            PhotoStanding::Discarded => PhotoState::Discarded,
        };
        let len = i64::try_from(status.len).unwrap_or(i64::MAX);
        Self { photo: status.photo.to_string(), len, recorded_at_ms: status.recorded_at.0, standing }
    }
}
