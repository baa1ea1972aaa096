//! What every handler needs.

use std::sync::Arc;

use doorstep_gateway::Webhooks;
use doorstep_protocol::Version;
use tokio::sync::Notify;

use crate::{
    clock::NowFn,
    contact::Passing,
    in_flight::InFlight,
    keys::Keys,
    live::Live,
    packs::Rules,
    photos::{Storage, Uploading},
    sms,
    store::db::Db,
    strangers::Strangers,
};

/// What every handler needs. Nothing here is about a device or a case.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    pub now: NowFn,
    pub keys: Keys,
    /// The rules, in all their versions.
    pub rules: Rules,
    /// The versions of the protocol that are spoken.
    pub versions: &'static [Version],
    pub console_token: Arc<str>,
    /// Requests that gave their device no time.
    pub passing: Passing,
    /// Bodies that are being taken or given.
    pub in_flight: Arc<InFlight>,
    /// Streams of hints.
    pub streams: Arc<InFlight>,
    /// Bodies without a token.
    pub strangers: Arc<Strangers>,
    /// Where photos' bytes are.
    pub storage: Storage,
    /// Which request for an upload goes on with it.
    pub uploading: Arc<Uploading>,
    /// Woken after each accepted push: something is to be projected.
    pub to_project: Arc<Notify>,
    /// Told after each write that may have published to a feed.
    pub live: Arc<Live>,
    /// What sends SMS.
    pub sms: Option<Arc<sms::Gateway>>,
    /// How its provider calls back.
    pub webhooks: Option<Arc<Webhooks>>,
    /// Told when a device has proven a loss and [`crate::copy::note_loss`] is durable: the server then ends and waits for a word.
    pub loss: Arc<Notify>,
}
