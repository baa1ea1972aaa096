//! Who this device is: the installation, and the person it was enrolled for.

use doorstep_domain::{Author, DeviceId, InstallId, Role};
use rusqlite::{Connection, TransactionBehavior};

use crate::{Store, StoreError};

/// An enrolled device.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The device.
    pub device: DeviceId,
    /// The installation: the Automerge actor of everything written here.
    pub install: InstallId,
    /// The person.
    pub author: Author,
    /// The person's name, for the screen.
    pub name: String,
    /// The server's address.
    pub server: String,
    /// The bearer token.
    pub token: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("device", &self.device).field("author", &self.author).finish_non_exhaustive()
    }
}

/// What the server says when a code is redeemed.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The person.
    pub author: Author,
    /// Their name.
    pub name: String,
    /// The server's address.
    pub server: String,
    /// The bearer token.
    pub token: String,
}

impl Store {
    /// The device and installation ids; those given are kept if the store has none yet.
    pub fn installation(&mut self, fresh: (DeviceId, InstallId)) -> Result<(DeviceId, InstallId), StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let ids = match ids(&tx)? {
            Some(ids) => ids,
            None => {
                Self::set_meta(&tx, "device", fresh.0.as_bytes())?;
                Self::set_meta(&tx, "install", fresh.1.as_bytes())?;
                fresh
            }
        };
        tx.commit()?;
        Ok(ids)
    }

    /// Takes an enrolment. A store belongs to one person: entries bear their name, and parcels are theirs to read.
    pub fn enrol(&mut self, enrolment: &Enrolment) -> Result<(), StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if read(&tx)?.is_some_and(|who| who.author.user != enrolment.author.user) {
            return Err(StoreError::OtherPerson);
        }
        let fields = [
            ("user", enrolment.author.user.as_str()),
            ("role", enrolment.author.role.as_str()),
            ("outlet", enrolment.author.outlet.as_str()),
            ("name", &enrolment.name),
            ("server", &enrolment.server),
            ("token", &enrolment.token),
        ];
        for (key, value) in fields {
            Self::set_meta(&tx, key, value.as_bytes())?;
        }
        tx.commit()?;
        Ok(())
    }

    /// Who this device is; `None` before enrolment.
    pub fn identity(&self) -> Result<Option<Identity>, StoreError> {
        read(&self.db)
    }
}

fn ids(db: &Connection) -> Result<Option<(DeviceId, InstallId)>, StoreError> {
    let (Some(device), Some(install)) = (Store::meta(db, "device")?, Store::meta(db, "install")?) else { return Ok(None) };
    let damaged = |_| StoreError::Damaged("meta");
    Ok(Some((DeviceId::try_from(device.as_slice()).map_err(damaged)?, InstallId::try_from(install.as_slice()).map_err(damaged)?)))
}

pub(crate) fn read(db: &Connection) -> Result<Option<Identity>, StoreError> {
    let Some((device, install)) = ids(db)? else { return Ok(None) };
    let text = |key| Ok::<_, StoreError>(Store::meta(db, key)?.and_then(|bytes| String::from_utf8(bytes).ok()));
    let Some(token) = text("token")? else { return Ok(None) };
    let need = |key| text(key)?.ok_or(StoreError::Damaged("meta"));
    let author = Author {
        user: need("user")?.parse().map_err(|_| StoreError::Damaged("meta"))?,
        role: need("role")?.parse::<Role>().map_err(|_| StoreError::Damaged("meta"))?,
        outlet: need("outlet")?.parse().map_err(|_| StoreError::Damaged("meta"))?,
    };
    Ok(Some(Identity { device, install, author, name: need("name")?, server: need("server")?, token }))
}
