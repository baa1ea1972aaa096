//! The lease by which a sender other than its recorder may send an SMS.

use doorstep_domain::CaseId;
use minicbor::{Decode, Encode};

use crate::id;

/// `POST /v1/sms/lease`: asks whether this installation may send an SMS. For one message, one installation gets the lease, once.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LeaseRequest {
    /// The case.
    #[cbor(n(0), with = "id")]
    pub case: CaseId,
    /// Key of the SMS's entry.
    #[n(1)]
    pub entry: String,
    /// The installation that would send it.
    #[cbor(n(2), with = "id")]
    pub install: doorstep_domain::InstallId,
}

/// The answer to a lease request. The lease is also an entry that comes with the next feed; the device may send only after that.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LeaseResponse {
    /// The end of the lease by the server's clock, milliseconds since 1970; `None` if it was not given.
    #[n(0)]
    pub until_ms: Option<i64>,
    /// Why it was not given: `not_offered`, `leased`, `sent`, `expired`, `opted_out`, `limit`, or a state of the SMS.
    #[n(1)]
    pub why: Option<String>,
}
