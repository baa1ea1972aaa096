//! The customer's SMS: previewed, moved on, and what the platform says of it.

use std::sync::Arc;

use doorstep_client::{SmsPreview, SmsResult};
use doorstep_domain::SmsFault;

use crate::{Bilingual, Cancel, DoorstepClient, DoorstepError, SmsRequest, words::named};

/// An SMS as it would be sent. It holds a customer's data: for the screen, never for a log; as text it shows none of it.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct SmsDraft {
    /// The text, without the operator's signature.
    pub text: String,
    /// The operator's signature before it.
    pub signature: String,
    /// The number, masked.
    pub number: String,
    /// How many segments it takes.
    pub segments: u32,
    /// What it would lack to count for the day; empty: it would count.
    pub lacks: Vec<Bilingual>,
}

impl std::fmt::Display for SmsDraft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SmsDraft({} {} segments)", self.number, self.segments)
    }
}

/// What the platform says of an SMS that it was given. Results may come late, twice and in any order.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum SmsOutcome {
    /// It lies in the message app or the phone's queue: the person says that they sent it.
    HandedOver,
    /// The person did not send it.
    Cancelled,
    /// The operator has taken a segment.
    PartSent {
        /// Which, from 0.
        part: u32,
    },
    /// A segment was not sent.
    PartFailed {
        /// Which, from 0.
        part: u32,
        /// Why: `no_service`, `radio_off`, `null_pdu`; anything else is `generic`.
        fault: String,
    },
    /// The recipient's phone has a segment.
    PartDelivered {
        /// Which, from 0.
        part: u32,
    },
}

/// What the messages of this device did in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct SmsMoved {
    /// Handed to the platform.
    pub sent: u32,
    /// Left to head office's gateway.
    pub offered: u32,
    /// Settled without being sent: expired, covered, uncertain.
    pub settled: u32,
}

#[uniffi::export]
impl DoorstepClient {
    /// The SMS to a recipient as it would be sent now.
    pub async fn preview_sms(&self, waybill: String, wish: SmsRequest) -> Result<SmsDraft, DoorstepError> {
        self.local(move |client| {
            let SmsPreview { text, signature, number, segments, lacks, .. } = client.preview_sms(&waybill, &wish.parsed()?)?;
            let pack = client.pack()?;
            Ok(SmsDraft {
                text: text.text().unwrap_or_default().to_owned(),
                signature,
                number,
                segments: u32::try_from(segments.parts.len()).unwrap_or(u32::MAX),
                lacks: lacks.iter().map(|lack| named(pack.as_ref(), lack.as_str())).collect(),
            })
        })
        .await
    }

    /// Moves every SMS of this device on as far as it goes now. Called by each sync; call it when cellular service came back.
    pub async fn dispatch_sms(&self) -> Result<SmsMoved, DoorstepError> {
        self.local(|client| {
            let moved = client.dispatch_sms()?;
            Ok(SmsMoved { sent: moved.sent, offered: moved.offered, settled: moved.settled })
        })
        .await
    }

    /// Takes what the platform says of an SMS, by the reference that it was given. What it says twice, or too late, changes
    /// nothing.
    pub async fn sms_result(&self, reference: String, outcome: SmsOutcome) -> Result<(), DoorstepError> {
        self.local(move |client| Ok(client.sms_result(&reference, outcome.into())?)).await
    }

    /// Asks the server for the lease of an SMS whose attempt somebody else recorded, or that was left to the gateway; this device
    /// then sends it.
    #[uniffi::method(default(cancel = None))]
    pub async fn lease_sms(self: Arc<Self>, waybill: String, cancel: Option<Arc<Cancel>>) -> Result<(), DoorstepError> {
        self.remote(cancel, move |client| async move { client.lease_sms(&waybill).await }).await
    }
}

impl From<SmsOutcome> for SmsResult {
    fn from(outcome: SmsOutcome) -> Self {
        match outcome {
            SmsOutcome::HandedOver => Self::HandedOver,
            SmsOutcome::Cancelled => Self::Cancelled,
            SmsOutcome::PartSent { part } => Self::PartSent(part),
            SmsOutcome::PartFailed { part, fault } => {
                Self::PartFailed(part, SmsFault::from_word(&fault).unwrap_or(SmsFault::Generic))
            }
            SmsOutcome::PartDelivered { part } => Self::PartDelivered(part),
        }
    }
}
