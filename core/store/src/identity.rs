//! The identity of this device: its key's hash, the installation, and the people who were enrolled on it.

use doorstep_domain::{Author, DeviceId, InstallId, Tag, UnixMs, UserId};
use doorstep_protocol::Token;
use rusqlite::{Connection, TransactionBehavior};

use crate::{
    Store, StoreError,
    row::{Row, Statements, params},
};

/// An enrolled device and its present person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The device.
    pub device: DeviceId,
    /// The installation, which is the Automerge actor of every change that is written now.
    pub install: InstallId,
    /// The person who is signed in, or on a locked device the last one who was.
    pub author: Author,
    /// The person's name, for the screen.
    pub name: String,
    /// The server's address.
    pub server: String,
}

/// The values that a request needs. Never shown, because it holds the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The server's address.
    pub server: String,
    /// The server's public key, which signs receipts.
    pub server_key: Vec<u8>,
    /// The bearer token.
    pub token: Token,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("server", &self.server).finish_non_exhaustive()
    }
}

/// The server's answer to a redeemed code.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The device, derived from its public key.
    pub device: DeviceId,
    /// The installation that was enrolled.
    pub install: InstallId,
    /// The person.
    pub author: Author,
    /// Their name.
    pub name: String,
    /// The values for further requests.
    pub session: Session,
}

/// One person of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Account, role and outlet.
    pub author: Author,
    /// Their name.
    pub name: String,
    /// The PIN in the client's form, opaque here; `None` if none was set.
    pub pin: Option<Vec<u8>>,
    /// The number of wrong PINs in a row.
    pub wrong: u32,
}

impl Store {
    /// The installation to enrol with: the store's own, or the given one if it has none yet.
    pub fn installation(&mut self, fresh: InstallId) -> Result<InstallId, StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let install = match install(&tx)? {
            Some(install) => install,
            None => {
                Self::set_meta(&tx, "install", fresh.as_bytes())?;
                fresh
            }
        };
        tx.commit()?;
        Ok(install)
    }

    /// The device that the store was enrolled as.
    pub fn device(&self) -> Result<Option<DeviceId>, StoreError> {
        Self::meta_as(&self.db, "device")
    }

    /// The identity of this device; `None` before enrolment.
    pub fn identity(&self) -> Result<Option<Identity>, StoreError> {
        read(&self.db)
    }

    /// The values that requests need; `None` before enrolment.
    pub fn session(&self) -> Result<Option<Session>, StoreError> {
        let Some(token) = Self::meta(&self.db, "token")? else { return Ok(None) };
        let secret = String::from_utf8(token).map_err(|_| StoreError::Damaged("meta"))?;
        let expires =
            Self::meta(&self.db, "token_expires")?.and_then(|bytes| bytes.try_into().ok()).map_or(0, i64::from_be_bytes);
        let server_key = Self::meta(&self.db, "server_key")?.ok_or(StoreError::Damaged("meta"))?;
        Ok(Some(Session { server: need(&self.db, "server")?, server_key, token: Token { secret, expires_ms: expires } }))
    }

    /// Stores a new token.
    pub fn set_token(&mut self, token: &Token) -> Result<(), StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        set_token(&tx, token)?;
        tx.commit()?;
        Ok(())
    }

    /// The people of this device, by account.
    pub fn members(&self) -> Result<Vec<Member>, StoreError> {
        members(&self.db)
    }

    /// Sets the stored form of a person's PIN.
    pub fn set_pin(&mut self, user: &UserId, pin: Option<&[u8]>) -> Result<(), StoreError> {
        self.db.run("UPDATE member SET pin = ?2, wrong = 0 WHERE user = ?1", params![user, pin])?;
        Ok(())
    }

    /// Counts a wrong PIN durably. Call it before anybody learns that the PIN was wrong.
    pub fn wrong_pin(&mut self, user: &UserId) -> Result<(), StoreError> {
        self.db.run("UPDATE member SET wrong = wrong + 1 WHERE user = ?1", params![user])?;
        Ok(())
    }

    /// Signs a person in until `lock_at`.
    pub fn sign_in(&mut self, user: &UserId, lock_at: UnixMs) -> Result<(), StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.run("UPDATE member SET wrong = 0 WHERE user = ?1", params![user])?;
        Self::set_meta(&tx, "active", user.as_str().as_bytes())?;
        Self::set_meta(&tx, "lock_at", &lock_at.0.to_be_bytes())?;
        tx.commit()?;
        Ok(())
    }

    /// Locks the device: nobody is signed in until the next [`Store::sign_in`].
    pub fn lock(&mut self) -> Result<(), StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Self::set_meta(&tx, "lock_at", &i64::MIN.to_be_bytes())?;
        tx.commit()?;
        Ok(())
    }

    /// Whether this device has heard nothing from head office for longer than the policy permits, and stays locked until it does.
    /// Time is the server's, extrapolated by this boot's clock. After a restart it is the wall clock, which a person can turn
    /// back; a wall clock more than a day behind the last answer therefore locks too.
    pub fn is_offline_too_long(&self, now: UnixMs) -> Result<bool, StoreError> {
        const DAY_MS: i64 = 86_400_000;
        let read =
            |key| Ok::<_, StoreError>(Self::meta(&self.db, key)?.and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes));
        let Some(end) = read("offline_end")?.filter(|end| *end != i64::MAX) else { return Ok(false) };
        Ok(now.0 > end || read("last_answer")?.is_some_and(|heard| now.0 < heard - DAY_MS))
    }

    /// Whether the device must be unlocked before recording and reading. If no person has set a PIN, only the platform locks the
    /// device.
    pub fn is_locked(&self, now: UnixMs) -> Result<bool, StoreError> {
        if members(&self.db)?.iter().all(|member| member.pin.is_none()) {
            return Ok(false);
        }
        let lock_at =
            Self::meta(&self.db, "lock_at")?.and_then(|bytes| bytes.try_into().ok()).map_or(i64::MIN, i64::from_be_bytes);
        Ok(now.0 >= lock_at)
    }
}

pub(crate) fn install(db: &Connection) -> Result<Option<InstallId>, StoreError> {
    Store::meta_as(db, "install")
}

pub(crate) fn set_token(db: &Connection, token: &Token) -> Result<(), StoreError> {
    Store::set_meta(db, "token", token.secret.as_bytes())?;
    Store::set_meta(db, "token_expires", &token.expires_ms.to_be_bytes())
}

fn need(db: &Connection, key: &str) -> Result<String, StoreError> {
    let text = Store::meta(db, key)?.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or(StoreError::Damaged("meta"))
}

pub(crate) fn members(db: &Connection) -> Result<Vec<Member>, StoreError> {
    let sql = "SELECT user, role, outlet, name, pin, wrong FROM member ORDER BY user";
    db.all("member", sql, params![], |row| {
        Ok(Member { author: read_author(row)?, name: row.get(3)?, pin: row.get(4)?, wrong: row.get(5)? })
    })
}

/// A person of this device; `None` if there is none, or the row is unusable.
pub(crate) fn member(db: &Connection, user: &str) -> Result<Option<Author>, StoreError> {
    let sql = "SELECT user, role, outlet FROM member WHERE user = ?1";
    match db.maybe("member", sql, params![user], read_author) {
        Err(StoreError::Damaged(_)) => Ok(None),
        read => read,
    }
}

fn read_author(row: &Row<'_>) -> Result<Author, StoreError> {
    Ok(Author { user: row.get(0)?, role: row.get(1)?, outlet: row.get(2)? })
}

pub(crate) fn read(db: &Connection) -> Result<Option<Identity>, StoreError> {
    let Some(active) = Store::meta(db, "active")? else { return Ok(None) };
    let Some(device) = Store::meta_as(db, "device")? else { return Ok(None) };
    let active = String::from_utf8(active).map_err(|_| StoreError::Damaged("meta"))?;
    let sql = "SELECT user, role, outlet, name FROM member WHERE user = ?1";
    let row = db.maybe("member", sql, params![active], |row| Ok((read_author(row)?, row.get(3)?)))?;
    let (author, name) = row.ok_or(StoreError::Damaged("member"))?;
    let install = install(db)?.ok_or(StoreError::Damaged("meta"))?;
    Ok(Some(Identity { device, install, author, name, server: need(db, "server")? }))
}

/// The number of former tags that are kept.
const FORMER_TAGS: usize = 32;

/// The tags under which this device wrote before it moved on to a new installation, oldest first.
pub(crate) fn former_tags(db: &Connection) -> Result<Vec<Tag>, StoreError> {
    let text = Store::meta(db, "former_tags")?.unwrap_or_default();
    let words = std::str::from_utf8(&text).map_err(|_| StoreError::Damaged("identity"))?.split_ascii_whitespace();
    words.map(|word| Tag::from_text(word).ok_or(StoreError::Damaged("identity"))).collect()
}

/// Stores the present tag as a former one, because an SMS that was written under it is still this device's to send.
pub(crate) fn remember_tag(db: &Connection) -> Result<(), StoreError> {
    let Some(who) = read(db)? else { return Ok(()) };
    let mut tags = former_tags(db)?;
    tags.push(Tag::of(&who.install));
    let kept: Vec<&str> = tags.iter().skip(tags.len().saturating_sub(FORMER_TAGS)).map(Tag::as_str).collect();
    Store::set_meta(db, "former_tags", kept.join(" ").as_bytes())
}

/// Deletes the former tags.
pub(crate) fn forget_tags(db: &Connection) -> Result<(), StoreError> {
    Store::set_meta(db, "former_tags", b"")
}
