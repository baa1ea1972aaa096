//! What an SMSC answers: the words of a test's script.

use super::certificate::Certificate;

/// What one `submit_sm` gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Taken.
    Ok,
    /// `ESME_RTHROTTLED`.
    Throttle,
    /// `ESME_RMSGQFUL`.
    QueueFull,
    /// Refused with a status.
    Refuse(u32),
    /// Taken, never answered.
    Silent,
    /// Taken, answered by [`super::Smsc::release`].
    Held,
    /// The connection ends and nothing was taken.
    CutBefore,
    /// Taken, and then the connection ends without an answer.
    CutAfter,
}

/// What one bind gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindAnswer {
    /// Bound, if the password is right.
    Ok,
    /// Refused with a status.
    Refuse(u32),
    /// No answer.
    Silent,
    /// The connection ends.
    Cut,
}

/// When receipts come on their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Receipts {
    /// Only when asked: [`super::Smsc::receipt`].
    #[default]
    None,
    /// `DELIVRD`, before the answer to the submit.
    Early,
    /// `DELIVRD`, right after it.
    Auto,
}

/// How an id is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ids {
    /// `2587`
    #[default]
    Decimal,
    /// `a1b`
    Hex,
    /// `0000002587`
    Padded,
}

impl Ids {
    /// Spells an id.
    pub fn spell(self, id: u64) -> String {
        match self {
            Self::Decimal => format!("{id}"),
            Self::Hex => format!("{id:x}"),
            Self::Padded => format!("{id:010}"),
        }
    }
}

/// How an SMSC is.
#[derive(Clone, Default)]
pub struct SmscOptions {
    /// The right password; empty: any.
    pub password: String,
    /// When receipts come.
    pub receipts: Receipts,
    /// How answers to submits spell ids.
    pub answer_ids: Ids,
    /// How receipts spell them.
    pub receipt_ids: Ids,
    /// With a certificate: TLS.
    pub tls: Option<Certificate>,
    /// Does not say that it was asked whether it lives.
    pub ignores_enquiries: bool,
}
