//! The messages. `PROTOCOL.md` defines each field and the numbers that are reserved for later versions.

use doorstep_domain::{BatchHash, CaseId, ChangeHash, DeviceId, DocKind, DocRef, HistoryId, InstallId, RefusalCode};
use minicbor::{Decode, Encode};

use crate::{
    Batch, BatchClock, ErrorCode, KeyHash, Leaf, LostPhoto, RefVersion, Scope, Sha, Signed, Witness, codes::refused, id,
};

/// `POST /v1/sync`: pushes one batch of unsent changes and pulls the feeds, in one round trip.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct SyncRequest {
    /// The device.
    #[cbor(n(0), with = "id")]
    pub device: DeviceId,
    /// The installation that writes now. The server registers a new one for the device.
    #[cbor(n(1), with = "id")]
    pub install: InstallId,
    /// The server's log that the cursors belong to; zeros before the first answer.
    #[cbor(n(2), with = "id")]
    pub history: HistoryId,
    /// The batch, if anything is unsent.
    #[n(3)]
    pub push: Option<Envelope>,
    /// Cursors of the scopes that the device knows. The server sends other scopes from the start.
    #[n(4)]
    pub pull: Vec<Pull>,
    /// Most bytes of changes that the device wants in the answer; the server may send less. 0: no pages, because the device has no
    /// rules yet and cannot use them.
    #[n(5)]
    pub want_bytes: u32,
    /// Reference rows that the device has.
    #[n(6)]
    pub refs: Vec<RefVersion>,
    /// The newest batch that this installation has made, sent or not. It reveals a missing batch or a restored backup even
    /// without a push.
    #[n(7)]
    pub chain: Option<Link>,
    /// Counts of what is still on the device.
    #[n(8)]
    pub beacon: Option<Beacon>,
    /// Changes in quarantine of which the device does not know head office's decision, at most 64.
    #[cbor(n(9), default)]
    pub quarantined: Vec<Quarantined>,
    /// Photos that this device cannot deliver, at most 64. They are named until an answer has come.
    #[cbor(n(10), default)]
    pub lost: Vec<LostPhoto>,
    /// The batch of version 3. A batch that was made under version 2 is in `push`.
    #[n(11)]
    pub batch: Option<Batch>,
    /// The number of the newest signed answer that the device has of this log.
    #[n(12)]
    pub counter: Option<u64>,
    /// The proof of that answer, if the server has asked for it (`prove`).
    #[n(13)]
    pub witness: Option<Witness>,
    /// The newest format of packs that the device reads in the answer, if that is newer than the version's own.
    #[n(14)]
    pub packs: Option<u32>,
    /// A dense pack with the changes of the batch's documents whose own pack is its first byte alone, in their order. It is in no
    /// hash and under no signature, because the documents' digests prove what it rebuilds to.
    #[cbor(n(15), with = "minicbor::bytes")]
    pub dense: Option<Vec<u8>>,
    /// Hash of the server's key that this device pins. It is sent while the server may not know it: after the device took a new
    /// key, or could not verify an answer.
    #[n(20)]
    pub pins: Option<KeyHash>,
}

/// The end of a batch chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Link {
    /// Number of the batch.
    #[n(0)]
    pub batch: u64,
    /// Hash of its body.
    #[cbor(n(1), with = "id")]
    pub hash: BatchHash,
}

/// A signed batch of version 2. The body is durable on the device before its first byte leaves, and is repeated unchanged; the
/// clocks are read for each sending. The signature covers both ([`crate::signing::batch_message`]).
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Envelope {
    /// A [`Push`] in CBOR, byte for byte as its hash was taken.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub body: Vec<u8>,
    /// The device's clocks at this sending.
    #[n(1)]
    pub clock: BatchClock,
    /// ES256 by the device's key: 64 bytes, or DER.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub sig: Vec<u8>,
}

/// The content of a batch of version 2.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Push {
    /// Its number in the chain of its installation, from 1, without gaps.
    #[n(0)]
    pub batch: u64,
    /// Hash of the previous batch's body; zeros for the first.
    #[cbor(n(1), with = "id")]
    pub prev: BatchHash,
    /// The person signed in when it was made.
    #[n(2)]
    pub user: String,
    /// The installation whose chain it continues.
    #[cbor(n(3), with = "id")]
    pub install: InstallId,
    /// Its cases.
    #[n(4)]
    pub cases: Vec<PushCase>,
    /// Batches that the server reported missing, at most 64. Their content, as far as this device still has it, is in this batch
    /// or in one before it.
    #[cbor(n(5), default)]
    pub again: Vec<u64>,
}

/// Counts of what is still on a device, so that head office sees what it does not have yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Beacon {
    /// Cases with something unsent.
    #[n(0)]
    pub unsent_cases: u32,
    /// Photos whose bytes the server does not have.
    #[n(1)]
    pub unsent_photos: u32,
    /// Bytes of both.
    #[n(2)]
    pub unsent_bytes: u64,
    /// When the oldest unsent action was recorded, by the device's best estimate, milliseconds since 1970.
    #[n(3)]
    pub oldest_ms: Option<i64>,
    /// Version of the app.
    #[n(4)]
    pub app: String,
    /// Free space of the device's storage, megabytes, if known.
    #[n(5)]
    pub disk_free_mb: Option<u32>,
    /// Own entries whose stored bytes no longer match their hash, so that they can not be sent; absent if none.
    #[n(6)]
    pub damaged: Option<u32>,
}

/// A quarantined change, by case and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Quarantined {
    /// The case.
    #[cbor(n(0), with = "id")]
    pub case: CaseId,
    /// The change.
    #[cbor(n(1), with = "id")]
    pub change: ChangeHash,
}

/// The changes of one case in a batch.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct PushCase {
    /// The case.
    #[cbor(n(0), with = "id")]
    pub case: CaseId,
    /// Its changes as an elided pack; verdicts come by their index in it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub pack: Vec<u8>,
}

/// A cursor.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Pull {
    /// The scope.
    #[n(0)]
    pub scope: Scope,
    /// Everything up to this sequence number has been applied.
    #[n(1)]
    pub cursor: u64,
}

/// The answer to a sync request. It is sent only after everything that it acknowledges is durable.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct SyncResponse {
    /// The server's clock.
    #[n(0)]
    pub now_ms: i64,
    /// The server's log. If it differs from the request's, the device sets every cursor to 0 and keeps all its data.
    #[cbor(n(1), with = "id")]
    pub history: HistoryId,
    /// Verdicts on the push: an [`Ack`], signed.
    #[n(2)]
    pub ack: Option<Signed>,
    /// One [`FeedPage`] for each of the device's scopes; signed if it brings receipts.
    #[n(3)]
    pub feed: Vec<Signed>,
    /// Kinds of reference rows of which the server has another version than the device.
    #[n(4)]
    pub refs: Vec<RefVersion>,
    /// A new token that replaces the one used.
    #[n(5)]
    pub token: Option<Token>,
    /// The server's demand to the device.
    #[n(6)]
    pub demand: Option<Demand>,
    /// Batches of this installation that never arrived, at most 64 at a time. The device sends their content again.
    #[cbor(n(7), default)]
    pub resend: Vec<u64>,
    /// Head office's decisions on quarantined changes that the request asked about.
    #[cbor(n(8), default)]
    pub decisions: Vec<Decision>,
    /// The scopes that the device may read now. The device has lost other scopes, and evicts their cases once nothing of them is
    /// unsent.
    #[cbor(n(9), default)]
    pub scopes: Vec<Scope>,
    /// Photos of this device that are missing in storage, at most 64. The device sends them again or reports them lost.
    #[cbor(n(10), default)]
    pub wanted: Vec<Sha>,
    /// Whether head office's gateway sends SMS, so that a device may leave them to it.
    #[n(11)]
    pub gateway: Option<bool>,
    /// Head office's order to wipe this installation: a [`WipeOrder`], signed over [`crate::signing::wipe_message`].
    #[n(12)]
    pub wipe: Option<Signed>,
    /// Version 3: the number of this answer in the server's log. It grows with every answer.
    #[n(13)]
    pub counter: Option<u64>,
    /// Version 3: how long before `now_ms` the headers of this request had arrived, in milliseconds. That moment and the
    /// request's monotonic time are the device's anchor.
    #[n(14)]
    pub took_ms: Option<u32>,
    /// The newest format of packs that the server takes in a request, in an answer to a request that names one.
    #[n(15)]
    pub packs: Option<u32>,
    /// A dense pack with the changes of the pages' documents whose own pack is its first byte alone, in the order of the pages.
    #[cbor(n(16), with = "minicbor::bytes")]
    pub dense: Option<Vec<u8>>,
    /// The server's next signing key: a [`crate::Succession`], signed over [`crate::signing::key_message`] with the key that the
    /// device pins.
    #[n(20)]
    pub succession: Option<Signed>,
}

/// Head office's order that an installation destroys its keys and then all its data. It names the installation, so that an order
/// for a former one cannot be used again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WipeOrder {
    /// The installation.
    #[cbor(n(0), with = "id")]
    pub install: InstallId,
    /// When head office ordered it, by the server's clock, milliseconds since 1970.
    #[n(1)]
    pub ordered_ms: i64,
}

/// A bearer token.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Token {
    /// The secret; the server keeps only its hash.
    #[n(0)]
    pub secret: String,
    /// When it ends, by the server's clock, milliseconds since 1970.
    #[n(1)]
    pub expires_ms: i64,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("expires_ms", &self.expires_ms).finish_non_exhaustive()
    }
}

/// A demand of the server to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Demand {
    /// The batch chain forked, because this store is a clone or was restored. The device makes a new installation, writes its
    /// unaccepted changes anew under it, and sets every cursor to 0.
    #[n(0)]
    NewInstall,
    /// The device is revoked. It may deliver its records but reads nothing.
    #[n(1)]
    Revoked,
}

/// Head office's decision on a quarantined change.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Decision {
    /// The change.
    #[n(0)]
    pub of: Quarantined,
    /// True if released: the server's new entry comes in the feed. False if discarded.
    #[n(1)]
    pub released: bool,
    /// The reason, in head office's words.
    #[n(2)]
    pub why: String,
}

/// Verdicts on a batch.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Ack {
    /// The batch.
    #[n(0)]
    pub batch: u64,
    /// Whether these are the stored verdicts of a batch that the server had already.
    #[n(1)]
    pub replayed: bool,
    /// When the server received the batch; the receipts' differences start from it.
    #[n(2)]
    pub received_ms: i64,
    /// Its cases, in the batch's order.
    #[n(3)]
    pub cases: Vec<AckCase>,
    /// The installation whose chain the batch is in.
    #[cbor(n(4), with = "id")]
    pub install: InstallId,
    /// Hash of the batch's body, which identifies the batch.
    #[cbor(n(5), with = "id")]
    pub hash: BatchHash,
}

/// Verdicts on the changes of one case.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct AckCase {
    /// The case. Absent in version 3, where verdicts are in the batch's order.
    #[n(0)]
    pub case: Option<CaseRef>,
    /// A row for each change of the pack, by index; empty if the pack could not be rebuilt (then `fault` says why).
    #[n(1)]
    pub rows: Vec<crate::ReceiptRow>,
    /// Why changes are quarantined: index and code.
    #[cbor(n(2), with = "refused")]
    pub quarantined: Vec<(u32, RefusalCode)>,
    /// Why the whole pack could not be rebuilt; its changes stay in the outbox.
    #[n(3)]
    pub fault: Option<String>,
}

/// The news in a scope after the cursor.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct FeedPage {
    /// The scope.
    #[n(0)]
    pub scope: Scope,
    /// The cursor after this page.
    #[n(1)]
    pub to: u64,
    /// Whether rows are left after this page.
    #[n(2)]
    pub more: bool,
    /// Cases with new changes.
    #[n(3)]
    pub cases: Vec<FeedCase>,
    /// Cases that have left the scope. The device evicts them once nothing of them is unsent.
    #[cbor(n(4), default)]
    pub out: Vec<CaseRef>,
}

/// A case by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct CaseRef(#[cbor(n(0), with = "id")] pub CaseId);

/// New changes of one case, without those that the asking device pushed, because it has them with their verdicts.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct FeedCase {
    /// The case; zeros if it is in the answer's dense pack.
    #[cbor(n(0), with = "id")]
    pub case: CaseId,
    /// The changes as an elided pack. One byte, 3, if they are in the answer's dense pack.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub pack: Vec<u8>,
    /// Their receipts, by index; differences start from 0.
    #[n(2)]
    pub receipts: Vec<crate::ReceiptRow>,
    /// Version 3: [`crate::signing::receipts_leaf`] of the changes with their receipts, which the server has signed.
    #[n(3)]
    pub leaf: Option<Leaf>,
    /// Version 3: the kind of document; absent for a case.
    #[n(4)]
    pub kind: Option<u32>,
}

impl FeedCase {
    /// The document; `None` for a kind that this version does not know.
    pub fn document(&self) -> Option<DocRef> {
        DocKind::of_named(self.kind).map(|kind| DocRef::new(kind, self.case))
    }
}

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ErrorBody {
    /// The code by which a device decides.
    #[n(0)]
    pub code: ErrorCode,
    /// Text for a log; no personal data.
    #[n(1)]
    pub detail: String,
}
