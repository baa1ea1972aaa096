//! The client of a folder, as an object of the host.

use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use doorstep_client::{AttemptDetails, Client, Command, Filter, NewPhoto, Options};
use doorstep_domain::PhotoPurpose;

use crate::{CaseSummary, ChangeListener, DoorstepError, Explained, Recorded, Subscription, SyncSummary, listen, runtime::run};

/// Folders that are open in this process. Two clients on one folder would sync twice and miss each other's changes.
static OPEN: Mutex<Option<HashMap<PathBuf, Weak<DoorstepClient>>>> = Mutex::new(None);

/// Past what the client takes as a photo: a video picked by mistake is refused by the client, not by the phone's memory.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// A field client on one folder.
#[derive(uniffi::Object)]
pub struct DoorstepClient {
    pub(crate) client: Client,
}

/// Opens or creates the store in a folder. The same folder gives the same client for as long as any part of the process
/// holds it. Touches no network.
#[uniffi::export]
pub fn open_client(folder: String) -> Result<Arc<DoorstepClient>, DoorstepError> {
    let folder = one_spelling(Path::new(&folder));
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let open = open.get_or_insert_default();
    if let Some(client) = open.get(&folder).and_then(Weak::upgrade) {
        return Ok(client);
    }
    let client = Arc::new(DoorstepClient { client: Client::open(&folder, Options::default())? });
    open.retain(|_, client| client.strong_count() > 0);
    open.insert(folder, Arc::downgrade(&client));
    Ok(client)
}

/// The folder without links and relative parts. It is made first, because only what exists has one; if that fails, opening
/// says why.
fn one_spelling(folder: &Path) -> PathBuf {
    std::fs::create_dir_all(folder).ok();
    std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

#[uniffi::export]
impl DoorstepClient {
    /// Records a failed delivery: durable on this device when it returns, sent by the next sync. Blocks on local storage.
    ///
    /// `reason` and `sub` are codes of the rule pack; photos are given as files and count as photos of the door.
    pub fn record_failure(
        &self,
        waybill: String,
        reason: String,
        sub: Option<String>,
        words: Option<String>,
        photo_paths: Vec<String>,
    ) -> Result<Recorded, DoorstepError> {
        let photo = |path: &String| {
            let mut bytes = Vec::new();
            let read = File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
            read.map_err(|_| DoorstepError::photo_file())?;
            Ok(NewPhoto::new(bytes, PhotoPurpose::Door))
        };
        let photos = photo_paths.iter().map(photo).collect::<Result<Vec<_>, DoorstepError>>()?;
        let command = Command::Fail { waybill, reason, sub, words, photos: Vec::new(), details: AttemptDetails::default() };
        let outcome = self.client.record(&command, &photos)?;
        outcome.cases.into_iter().next().map(Recorded::from).ok_or_else(DoorstepError::internal)
    }

    /// Lists cases by next deadline, at most 200. Blocks on local storage.
    pub fn cases(&self, include_closed: bool) -> Result<Vec<CaseSummary>, DoorstepError> {
        let rows = self.client.cases(&Filter { closed: include_closed, ..Filter::default() })?;
        Ok(rows.into_iter().map(CaseSummary::from).collect())
    }

    /// Why a case stands as it does: for each deadline, missing evidence, finding and contradiction the chain of facts and the rule
    /// behind it. Empty if nothing is recorded of the waybill here. Blocks on local storage; works without a network.
    pub fn explain(&self, waybill: String) -> Result<Vec<Explained>, DoorstepError> {
        let told = self.client.explain(&waybill)?.unwrap_or_default();
        Ok(told.into_iter().map(Explained::from).collect())
    }

    /// Sends what is unsent, fetches what is new, uploads photos; one at a time, whoever asks. Runs on our own threads.
    /// Cancelling the call lets the sync finish by itself; stopping the process in between loses nothing.
    pub async fn sync(self: Arc<Self>) -> Result<SyncSummary, DoorstepError> {
        // The work holds the object, so that the folder counts as open until it is done.
        let report = run(async move { self.client.sync().await }).await?;
        Ok(report.into())
    }

    /// Calls the listener after every change that a screen should show: something recorded here, something synced. Many
    /// changes in a row may be one call.
    pub fn listen(self: Arc<Self>, listener: Arc<dyn ChangeListener>) -> Result<Arc<Subscription>, DoorstepError> {
        listen::listen(self, listener)
    }
}
