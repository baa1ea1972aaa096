//! The state that every handler shares.

use std::sync::Arc;

use doorstep_gateway::Webhooks;
use doorstep_protocol::Version;
use tokio::sync::Notify;

use crate::{
    clock::NowFn,
    contact::Passing,
    guesses::Guesses,
    in_flight::InFlight,
    keys::Keys,
    live::Live,
    metrics::Metrics,
    packs::Rules,
    photos::{Storage, Uploading},
    sms,
    store::db::Db,
    strangers::Strangers,
    verifier::Verifier,
};

/// The state that every handler shares. It holds nothing about a single device or case.
#[derive(Clone)]
pub(crate) struct App {
    pub db: Db,
    /// Reads and verifies batches.
    pub verifier: Verifier,
    pub now: NowFn,
    pub keys: Keys,
    /// The rules in all their versions.
    pub rules: Rules,
    /// The protocol versions that the server speaks.
    pub versions: &'static [Version],
    pub console_token: Arc<str>,
    /// The passing requests of devices.
    pub passing: Passing,
    /// Limits the bodies of one device that are being received or sent.
    pub in_flight: Arc<InFlight>,
    /// Limits the streams of hints of one device.
    pub streams: Arc<InFlight>,
    /// Limits the request bodies without a token.
    pub strangers: Arc<Strangers>,
    /// The sources of wrong guesses of codes.
    pub guesses: Arc<Guesses>,
    /// The storage of photos' bytes.
    pub storage: Storage,
    /// Decides which request continues an upload.
    pub uploading: Arc<Uploading>,
    /// Woken after each accepted push, because a case has to be projected.
    pub to_project: Arc<Notify>,
    /// Woken after each write that may have published to a feed.
    pub live: Arc<Live>,
    /// The gateway that sends SMS.
    pub sms: Option<Arc<sms::Gateway>>,
    /// The callbacks of the SMS provider.
    pub webhooks: Option<Arc<Webhooks>>,
    /// Counts the answers.
    pub metrics: Metrics,
    /// Woken when a device has proven a loss and [`crate::copy::note_loss`] is durable. The server then ends and waits for its
    /// operator.
    pub loss: Arc<Notify>,
}
