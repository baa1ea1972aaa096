//! An answer after its signatures were checked: the only form in which a device uses one.

use doorstep_domain::{DeviceId, HistoryId, PhotoId};

use crate::{
    Ack, CodecError, Decision, Demand, FeedPage, Link, RefVersion, Signed, SyncResponse, Token, WipeOrder, decode,
    signing::{answer_message, is_signed, wipe_message},
};

/// Why an answer is not used. Nothing of it is.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The verdicts, or a page with receipts, are not signed by the server that the device enrolled with.
    #[error("the answer is not signed by the server")]
    Signature,
    /// A signed part is not the message it should be.
    #[error("the answer can not be read: {0}")]
    Malformed(#[from] CodecError),
}

/// A [`SyncResponse`] whose signatures hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The server's clock.
    pub now_ms: i64,
    /// The server's log.
    pub history: HistoryId,
    /// Verdicts, with the signed bytes: the device's proof of its receipts.
    pub ack: Option<(Ack, Signed)>,
    /// Pages.
    pub feed: Vec<FeedPage>,
    /// Reference rows in another version.
    pub refs: Vec<RefVersion>,
    /// A new token.
    pub token: Option<Token>,
    /// What the server asks for.
    pub demand: Option<Demand>,
    /// Batches to send again.
    pub resend: Vec<u64>,
    /// Decisions on quarantined changes.
    pub decisions: Vec<Decision>,
    /// The scopes that the device may read.
    pub scopes: Vec<String>,
    /// Photos to send again.
    pub wanted: Vec<PhotoId>,
    /// Whether head office's gateway sends SMS.
    pub gateway: bool,
    /// Head office's order to wipe an installation of this device.
    pub wipe: Option<WipeOrder>,
    /// Lost photos that the request named; not from the wire.
    pub told: Vec<PhotoId>,
    /// The end of the chain that the request named; not from the wire. Another process on the same store may have gone on
    /// since, and a server that has seen that takes the older request for a restored backup's.
    pub asked: Option<Link>,
}

impl SyncResponse {
    /// Checks the signatures, which were made for this device, and reads the signed parts.
    pub fn verify(self, device: &DeviceId, server_key: &[u8]) -> Result<Answer, AnswerError> {
        let holds = |signed: &Signed| is_signed(server_key, &answer_message(device.as_bytes(), &signed.body), &signed.sig);
        let ack = match self.ack {
            Some(signed) if holds(&signed) => Some((decode(&signed.body)?, signed)),
            Some(_) => return Err(AnswerError::Signature),
            None => None,
        };
        let mut feed = Vec::with_capacity(self.feed.len());
        for signed in &self.feed {
            let page: FeedPage = decode(&signed.body)?;
            let says_something = !page.cases.is_empty() || !page.out.is_empty();
            if says_something && !holds(signed) {
                return Err(AnswerError::Signature);
            }
            feed.push(page);
        }
        let wipe = match self.wipe {
            Some(signed) if is_signed(server_key, &wipe_message(device.as_bytes(), &signed.body), &signed.sig) => {
                Some(decode(&signed.body)?)
            }
            Some(_) => return Err(AnswerError::Signature),
            None => None,
        };
        Ok(Answer {
            wipe,
            now_ms: self.now_ms,
            history: self.history,
            ack,
            feed,
            refs: self.refs,
            token: self.token,
            demand: self.demand,
            resend: self.resend,
            decisions: self.decisions,
            scopes: self.scopes,
            wanted: self.wanted.iter().map(|sha| sha.0).collect(),
            gateway: self.gateway.unwrap_or(false),
            told: vec![],
            asked: None,
        })
    }
}
