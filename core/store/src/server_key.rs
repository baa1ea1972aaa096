//! The server's key that this device pins, and its replacement.

use doorstep_protocol::KeyHash;
use rusqlite::TransactionBehavior;

use crate::{
    Store, StoreError,
    row::{Statements, params},
};

/// The name in `meta`: the server is to be told which key is pinned here.
const TELL: &str = "tell_server_key";

impl Store {
    /// Pins another key of the server, which the former key has signed. The next request tells the server, which signs with the
    /// new key from then on.
    pub fn take_server_key(&mut self, key: &[u8]) -> Result<(), StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Self::set_meta(&tx, "server_key", key)?;
        Self::set_meta(&tx, TELL, &[])?;
        tx.commit()?;
        Ok(())
    }

    /// Makes the next request tell the server which key is pinned here, because its answers are signed with another one, as after
    /// a restored backup.
    pub fn tell_server_key(&mut self) -> Result<(), StoreError> {
        Self::set_meta(&self.db, TELL, &[])
    }

    /// Notes that the server knows the pinned key, because its answer is signed with that key.
    pub fn told_server_key(&mut self) -> Result<(), StoreError> {
        self.db.run("DELETE FROM meta WHERE key = ?1", params![TELL])?;
        Ok(())
    }

    /// The pinned key that the next request names; `None` while the server knows it.
    pub(crate) fn pins(&self) -> Result<Option<KeyHash>, StoreError> {
        if Self::meta(&self.db, TELL)?.is_none() {
            return Ok(None);
        }
        Ok(Self::meta(&self.db, "server_key")?.map(|key| KeyHash::of(&key)))
    }
}
