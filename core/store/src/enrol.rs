//! Stores an enrolment, which decides who owns this store.

use doorstep_domain::UnixMs;
use rusqlite::TransactionBehavior;

use crate::{
    Enrolment, Member, Store, StoreError,
    identity::{install, members, set_token},
    rebase,
    row::{Statements, params},
};

impl Store {
    /// Stores an enrolment. A courier's store belongs to one person, a tablet's to several people of one outlet. If the
    /// installation is new (the device's key was replaced, and the old installation belongs to the old key), unaccepted changes
    /// are written anew under it.
    pub fn enrol(&mut self, enrolment: &Enrolment, now: UnixMs) -> Result<(), StoreError> {
        let Enrolment { device, author, name, session, .. } = enrolment;
        if self.wiped {
            return Err(StoreError::Wiped);
        }
        let shift = i64::from(self.policy()?.lock_after_minutes) * 60_000;
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let others = members(&tx)?.into_iter().filter(|member| member.author.user != author.user).collect::<Vec<_>>();
        let apart = |other: &Member| {
            !other.author.role.shares_device() || !author.role.shares_device() || other.author.outlet != author.outlet
        };
        if others.iter().any(apart) {
            return Err(StoreError::OtherPerson);
        }
        let is_new_install = install(&tx)?.is_some_and(|had| had != enrolment.install);
        Self::set_meta(&tx, "device", device.as_bytes())?;
        Self::set_meta(&tx, "install", enrolment.install.as_bytes())?;
        Self::set_meta(&tx, "server", session.server.as_bytes())?;
        Self::set_meta(&tx, "server_key", &session.server_key)?;
        set_token(&tx, &session.token)?;
        tx.run(
            "INSERT INTO member (user, role, outlet, name, wrong) VALUES (?1, ?2, ?3, ?4, 0)
             ON CONFLICT (user) DO UPDATE SET role = ?2, outlet = ?3, name = ?4, wrong = 0, pin = NULL",
            params![author.user, author.role, author.outlet, name],
        )?;
        Self::set_meta(&tx, "active", author.user.as_str().as_bytes())?;
        // A code is head office's confirmation of who this is: a forgotten PIN is void, and the person is signed in to set
        // another.
        Self::set_meta(&tx, "lock_at", &now.plus(shift).0.to_be_bytes())?;
        if is_new_install {
            rebase::everything(&tx, enrolment.install, self.book.as_ref().map(|(_, book)| book.as_ref()), now)?;
        }
        tx.commit()?;
        Ok(())
    }
}
