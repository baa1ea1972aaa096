//! The server's key that this device pins, when it is replaced.

use doorstep_protocol::KeyHash;
use rusqlite::TransactionBehavior;

use crate::{
    Store, StoreError,
    row::{Statements, params},
};

/// In `meta`: the server is to be told which key is pinned here.
const TELL: &str = "tell_server_key";

impl Store {
    /// Takes another key for the server's, which the one before has vouched for. The server is told with the next request, and signs
    /// with it from then on.
    pub fn take_server_key(&mut self, key: &[u8]) -> Result<(), StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Self::set_meta(&tx, "server_key", key)?;
        Self::set_meta(&tx, TELL, &[])?;
        tx.commit()?;
        Ok(())
    }

    /// Answers are signed with another key than is pinned here: the server is told which one that is, as after a restored backup.
    pub fn tell_server_key(&mut self) -> Result<(), StoreError> {
        Self::set_meta(&self.db, TELL, &[])
    }

    /// An answer to a request that told it has come, signed with that key.
    pub fn told_server_key(&mut self) -> Result<(), StoreError> {
        self.db.run("DELETE FROM meta WHERE key = ?1", params![TELL])?;
        Ok(())
    }

    /// What the next request says of the pinned key; `None` while the server knows.
    pub(crate) fn pins(&self) -> Result<Option<KeyHash>, StoreError> {
        if Self::meta(&self.db, TELL)?.is_none() {
            return Ok(None);
        }
        Ok(Self::meta(&self.db, "server_key")?.map(|key| KeyHash::of(&key)))
    }
}
