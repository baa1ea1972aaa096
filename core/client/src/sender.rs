//! The platform's way to send SMS.

use doorstep_domain::SmsFault;

/// An SMS that the platform is to send.
#[derive(Clone)]
pub struct OutgoingSms {
    /// Names this try; the platform gives it back with its results.
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

/// What the platform says of an SMS that it was given. Results may come late, twice, in any order, and in another process than
/// the one that handed it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsResult {
    /// It lies in the message app or the phone's queue: the person says that they sent it.
    HandedOver,
    /// The person did not send it.
    Cancelled,
    /// The operator has taken a segment, from 0.
    PartSent(u32),
    /// A segment was not sent, and why.
    PartFailed(u32, SmsFault),
    /// The recipient's phone has a segment.
    PartDelivered(u32),
}

/// What the platform can do about SMS: a message app that the person confirms, or sending by itself where it may.
pub trait SmsSender: Send + Sync {
    /// Whether an SMS could be sent now: there is cellular service, and the app may.
    fn can_send(&self) -> bool;

    /// Begins to send; what comes of it is told by [`crate::Client::sms_result`]. An error says that surely nothing was sent.
    fn send(&self, message: &OutgoingSms) -> Result<(), SmsFault>;
}
