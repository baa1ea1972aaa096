//! The messages. `PROTOCOL.md` gives each field's meaning and the numbers that are reserved for what comes next.

use doorstep_domain::{CaseId, DeviceId, HistoryId, InstallId};
use minicbor::{Decode, Encode};

/// Ids as CBOR byte strings of their exact length.
mod id {
    use minicbor::{Decoder, Encoder, decode::Error as DecodeError, encode::Error as EncodeError, encode::Write};

    pub fn encode<C, T: AsRef<[u8]>, W: Write>(id: &T, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.bytes(id.as_ref()).map(|_| ())
    }
    pub fn decode<'b, C, T: TryFrom<&'b [u8]>>(d: &mut Decoder<'b>, _: &mut C) -> Result<T, DecodeError> {
        T::try_from(d.bytes()?).map_err(|_| DecodeError::message("id of another length"))
    }
}

/// `POST /v1/sync`: pushes one batch of what is unsent and pulls the feeds, in one round trip.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct SyncRequest {
    /// The device.
    #[cbor(n(0), with = "id")]
    pub device: DeviceId,
    /// The installation that wrote what is pushed.
    #[cbor(n(1), with = "id")]
    pub install: InstallId,
    /// The server's log that the cursors belong to; zeros before the first answer.
    #[cbor(n(2), with = "id")]
    pub history: HistoryId,
    /// The batch, if anything is unsent.
    #[n(3)]
    pub push: Option<Push>,
    /// Cursors of the scopes that the device knows; the server feeds the others from the start.
    #[n(4)]
    pub pull: Vec<Pull>,
    /// How many bytes of packs the answer should hold at most; the server may send less.
    #[n(5)]
    pub want_bytes: u32,
    /// Reference rows that the device has.
    #[n(6)]
    pub refs: Vec<RefVersion>,
}

/// One numbered batch: durable on the device before its first byte leaves.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Push {
    /// Its number, from 1, without gaps.
    #[n(0)]
    pub batch: u64,
    /// The device's clocks when the batch was made.
    #[n(3)]
    pub clock: BatchClock,
    /// Its cases.
    #[n(4)]
    pub cases: Vec<PushCase>,
}

/// The device's clocks: what ties its monotonic times to the server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BatchClock {
    /// Wall clock, milliseconds since 1970.
    #[n(0)]
    pub wall_ms: i64,
    /// Monotonic clock, milliseconds.
    #[n(1)]
    pub mono_ms: u64,
    /// Mark of the boot.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub boot: [u8; 4],
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
    /// The scope: `courier/<user>` or `outlet/<code>`.
    #[n(0)]
    pub scope: String,
    /// Everything up to this sequence number has been applied.
    #[n(1)]
    pub cursor: u64,
}

/// The answer to a sync request. Sent only after everything it acknowledges is durable.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct SyncResponse {
    /// The server's clock.
    #[n(0)]
    pub now_ms: i64,
    /// The server's log. Another one than the request's means: start every cursor anew, keep everything.
    #[cbor(n(1), with = "id")]
    pub history: HistoryId,
    /// Verdicts on the push.
    #[n(2)]
    pub ack: Option<Ack>,
    /// One page for each of the device's scopes.
    #[n(3)]
    pub feed: Vec<FeedPage>,
    /// Reference rows that have another version than the device said.
    #[n(4)]
    pub refs: Vec<RefVersion>,
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
    /// When the server received the batch; the base of the receipts' deltas.
    #[n(2)]
    pub received_ms: i64,
    /// Its cases, in the batch's order.
    #[n(3)]
    pub cases: Vec<AckCase>,
}

/// Verdicts on the changes of one case.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct AckCase {
    /// The case.
    #[cbor(n(0), with = "id")]
    pub case: CaseId,
    /// A row for each change of the pack, by index; empty if the pack could not be rebuilt (then `fault` says why).
    #[n(1)]
    pub rows: Vec<crate::ReceiptRow>,
    /// Why changes are held: index and code.
    #[n(2)]
    pub held: Vec<(u32, String)>,
    /// Why the whole pack could not be rebuilt; its changes stay in the outbox.
    #[n(3)]
    pub fault: Option<String>,
}

/// What is new in a scope after the cursor.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct FeedPage {
    /// The scope.
    #[n(0)]
    pub scope: String,
    /// The cursor after this page.
    #[n(1)]
    pub to: u64,
    /// Whether more is waiting.
    #[n(2)]
    pub more: bool,
    /// Cases with new changes.
    #[n(3)]
    pub cases: Vec<FeedCase>,
}

/// New changes of one case, without those that the asking device pushed: it has them, with their verdicts.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct FeedCase {
    /// The case.
    #[cbor(n(0), with = "id")]
    pub case: CaseId,
    /// The changes as an elided pack.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub pack: Vec<u8>,
    /// Their receipts, by index; deltas start from 0.
    #[n(2)]
    pub receipts: Vec<crate::ReceiptRow>,
}

/// A kind of reference rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum RefKind {
    /// Parcels of the device's scopes.
    #[n(0)]
    Parcels,
    /// The outlet directory.
    #[n(1)]
    Outlets,
    /// The rule pack.
    #[n(2)]
    Pack,
}

impl RefKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Parcels, Self::Outlets, Self::Pack];

    /// The spelling in `GET /v1/refs/{kind}`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parcels => "parcels",
            Self::Outlets => "outlets",
            Self::Pack => "pack",
        }
    }

    /// The kind of a spelling.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A kind with its version. Versions grow; 0 is "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RefVersion {
    /// The kind.
    #[n(0)]
    pub kind: RefKind,
    /// Its version.
    #[n(1)]
    pub version: u64,
}

/// `GET /v1/refs/{kind}?have=VERSION`: all rows of the kind that the device may see, or 304 if it has that version.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Refs {
    /// Their version.
    #[n(0)]
    pub version: u64,
    /// Rows of kind `parcels`.
    #[n(1)]
    pub parcels: Vec<ParcelRow>,
    /// Rows of kind `outlets`.
    #[n(2)]
    pub outlets: Vec<OutletRow>,
    /// The rule pack's JSON, for kind `pack`.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub pack: Vec<u8>,
}

/// A parcel as it travels. Personal values keep their sealed layout.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct ParcelRow {
    /// Waybill.
    #[n(0)]
    pub waybill: String,
    /// Network code.
    #[n(1)]
    pub network: String,
    /// Origin outlet.
    #[n(2)]
    pub origin_outlet: String,
    /// Delivering outlet.
    #[n(3)]
    pub delivering_outlet: String,
    /// Courier's account.
    #[n(4)]
    pub courier: Option<String>,
    /// Recipient's name.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub recipient_name: Vec<u8>,
    /// Recipient's mobile; empty if the label has none.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub recipient_phone: Vec<u8>,
    /// Recipient's address.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub recipient_address: Vec<u8>,
    /// Cash to collect, in fen.
    #[n(8)]
    pub cod_fen: i64,
    /// Scheduled arrival, milliseconds since 1970.
    #[n(9)]
    pub theoretical_arrival_ms: Option<i64>,
}

/// An outlet as it travels.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct OutletRow {
    /// Code.
    #[n(0)]
    pub code: String,
    /// Chinese name.
    #[n(1)]
    pub name_zh: String,
    /// English name.
    #[n(2)]
    pub name_en: String,
    /// Business phone.
    #[n(3)]
    pub phone: String,
}

/// `POST /v1/enrol`: redeems a one-time code. Redeeming again from the same installation gives a new token, so a lost
/// answer strands nobody.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct EnrolRequest {
    /// The code, as head office handed it out.
    #[n(0)]
    pub code: String,
    /// The device.
    #[cbor(n(1), with = "id")]
    pub device: DeviceId,
    /// The installation.
    #[cbor(n(2), with = "id")]
    pub install: InstallId,
}

/// The answer to an enrolment.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct EnrolResponse {
    /// The bearer token; the server keeps only its hash.
    #[n(0)]
    pub token: String,
    /// The account that the code was for.
    #[n(1)]
    pub user: String,
    /// Its role.
    #[n(2)]
    pub role: String,
    /// Its outlet.
    #[n(3)]
    pub outlet: String,
    /// The person's name, for the screen.
    #[n(4)]
    pub name: String,
    /// The server's clock.
    #[n(5)]
    pub now_ms: i64,
}

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ErrorBody {
    /// Stable code; `PROTOCOL.md` lists them.
    #[n(0)]
    pub code: String,
    /// Text for a log; no personal data.
    #[n(1)]
    pub detail: String,
}
