//! SMS as head office looks at them.

use doorstep_domain::UnixMs;

use super::Admin;
pub use crate::sms::{Found, InboundRow, MessageRow, ReceiptRow};
use crate::{AdminError, keys::Keys, sms};

impl Admin {
    /// SMS that are not settled, those of which nobody knows first; `all` of them if asked. Numbers are not shown.
    pub fn messages(&self, all: bool, limit: u32) -> Result<Vec<MessageRow>, AdminError> {
        self.db.read(|tx| Ok(sms::list(tx, all, limit)?))
    }

    /// Receipts that name no message.
    pub fn receipts(&self, limit: u32) -> Result<Vec<ReceiptRow>, AdminError> {
        self.db.read(|tx| Ok(sms::receipts(tx, limit)?))
    }

    /// What customers wrote: what landed on no case, or all.
    pub fn inbound(&self, all: bool, limit: u32) -> Result<Vec<InboundRow>, AdminError> {
        self.db.read(|tx| Ok(sms::inbound(tx, !all, limit)?))
    }

    /// Lets SMS go on that were held when the data folder was put back from a copy. Returns how many wait; `None`: they were not held.
    pub fn sms_go(&mut self) -> Result<Option<u64>, AdminError> {
        self.db.write(|tx| {
            let waiting = sms::waiting(tx)?;
            Ok(sms::go(tx)?.then_some(waiting))
        })
    }

    /// Settles an SMS of which nobody knew whether it was sent, by a reviewer's word.
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
