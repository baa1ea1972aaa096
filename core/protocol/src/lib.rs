//! The wire format between a device and the server: messages, limits, CBOR, compression.
//!
//! `PROTOCOL.md` in this folder is the specification; the types here are its only implementation and serve both ends. Messages
//! are CBOR maps with integer keys. Unknown keys are ignored, so either end may be newer. Changes are sent as elided packs, which
//! this crate does not decode. Sockets, storage and the meaning of entries do not belong here.

mod answer;
mod batch;
mod clock;
mod codec;
mod codes;
mod enrolment;
mod id;
mod leaf;
mod messages;
mod photos;
mod proof;
mod publication;
mod receipts;
mod rows;
mod scope;
mod signed;
pub mod signing;
mod sms;
mod succession;
mod versions;
mod witness;

pub use answer::{Answer, AnswerError, Pushed, verdicts_leaf};
pub use batch::{Batch, Brought, BroughtDoc, Header, PushDoc, RestLink, Sending, Vouched};
pub use clock::BatchClock;
pub use codec::{CodecError, decode, encode, open, open_stored, seal};
pub use codes::{ErrorCode, Retry};
pub use doorstep_domain::RefusalCode;
pub use enrolment::{EnrolRequest, EnrolResponse, NonceResponse, SessionRequest, SessionResponse};
pub use leaf::Leaf;
pub use messages::{
    Ack, AckCase, Beacon, CaseRef, Decision, Demand, Envelope, ErrorBody, FeedCase, FeedPage, Link, Pull, Push, PushCase,
    Quarantined, SyncRequest, SyncResponse, Token, WipeOrder,
};
pub use photos::{LostPhoto, MAX_LOST_PHOTOS, MAX_PHOTO_QUERY, PhotoQuery, PhotoState, PhotoStates, Sha};
pub use proof::{Proof, Proofs, Proven};
pub use publication::{Publication, Reference};
pub use receipts::{ReceiptRow, Spoken, Verdict, pack_receipts, pack_verdicts, unpack_receipts, unpack_verdicts};
pub use rows::{DayRow, DetailsRow, OutletRow, ParcelRow, PersonRow, RefKind, RefVersion, Refs};
pub use scope::Scope;
pub use signed::Signed;
pub use sms::{LeaseRequest, LeaseResponse};
pub use succession::{KeyHash, Succession};

pub use versions::{Reach, VERSIONS, Version, newest_format, reach};
pub use witness::{FirstAnswer, FirstDoc, FirstReceipt, MAX_FIRST_ANSWERS, Witness};

/// The version that this build speaks. Both ends send it in the header [`PROTO_HEADER`]. A response without the header comes from
/// a captive portal or a proxy and counts as "no network".
pub const PROTO_VERSION: &str = "3";
/// Header with the time of sending of each request of version 3: `BOOT-MONO`, the boot mark in hexadecimal and the monotonic time
/// in milliseconds.
pub const CLOCK_HEADER: &str = "sync-clock";
/// Header by which a device renews an expired token: a signature over [`signing::renewal_message`], in hexadecimal.
pub const RENEWAL_HEADER: &str = "sync-renewal";
/// Header of tus by which a POST for an upload says that it means PATCH, because some networks block PATCH.
pub const METHOD_HEADER: &str = "x-http-method-override";
/// Name of the version header.
pub const PROTO_HEADER: &str = "sync-proto";
/// Content type of every body.
pub const CONTENT_TYPE: &str = "application/cbor";

/// The newest format of packs that this build reads and writes, the dense pack. A device names it in each request, and the server in
/// each answer to such a request. So either end sends dense packs only after the other has said, in the newest exchange, that it
/// reads them. This is a field and not a version of the protocol, because a dense pack is only another spelling of the same signed
/// content: all else stays as in version 3. An older end ignores the field and says nothing, and gets packs of format 2. A server that was
/// put back to an older build loses nothing: to it the documents of a dense pack have packs that do not rebuild. The device can not
/// verify such an answer, sends the batch again in format 2, and then the changes in a new batch.
pub const PACK_FORMAT: u32 = 3;

/// Largest encoded (compressed) body either end accepts, in bytes.
pub const MAX_ENCODED: usize = 4 * 1024 * 1024;
/// Largest inflated answer that a device accepts, in bytes.
pub const MAX_INFLATED: usize = 32 * 1024 * 1024;
/// Largest inflated request that the server accepts, and most bytes to which all packs of a batch may rebuild. It is twice the
/// largest batch that a device makes. The server needs up to four times as much memory while it takes a batch.
pub const MAX_REQUEST: usize = 8 * 1024 * 1024;
/// Most cases in one push.
pub const MAX_PUSH_CASES: usize = 5_000;
/// Most chains of unsent changes that a sending may name.
pub const MAX_REST: usize = 64;
/// Largest batch that a device makes, in bytes of raw changes, far below the server's limit.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Batch size at which halving stops, in bytes of raw changes. One change of the largest size always fits.
pub const MIN_BATCH_BYTES: usize = 64 * 1024;
