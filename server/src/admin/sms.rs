//! SMS as head office looks at them.

use doorstep_domain::UnixMs;
use rusqlite::TransactionBehavior;

use super::Admin;
pub use crate::sms::{Found, InboundRow, MessageRow, ReceiptRow};
use crate::{AdminError, keys::Keys, sms};

impl Admin {
    /// SMS that are not settled, those of which nobody knows first; `all` of them if asked. Numbers are not shown.
    pub fn messages(&self, all: bool, limit: u32) -> Result<Vec<MessageRow>, AdminError> {
        Ok(sms::list(&self.db, all, limit)?)
    }

    /// Receipts that name no message.
    pub fn receipts(&self, limit: u32) -> Result<Vec<ReceiptRow>, AdminError> {
        Ok(sms::receipts(&self.db, limit)?)
    }

    /// What customers wrote: what landed on no case, or all.
    pub fn inbound(&self, all: bool, limit: u32) -> Result<Vec<InboundRow>, AdminError> {
        Ok(sms::inbound(&self.db, !all, limit)?)
    }

    /// Lets SMS go on that were held when the data folder was put back from a copy. Returns how many wait; `None`: they were not held.
    pub fn sms_go(&mut self) -> Result<Option<u64>, AdminError> {
        let waiting = sms::waiting(&self.db)?;
        Ok(sms::go(&self.db)?.then_some(waiting))
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
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let keys = Keys::read(&tx)?;
        sms::settle_by_hand(&tx, &keys, &self.rules, &case, (entry, found, by, why), now)?;
        tx.commit()?;
        Ok(())
    }
}
