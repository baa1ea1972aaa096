//! Reference rows: what the server publishes and devices cache. They are not documents; they can be erased.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{CaseId, Fen, NetworkCode, OutletCode, Personal, UnixMs, UserId, Waybill};

/// One outlet of the directory. The phone number is what makes exception X-1 usable offline (domain 3.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Outlet {
    /// Its code.
    pub code: OutletCode,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// A business number, public within the network.
    pub phone: String,
}

/// One parcel of the day (domain, appendix A).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Parcel {
    /// The waybill.
    pub waybill: Waybill,
    /// The network whose rules apply.
    pub network: NetworkCode,
    /// Where the sender handed it in; the target of a notice (domain 6.1).
    pub origin_outlet: OutletCode,
    /// Which outlet must deliver it.
    pub delivering_outlet: OutletCode,
    /// Who has it in the bag today.
    pub courier: Option<UserId>,
    /// Recipient's name.
    pub recipient_name: Personal,
    /// Recipient's mobile, as on the label.
    pub recipient_phone: Option<Personal>,
    /// Recipient's address.
    pub recipient_address: Personal,
    /// Cash to collect on delivery.
    pub cod: Fen,
    /// Scheduled arrival at the delivering outlet (domain 3.1, SLA-02).
    pub theoretical_arrival: Option<UnixMs>,
    /// The hub that handles it on its way.
    pub hub: Option<OutletCode>,
    /// When its data were first in the system (SLA-11).
    pub entered_at: Option<UnixMs>,
    /// Child numbers of a shipment of several pieces (子单号), without the main number.
    pub children: Vec<Waybill>,
}

impl Parcel {
    /// The case this parcel would have.
    pub fn case_id(&self) -> CaseId {
        CaseId::of(&self.network, &self.waybill)
    }
}

/// The mark of a mobile number in a case's facts: first 8 bytes of SHA-256 over `mobile/v1`, the case id and the number's
/// digits. It tells whether two numbers are the same without saying which; it becomes keyed when personal values are
/// sealed, because the space of numbers is small enough to search.
pub fn mobile_mark(case: &CaseId, number: &Personal) -> Option<[u8; 8]> {
    let digits: String = number.text()?.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return None;
    }
    let digest: [u8; 32] = Sha256::new().chain_update("mobile/v1").chain_update(case).chain_update(digits).finalize().into();
    digest.first_chunk::<8>().copied()
}
