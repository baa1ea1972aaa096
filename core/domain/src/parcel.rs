//! Reference rows: what the server publishes and devices cache. They are not documents; they can be erased.

use serde::Serialize;

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
}

impl Parcel {
    /// The case this parcel would have.
    pub fn case_id(&self) -> CaseId {
        CaseId::of(&self.network, &self.waybill)
    }
}
