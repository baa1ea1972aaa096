//! Answers whose signatures were checked. A device uses no other form of an answer.

use doorstep_domain::{ChangeHash, DeviceId, Digest, DocRef, HistoryId, PhotoId, Receipt, UnixMs};

use crate::{
    Ack, AckCase, CaseRef, CodecError, Decision, Demand, FeedPage, Leaf, Link, RefVersion, Scope, Signed, Succession,
    SyncResponse, Token, Verdict, Vouched, WipeOrder, Witness, decode, encode,
    signing::{
        self, answer_leaf, answer_message, is_key, is_signed, key_message, leaves_root, receipts_leaf, root_message, wipe_message,
    },
    unpack_verdicts,
};

/// Why an answer is rejected as a whole.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The verdicts, or a page with receipts, are not signed by the server with which the device enrolled.
    #[error("the answer is not signed by the server")]
    Signature,
    /// A page moves its cursor to a number that no feed reaches.
    #[error("the answer moves a cursor beyond every feed")]
    Cursor,
    /// A signed part cannot be decoded.
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
    /// Verdicts with the signed bytes, which prove the device's receipts. In version 3 the body is a [`Vouched`].
    pub ack: Option<(Ack, Signed)>,
    /// The proof of this answer, with its number in the server's log, if it is signed.
    pub witness: Option<Witness>,
    /// When the request's headers had arrived at the server; absent in version 2.
    pub received_ms: Option<i64>,
    /// Feed pages.
    pub feed: Vec<FeedPage>,
    /// The newest format of packs that the server takes, if it is newer than the version's own.
    pub packs: Option<u32>,
    /// The dense pack of the pages.
    pub dense: Option<Vec<u8>>,
    /// Reference rows in another version.
    pub refs: Vec<RefVersion>,
    /// A new token.
    pub token: Option<Token>,
    /// The server's demand.
    pub demand: Option<Demand>,
    /// Batches to send again.
    pub resend: Vec<u64>,
    /// Decisions on quarantined changes.
    pub decisions: Vec<Decision>,
    /// The scopes that the device may read.
    pub scopes: Vec<Scope>,
    /// Photos to send again.
    pub wanted: Vec<PhotoId>,
    /// Whether head office's gateway sends SMS.
    pub gateway: bool,
    /// Head office's order to wipe an installation of this device.
    pub wipe: Option<WipeOrder>,
    /// Lost photos that the request named. Set by the device, not sent by the server.
    pub told: Vec<PhotoId>,
    /// The end of the batch chain that the request named. Set by the device, not sent by the server. Another process on the same
    /// store may have continued the chain since, and then the server mistakes the older request for a restored backup.
    pub asked: Option<Link>,
}

/// A document of the pushed batch, to which verdicts belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The document.
    pub doc: DocRef,
    /// Its changes in the pack's order, with the monotonic time of each one's act.
    pub changes: Vec<(ChangeHash, u64)>,
}

/// The leaf of a document's verdicts, over the receipts of the changes that the log has now or had before.
pub fn verdicts_leaf(doc: impl Into<DocRef>, verdicts: impl IntoIterator<Item = (ChangeHash, Option<Receipt>)>) -> Digest {
    let taken: Vec<(ChangeHash, Receipt)> =
        verdicts.into_iter().filter_map(|(hash, receipt)| receipt.map(|receipt| (hash, receipt))).collect();
    receipts_leaf(doc, &taken)
}

impl Verdict {
    /// The receipt, if the log has the change.
    pub fn receipt(&self) -> Option<Receipt> {
        match self {
            Self::Ok(receipt) | Self::Dup(receipt) => Some(*receipt),
            Self::Pend | Self::Quarantined(_) => None,
        }
    }
}

/// The largest number of a feed row. Both ends store it as a signed number of 64 bits.
const MAX_CURSOR: u64 = i64::MAX as u64;

fn leaf_of(ack: &Ack, answer: &AckCase, pushed: &Pushed) -> Digest {
    let monos: Vec<u64> = pushed.changes.iter().map(|(_, mono)| *mono).collect();
    let verdicts = unpack_verdicts(UnixMs(ack.received_ms), &answer.rows, &answer.quarantined, &monos);
    verdicts_leaf(pushed.doc, pushed.changes.iter().zip(verdicts).map(|((hash, _), verdict)| (*hash, verdict.receipt())))
}

impl SyncResponse {
    /// Whether version 3 signs this answer, because it has a receipt or asks for something.
    pub fn says_something(&self, pages: &[FeedPage]) -> bool {
        let brings = pages.iter().any(|page| !page.cases.is_empty() || !page.out.is_empty());
        self.ack.is_some() || brings || self.demand.is_some() || !self.resend.is_empty() || self.wipe.is_some()
    }

    /// Reads an answer of version 3: a [`Signed`] whose body is the response, with one signature over the leaves of its body, of
    /// the verdicts, and of the pages' documents. `pushed` has the documents of the request's batch.
    pub fn verify_signed(
        signed: &Signed,
        device: &DeviceId,
        server_key: &[u8],
        pushed: &[Pushed],
    ) -> Result<Answer, AnswerError> {
        let response: Self = decode(&signed.body)?;
        let pages: Vec<FeedPage> = response.feed.iter().map(|part| decode(&part.body)).collect::<Result<_, _>>()?;
        if pages.iter().any(|page| page.to > MAX_CURSOR) {
            return Err(AnswerError::Cursor);
        }
        let mut ack: Option<Ack> = response.ack.as_ref().map(|part| decode(&part.body)).transpose()?;
        let mut leaves = vec![answer_leaf(device.as_bytes(), &signed.body)];
        if let Some(ack) = &mut ack {
            if ack.cases.len() != pushed.len() {
                return Err(AnswerError::Signature); // verdicts on another batch
            }
            let of = ack.cases.iter().zip(pushed).map(|(answer, pushed)| leaf_of(ack, answer, pushed));
            leaves.extend(of);
            for (answer, pushed) in ack.cases.iter_mut().zip(pushed) {
                answer.case = Some(CaseRef(pushed.doc.id));
            }
        }
        for case in pages.iter().flat_map(|page| &page.cases) {
            leaves.push(case.leaf.ok_or(AnswerError::Signature)?.0);
        }
        let counter = response.counter.ok_or(AnswerError::Signature)?;
        let says_something = response.says_something(&pages);
        let root = leaves_root(&leaves);
        let message = root_message(&response.history, counter, &root);
        let is_signed = !signed.sig.is_empty();
        if (says_something || is_signed) && !signing::is_signed(server_key, &message, &signed.sig) {
            return Err(AnswerError::Signature);
        }
        let vouched = match &ack {
            Some(ack) => {
                let body = encode(&Vouched {
                    history: response.history,
                    counter,
                    leaves: leaves.into_iter().map(Leaf).collect(),
                    ack: encode(ack)?,
                })?;
                Some(Signed { body, sig: signed.sig.clone() })
            }
            None => None,
        };
        let received_ms = response.took_ms.map(|took| response.now_ms.saturating_sub(i64::from(took)));
        let witness = is_signed.then(|| Witness { history: response.history, counter, root, sig: signed.sig.clone() });
        let plain = Self { ack: None, feed: vec![], ..response };
        let answer = plain.verify(device, server_key)?;
        Ok(Answer { ack: ack.zip(vouched), feed: pages, witness, received_ms, ..answer })
    }

    /// The server's next signing key, if the answer has one. It is signed by the key that the device knows.
    pub fn next_key(&self, server_key: &[u8]) -> Result<Option<Vec<u8>>, AnswerError> {
        let Some(Signed { body, sig }) = &self.succession else { return Ok(None) };
        if !is_signed(server_key, &key_message(body), sig) {
            return Err(AnswerError::Signature);
        }
        let Succession { next, .. } = decode(body)?;
        // A malformed key could never verify a signature and would cut the device off.
        if is_key(&next) { Ok(Some(next)) } else { Err(AnswerError::Signature) }
    }

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
            packs: self.packs,
            dense: self.dense,
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
            witness: None,
            received_ms: None,
        })
    }
}
