//! The administrator's view of SMS.

use doorstep_domain::UnixMs;

use super::Admin;
pub use crate::sms::{Found, InboundRow, MessageRow, ReceiptRow};
use crate::{AdminError, keys::Keys, sms};

impl Admin {
    /// Returns unsettled SMS, with those of unknown outcome first; `all` returns every SMS. Phone numbers are left out.
    pub fn messages(&self, all: bool, limit: u32) -> Result<Vec<MessageRow>, AdminError> {
        self.db.read(|tx| Ok(sms::list(tx, all, limit)?))
    }

    /// Returns the receipts that match no message, and what of the provider can not be read, each with its bytes.
    pub fn receipts(&self, limit: u32) -> Result<Vec<ReceiptRow>, AdminError> {
        self.db.read(|tx| Ok(sms::receipts(tx, limit)?))
    }

    /// Returns customers' SMS: those that belong to no case, or all.
    pub fn inbound(&self, all: bool, limit: u32) -> Result<Vec<InboundRow>, AdminError> {
        self.db.read(|tx| Ok(sms::inbound(tx, !all, limit)?))
    }

    /// Releases SMS that were held because the data folder was restored from a copy. Returns how many wait; `None` if none were
    /// held.
    pub fn sms_go(&mut self) -> Result<Option<u64>, AdminError> {
        self.db.write(|tx| {
            let waiting = sms::waiting(tx)?;
            Ok(sms::go(tx)?.then_some(waiting))
        })
    }

    /// Settles an SMS of unknown outcome by a reviewer's statement.
    pub fn settle_sms(
        &mut self,
        waybill: &str,
        (entry, found): (&str, Found),
        (by, why): (&str, &str),
        now: UnixMs,
    ) -> Result<(), AdminError> {
        let case = self.case_of(waybill)?;
        self.db.write(|tx| {
            let keys = Keys::read(tx)?;
            sms::settle_by_hand(tx, &keys, &self.rules, &case, (entry, found, by, why), now)?;
            Ok(())
        })
    }
}
