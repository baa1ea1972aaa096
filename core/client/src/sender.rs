//! The platform's way to send SMS.

use doorstep_domain::SmsFault;

/// An SMS for the platform to send.
#[derive(Clone)]
pub struct OutgoingSms {
    /// The id of this try, which the platform returns with its results.
    pub reference: String,
    /// The number.
    pub to: String,
    /// The whole text, for a message app.
    pub text: String,
    /// Its segments, for a phone that sends by itself.
    pub parts: Vec<String>,
}

impl std::fmt::Debug for OutgoingSms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutgoingSms")
            .field("reference", &self.reference)
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

/// The platform's result for an SMS. Results may come late, twice, in any order, and in another process than the one that handed
/// the message over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsResult {
    /// It is in the message app or the phone's queue; the person states that they sent it.
    HandedOver,
    /// The person did not send it.
    Cancelled,
    /// The operator has accepted a segment, numbered from 0.
    PartSent(u32),
    /// A segment was not sent, with the reason.
    PartFailed(u32, SmsFault),
    /// The recipient's phone has a segment.
    PartDelivered(u32),
}

/// The platform's way to send SMS: a message app in which the person confirms, or direct sending where it is permitted.
pub trait SmsSender: Send + Sync {
    /// Whether an SMS could be sent now: there is cellular service, and the app has permission.
    fn can_send(&self) -> bool;

    /// Begins to send. The platform reports results to [`crate::Client::sms_result`]. An error means that nothing was sent.
    fn send(&self, message: &OutgoingSms) -> Result<(), SmsFault>;
}
