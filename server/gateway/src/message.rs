//! Messages and the outcomes of their submission.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use doorstep_rules::sms::Segments;

/// One message to one number.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The caller's name of this attempt: 1 to 32 characters of `[a-z0-9]`. HTTP providers may get it; it tells nothing about a
    /// person.
    pub reference: String,
    /// The recipient's number: E.164 digits, with or without `+`, or national digits if the provider wants those. At most 20.
    pub to: String,
    /// The text, without the operator's signature.
    pub text: String,
    /// The text with the operator's signature before it, in the segments that the operator cuts and bills.
    pub segments: Segments,
    /// How long the network should try to deliver. Zero leaves it to the network; more than 30 days counts as 30 days.
    pub validity: Duration,
    /// Digits that are appended to the service number, so that a reply names the message that it answers. At most 20 characters
    /// together with the service number.
    pub extension: Option<String>,
}

impl fmt::Debug for Outgoing {
    /// Shows neither number nor text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("reference", &self.reference)
            .field("segments", &self.segments.count())
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

impl Outgoing {
    /// The number as a provider's own interface gets it: the digits, with `+` before one of another country. Without it a North
    /// American number would be a mainland mobile, a stranger's. `None` unless they are 1 to 20 digits.
    pub(crate) fn number(&self) -> Option<&str> {
        let digits = self.digits()?;
        let is_foreign = self.to.starts_with('+') && !digits.starts_with("86");
        Some(if is_foreign { &self.to } else { digits })
    }

    /// The recipient's digits, without a leading `+`. `None` unless they are 1 to 20 digits.
    pub(crate) fn digits(&self) -> Option<&str> {
        let digits = self.to.strip_prefix('+').unwrap_or(&self.to);
        let is_number = (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then_some(digits)
    }
}

/// The outcome of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// The provider has taken the whole message.
    Accepted {
        /// The provider's ids, which receipts will name: one for each segment in order over SMPP, at most one over HTTP.
        ids: Vec<String>,
    },
    /// Definite: the provider will send none of the message.
    Refused {
        /// The kind of reason.
        fault: Fault,
        /// The provider's own code, at most 64 printable ASCII characters, such as `0x0000000b`.
        code: String,
    },
    /// Definite: the first pieces were taken and a later one was not, so the recipient gets a torn message or none.
    Partial {
        /// The ids of the pieces that were taken, in order.
        ids: Vec<String>,
        /// The provider's own code, as in [`Self::Refused`].
        code: String,
    },
    /// Definite: the provider has taken none of the message. It may be submitted again.
    NotSent {
        /// The pause before the next try.
        after: Duration,
        /// The reason, for a log or a page of operators.
        why: &'static str,
    },
    /// The message or a part of it may have been taken. This crate never tries it again.
    Uncertain {
        /// The reason, for a log or a page of operators.
        why: &'static str,
        /// The ids of the pieces that were surely taken, in order. A later piece may have been taken too.
        ids: Vec<String>,
    },
}

/// Why a message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The number does not exist, or the provider does not serve it.
    Number,
    /// The text is too long, in the wrong alphabet, or against the provider's rules.
    Text,
    /// The account is unknown, locked, without credit, or not allowed to use this service number.
    Account,
    /// No gateway is configured: the `log` provider sends nothing.
    NoGateway,
    /// Any other reason.
    Refused,
}

impl Fault {
    /// A word of `[a-z_]` for databases and metrics. It never changes.
    pub fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "text",
            Self::Account => "account",
            Self::NoGateway => "no_gateway",
            Self::Refused => "refused",
        }
    }
}

/// The future of [`Provider::submit`].
pub type Submitting<'a> = Pin<Box<dyn Future<Output = Submitted> + Send + 'a>>;

/// Hands messages to a network. One instance for each gateway.
pub trait Provider: Send + Sync {
    /// Hands one message over. May be called concurrently; at most the configured window is unanswered.
    ///
    /// A future that is dropped before its end leaves the message uncertain.
    fn submit<'a>(&'a self, message: &'a Outgoing) -> Submitting<'a>;

    /// In how many pieces a message is handed over, each of which gets an id of its own. `None`: it is handed over as a whole, and
    /// the operator cuts it.
    fn pieces(&self, _message: &Outgoing) -> Option<usize> {
        None
    }

    /// Accepts no new message, waits for unanswered ones, and says goodbye to the provider.
    fn stop(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
