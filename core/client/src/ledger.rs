//! Outlet finance's registers of the person's own outlet, as far as their lines are on this device.

use doorstep_domain::{Book, Day, Role};
use doorstep_rules::Ledgers;

use crate::{Client, ClientError, Refusal};

impl Client {
    /// The registers of the person's own outlet from one day to another, both included, given as ISO dates; without a first day the
    /// last one alone, without a last day until the first one, without both today in the network's time zone. Of one register if
    /// one is named. Only the outlet's staff, manager and finance read them (domain 10.2).
    pub fn ledgers(&self, from: Option<&str>, to: Option<&str>, book: Option<Book>) -> Result<Ledgers, ClientError> {
        let now = self.unlocked()?;
        let who = self.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        if !matches!(who.author.role, Role::Outlet | Role::OutletFinance | Role::OutletManager) {
            return Err(ClientError::Refused(Refusal::NoLedger));
        }
        let (from, to): (Option<Day>, Option<Day>) = (from.map(str::parse).transpose()?, to.map(str::parse).transpose()?);
        let days = self.day_or_today(from.or(to))?..=self.day_or_today(to.or(from))?;
        Ok(self.inner.store().ledgers(&who.author.outlet, &days, book, now)?)
    }
}
