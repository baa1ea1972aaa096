//! Published rule packs, which head office signs once for all devices.

use minicbor::{Decode, Encode};

use crate::{
    AnswerError, DayRow, OutletRow, ParcelRow, PersonRow, Refs, Signed, decode,
    signing::{is_signed, pack_message},
};

/// A version of a network's rule pack, with the time from which it is in force.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Publication {
    /// Network code.
    #[n(0)]
    pub network: String,
    /// Version.
    #[n(1)]
    pub version: u32,
    /// When it was published, by the server's clock, milliseconds since 1970.
    #[n(2)]
    pub published_ms: i64,
    /// From when it is in force, milliseconds since 1970.
    #[n(3)]
    pub valid_from_ms: i64,
    /// The pack, TOML.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub toml: Vec<u8>,
}

impl Publication {
    /// Reads a publication that the server has signed.
    pub fn verify(signed: &Signed, server_key: &[u8]) -> Result<Self, AnswerError> {
        if !is_signed(server_key, &pack_message(&signed.body), &signed.sig) {
            return Err(AnswerError::Signature);
        }
        Ok(decode(&signed.body)?)
    }
}

/// Reference rows whose signatures were checked. A device uses no other form of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reference {
    /// Version of the kind's rows.
    pub version: u64,
    /// Rows of kind `parcels`.
    pub parcels: Vec<ParcelRow>,
    /// Rows of kind `outlets`.
    pub outlets: Vec<OutletRow>,
    /// The JSON of the policy.
    pub policy: Vec<u8>,
    /// Versions of the rule pack, with their signed bytes.
    pub packs: Vec<(Publication, Signed)>,
    /// Rows of kind `people`.
    pub people: Vec<PersonRow>,
    /// Rows of kind `calendar`.
    pub days: Vec<DayRow>,
    /// The version to which the parcels are a difference.
    pub since: Option<u64>,
    /// In a difference: the waybills of rows that have ended.
    pub ended: Vec<String>,
}

impl Refs {
    /// Checks the signatures of rule packs.
    pub fn verify(self, server_key: &[u8]) -> Result<Reference, AnswerError> {
        let Self { version, parcels, outlets, policy, packs, people, days, since, ended } = self;
        let read = |signed: Signed| Publication::verify(&signed, server_key).map(|publication| (publication, signed));
        let packs = packs.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        let (people, days) = (people.unwrap_or_default(), days.unwrap_or_default());
        Ok(Reference { version, parcels, outlets, policy, packs, people, days, since, ended: ended.unwrap_or_default() })
    }
}
