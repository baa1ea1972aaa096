//! Reference rows, which the server publishes and devices keep.

use minicbor::{Decode, Encode};

use crate::Signed;

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
    /// The rule pack, in all versions that a device needs.
    #[n(2)]
    Pack,
    /// The policy: who may record what.
    #[n(3)]
    Policy,
    /// The people of the device's outlets (version 3).
    #[n(4)]
    People,
    /// Holidays and adjusted working days, in addition to those in the packs (version 3).
    #[n(5)]
    Calendar,
}

impl RefKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Parcels, Self::Outlets, Self::Pack, Self::Policy, Self::People, Self::Calendar];
    /// The kinds that devices of version 2 know.
    pub const OF_VERSION_2: [Self; 4] = [Self::Parcels, Self::Outlets, Self::Pack, Self::Policy];

    /// The spelling in `GET /v1/refs/{kind}`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parcels => "parcels",
            Self::Outlets => "outlets",
            Self::Pack => "pack",
            Self::Policy => "policy",
            Self::People => "people",
            Self::Calendar => "calendar",
        }
    }

    /// The kind with this spelling.
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

/// `GET /v1/refs/{kind}?have=VERSION`: all rows of the kind that the device may see, or 304 if it has that version. With `&part=1` and
/// kind `parcels` it may be the difference to that version.
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
    /// The JSON of the policy, for this kind.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub policy: Vec<u8>,
    /// The published versions of the rule pack, for this kind. Each is a [`crate::Publication`] signed over
    /// [`crate::signing::pack_message`].
    #[n(4)]
    pub packs: Option<Vec<Signed>>,
    /// Rows of kind `people`.
    #[n(5)]
    pub people: Option<Vec<PersonRow>>,
    /// Rows of kind `calendar`.
    #[n(6)]
    pub days: Option<Vec<DayRow>>,
    /// For kind `parcels`: the answer is a difference to this version, which the device named. Absent: it is all rows.
    #[n(7)]
    pub since: Option<u64>,
    /// In a difference: the waybills of rows that the device may not see any more.
    #[n(8)]
    pub ended: Option<Vec<String>>,
}

/// The wire form of a person of an outlet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PersonRow {
    /// Account.
    #[n(0)]
    pub account: String,
    /// Name.
    #[n(1)]
    pub name: String,
    /// Role.
    #[n(2)]
    pub role: String,
    /// Outlet.
    #[n(3)]
    pub outlet: String,
    /// Whether they have left.
    #[n(4)]
    pub left: bool,
}

/// A day of the calendar that is an exception to its weekday.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DayRow {
    /// Days since 1970-01-01.
    #[n(0)]
    pub day: i32,
    /// True for an adjusted working day, false for a holiday.
    #[n(1)]
    pub works: bool,
    /// The day's name.
    #[n(2)]
    pub name: String,
}

/// The wire form of a parcel. Personal values keep their stored layout.
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
    /// The hub that handles it on its way.
    #[n(10)]
    pub hub: Option<String>,
    /// When its data were first in the system, milliseconds since 1970.
    #[n(11)]
    pub entered_ms: Option<i64>,
    /// Child numbers of a shipment of several pieces.
    #[n(12)]
    pub children: Option<Vec<String>>,
    /// A virtual number that reaches the recipient; empty if there is none.
    #[cbor(n(13), with = "minicbor::bytes", default)]
    pub virtual_phone: Vec<u8>,
    /// When the virtual number stops reaching them, milliseconds since 1970.
    #[n(14)]
    pub virtual_until_ms: Option<i64>,
    /// The rest of the row; absent if it is empty.
    #[n(15)]
    pub details: Option<DetailsRow>,
}

/// The wire form of the fields of a parcel that no rule needs. Each may be absent. Personal values keep their stored layout and are
/// empty if absent.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub struct DetailsRow {
    /// Sender's name.
    #[cbor(n(0), with = "minicbor::bytes", default)]
    pub sender_name: Vec<u8>,
    /// Sender's number.
    #[cbor(n(1), with = "minicbor::bytes", default)]
    pub sender_phone: Vec<u8>,
    /// Who pays the freight: `prepaid` or `collect`.
    #[n(2)]
    pub freight: Option<String>,
    /// The freight, in fen.
    #[n(3)]
    pub freight_fen: Option<i64>,
    /// The number of the receipt that goes back to the sender.
    #[n(4)]
    pub receipt_no: Option<String>,
    /// Weight on the label, in grams.
    #[n(5)]
    pub label_grams: Option<u32>,
    /// The number of pieces.
    #[n(6)]
    pub pieces: Option<u32>,
    /// The goods' name, a personal value.
    #[cbor(n(7), with = "minicbor::bytes", default)]
    pub goods: Vec<u8>,
    /// The goods' declared value, in fen.
    #[n(8)]
    pub declared_fen: Option<i64>,
    /// The day of the list, in days since 1970-01-01.
    #[n(9)]
    pub day: Option<i32>,
    /// The inbound run.
    #[n(10)]
    pub run: Option<String>,
    /// When the row ends, milliseconds since 1970.
    #[n(11)]
    pub expires_ms: Option<i64>,
    /// When the server received a list that moved the parcel to its courier, milliseconds since 1970.
    #[n(12)]
    pub courier_ms: Option<i64>,
}

/// The wire form of an outlet.
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
