//! Staying in step with head office: once when asked, or by itself; and what is unsent.

use std::sync::Arc;

use doorstep_client::{CaseNews, Status, SyncReport};

use crate::{
    Bilingual, Cancel, DoorstepClient, DoorstepError,
    logging::{self, Level},
};

/// What a sync did.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SyncSummary {
    /// Requests made.
    pub requests: u32,
    /// Bytes of request bodies.
    pub sent_bytes: i64,
    /// Bytes of response bodies.
    pub received_bytes: i64,
    /// Photos that the server has taken.
    pub photos: u32,
    /// Head office has revoked this device: what it recorded was delivered for review, nothing is read any more.
    pub revoked: bool,
    /// Head office has ordered this device to be wiped, and it was: its keys first, then all that it kept. Nobody is enrolled any
    /// more; shut the client down and begin anew.
    pub wiped: bool,
    /// The disk is full: what is recorded was sent; others' changes, lists and photos wait until there is room.
    pub waits_for_room: bool,
}

/// What is new in one case.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewsRow {
    /// Its waybill.
    pub waybill: String,
    /// What is new.
    pub told: Bilingual,
}

/// What this device has that head office has not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UnsentSummary {
    /// Actions, oldest first.
    pub actions: Vec<UnsentAction>,
    /// Actions that the server refused, kept on both sides.
    pub refused: Vec<RefusedAction>,
    /// Photos whose bytes the server does not have.
    pub photos: u32,
    /// Their bytes.
    pub photo_bytes: i64,
    /// Photos that can not be delivered any more.
    pub photos_lost: u32,
    /// Head office has revoked this device.
    pub revoked: bool,
    /// Last answer of the server, by its clock.
    pub last_answer_ms: Option<i64>,
    /// Whether this device has heard head office since it was started. Until then times can not be proven: say so, and that what is
    /// recorded counts all the same.
    pub times_proven: bool,
    /// The disk is full: what is recorded is sent; others' changes, lists and photos wait until there is room. Tell the person to
    /// free some space.
    pub waits_for_room: bool,
}

/// One action that the server has not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct UnsentAction {
    /// Its parcel.
    pub waybill: String,
    /// What was done: `fail`, `photos`, `reply`, ...
    pub what: String,
    /// When, by the best estimate of then: head office's clock if this device knew it.
    pub recorded_at_ms: i64,
    /// Whether it is on its way and no answer has come back.
    pub sent: bool,
}

/// One action that the server refused.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RefusedAction {
    /// Its parcel.
    pub waybill: String,
    /// What was done.
    pub what: String,
    /// Why: a code.
    pub reason: String,
    /// Whether head office has decided that it stays out.
    pub discarded: bool,
}

#[uniffi::export]
impl DoorstepClient {
    /// Sends what is unsent, fetches what is new, uploads photos; one at a time, for all callers. Cancelled, or ended with the
    /// process, it loses nothing: what is unsent is the store's knowledge.
    #[uniffi::method(default(cancel = None))]
    pub async fn sync(self: Arc<Self>, cancel: Option<Arc<Cancel>>) -> Result<SyncSummary, DoorstepError> {
        self.clone().look_around().await?;
        let report = self.remote(cancel, |client| async move { client.sync().await }).await?;
        let counts = [("requests", report.requests), ("sent", report.sent_bytes), ("received", report.received_bytes)];
        logging::log(Level::Info, "doorstep::sync", "synced", &counts.map(|(name, count)| (name, count.into())));
        Ok(report.into())
    }

    /// Keeps this device in sync by itself until it is stopped or shut down: at once when something was recorded or the network came
    /// back, else by the engine's own timer. With `hints`, also when the server says that something moved: for a tablet on
    /// a desk; a phone holds no connection open. Failures are waited out, and shown by `unsent`.
    #[uniffi::method(default(hints = false))]
    pub fn keep_in_sync(&self, hints: bool) -> Result<(), DoorstepError> {
        self.keep(Some(hints))
    }

    /// Ends keeping in sync.
    pub fn stop_keeping_in_sync(&self) -> Result<(), DoorstepError> {
        self.keep(None)
    }

    /// The platform says that network, cellular service or power changed: what waited for that is tried now.
    pub async fn connectivity_changed(self: Arc<Self>) -> Result<(), DoorstepError> {
        self.clone().look_around().await?;
        self.local(|client| {
            client.connected();
            Ok(())
        })
        .await
    }

    /// What is new in the list since this was asked last, case by case. The first call after opening has nothing to compare with and
    /// answers with nothing: ask once after opening, and then after each change.
    pub async fn news(&self) -> Result<Vec<NewsRow>, DoorstepError> {
        let row = |CaseNews { waybill, told }: CaseNews| NewsRow { waybill, told: told.into() };
        self.local(move |client| Ok(client.news()?.into_iter().map(row).collect())).await
    }

    /// What is unsent.
    pub async fn unsent(&self) -> Result<UnsentSummary, DoorstepError> {
        self.local(|client| Ok(UnsentSummary::of(client.status()?, client.times_proven()?))).await
    }
}

impl DoorstepClient {
    /// Asks the platform what network and power are like. One that fails to say so is taken as it was.
    async fn look_around(self: Arc<Self>) -> Result<(), DoorstepError> {
        let Some(host) = self.opening.connectivity.clone() else { return Ok(()) };
        self.local(move |client| {
            host.surroundings().map(|now| client.set_conditions(now.into())).ok();
            Ok(())
        })
        .await
    }
}

impl From<SyncReport> for SyncSummary {
    /// Signed or short numbers: Java has no unsigned 64-bit ones.
    fn from(report: SyncReport) -> Self {
        Self {
            requests: report.requests.try_into().unwrap_or(u32::MAX),
            sent_bytes: report.sent_bytes.try_into().unwrap_or(i64::MAX),
            received_bytes: report.received_bytes.try_into().unwrap_or(i64::MAX),
            photos: report.photos.try_into().unwrap_or(u32::MAX),
            revoked: report.revoked,
            wiped: report.wiped,
            waits_for_room: report.waits_for_room,
        }
    }
}

impl UnsentSummary {
    fn of(status: Status, times_proven: bool) -> Self {
        let actions = status.unsent.into_iter().map(|intent| UnsentAction {
            waybill: intent.waybill,
            what: intent.what,
            recorded_at_ms: intent.recorded_at.0,
            sent: intent.sent,
        });
        let refused = status.refused.into_iter().map(|intent| RefusedAction {
            waybill: intent.waybill,
            what: intent.what,
            reason: intent.reason.to_string(),
            discarded: intent.discarded,
        });
        Self {
            actions: actions.collect(),
            refused: refused.collect(),
            photos: status.photos,
            photo_bytes: i64::try_from(status.photo_bytes).unwrap_or(i64::MAX),
            photos_lost: status.photos_lost,
            revoked: status.revoked,
            last_answer_ms: status.last_answer.map(|at| at.0),
            times_proven,
            waits_for_room: status.waits_for_room,
        }
    }
}
