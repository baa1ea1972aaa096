//! The server's own signed log: one chain over the verdicts that it gave and over what it wrote itself, so that what is stored can be
//! held against it. Who holds the signing key can make it anew; checkpoints of its end, kept off the machine, would show that.

use doorstep_domain::{CaseId, ChangeHash, DeviceId, Receipt, UnixMs};
use doorstep_protocol::{
    decode, encode,
    signing::{link_message, receipt_hash},
};
use minicbor::{Decode, Encode};
use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::{
    error::ApiError,
    keys::Keys,
    receipt::{RECEIPT, receipt_of},
    store::tx::Tx,
};

/// What a link vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Entry {
    /// The first link: what was there before, of which nothing was signed.
    #[n(0)]
    Before {
        #[n(0)]
        before: Before,
    },
    /// The verdicts on a batch.
    #[n(1)]
    Verdicts {
        #[cbor(n(0), with = "minicbor::bytes")]
        install: [u8; 16],
        #[n(1)]
        number: u64,
        #[cbor(n(2), with = "minicbor::bytes")]
        hash: [u8; 32],
        /// SHA-256 of the verdicts as they are stored.
        #[cbor(n(3), with = "minicbor::bytes")]
        ack: [u8; 32],
        /// What was kept of the batch: see [`Kept`].
        #[cbor(n(4), with = "minicbor::bytes")]
        kept: [u8; 32],
    },
    /// A change that the server itself wrote.
    #[n(2)]
    Own {
        #[cbor(n(0), with = "minicbor::bytes")]
        case: [u8; 16],
        #[n(1)]
        n: u64,
        #[cbor(n(2), with = "minicbor::bytes")]
        device: [u8; 16],
        #[cbor(n(3), with = "minicbor::bytes")]
        change: [u8; 32],
        #[cbor(n(4), with = "minicbor::bytes")]
        receipt: [u8; 32],
    },
}

/// What stood in the log before it had links: how many, and a digest over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Before {
    /// Batches.
    #[n(0)]
    pub batches: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub batches_digest: [u8; 32],
    /// Changes of the server's own.
    #[n(2)]
    pub own: u64,
    #[cbor(n(3), with = "minicbor::bytes")]
    pub own_digest: [u8; 32],
}

/// Counts and digests rows in the order of their keys.
#[derive(Clone, Default)]
pub(crate) struct Tally {
    pub count: u64,
    digest: Sha256,
}

impl Tally {
    pub(crate) fn batch(&mut self, install: &[u8], number: u64, hash: &[u8], ack: &[u8]) {
        self.count += 1;
        for part in [install, &number.to_be_bytes(), hash, &sha(ack)] {
            self.digest.update(part);
        }
    }

    pub(crate) fn own(&mut self, case: &[u8], n: u64, change: &ChangeHash, receipt: &Receipt) {
        self.count += 1;
        for part in [case, &n.to_be_bytes(), &receipt_hash(change, receipt)] {
            self.digest.update(part);
        }
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }
}

/// What was kept of a batch, in its order: the place of each change that was taken, and the receipt under which each one that was refused
/// went into quarantine. The verdicts say neither.
#[derive(Default)]
pub(crate) struct Kept(Sha256);

impl Kept {
    pub(crate) fn taken(&mut self, case: &CaseId, change: &ChangeHash, n: u64) {
        for part in [b"n".as_slice(), case.as_bytes(), change.as_bytes(), &n.to_be_bytes()] {
            self.0.update(part);
        }
    }

    /// Looks up the receipt itself: the first one stays, and it may be another batch's.
    pub(crate) fn quarantined(
        &mut self,
        db: &Tx<'_>,
        (case, change): (&CaseId, &ChangeHash),
        (install, number): (&[u8; 16], u64),
    ) -> Result<(), ApiError> {
        let receipt = db
            .prepare_cached(&format!(
                "SELECT {RECEIPT} FROM quarantine
                 WHERE case_id = ?1 AND hash = ?2 AND pushed_by = ?3 AND batch = ?4"
            ))?
            .query_row(params![case.as_bytes(), change.as_bytes(), install, number], |row| receipt_of(row, 0))
            .optional()?;
        if let Some(receipt) = receipt {
            for part in [b"q".as_slice(), case.as_bytes(), &receipt_hash(change, &receipt)] {
                self.0.update(part);
            }
        }
        Ok(())
    }

    pub(crate) fn digest(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

pub(crate) fn sha(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A link as it is stored.
pub(crate) struct Link {
    pub number: u64,
    pub prev: Vec<u8>,
    pub at: i64,
    /// The first bytes of the hash of the key that signed it.
    pub key: Vec<u8>,
    pub body: Vec<u8>,
    pub sig: Vec<u8>,
}

impl Link {
    pub(crate) const COLUMNS: &str = "number, prev, at, key, body, sig";

    pub(crate) fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            prev: row.get(1)?,
            at: row.get(2)?,
            key: row.get(3)?,
            body: row.get(4)?,
            sig: row.get(5)?,
        })
    }

    /// What was signed of it; `None`: its predecessor is no hash.
    pub(crate) fn message(&self) -> Option<Vec<u8>> {
        let prev = self.prev.as_slice().try_into().ok()?;
        Some(link_message(self.number, prev, self.at, &self.body))
    }

    pub(crate) fn entry(&self) -> Option<Entry> {
        decode(&self.body).ok()
    }
}

/// The link of this number.
pub(crate) fn read(db: &Tx<'_>, number: u64) -> Result<Option<Link>, ApiError> {
    let mut query = db.prepare_cached(&format!("SELECT {} FROM link WHERE number = ?1", Link::COLUMNS))?;
    Ok(query.query_row([number], Link::of).optional()?)
}

/// Appends a link in the transaction of what it vouches for. Returns its number.
pub(crate) fn append(db: &Tx<'_>, keys: &Keys, entry: &Entry, at: UnixMs) -> Result<u64, ApiError> {
    let last = db
        .prepare_cached(&format!("SELECT {} FROM link ORDER BY number DESC LIMIT 1", Link::COLUMNS))?
        .query_row([], Link::of)
        .optional()?;
    let (number, prev) = match &last {
        None => (1, [0; 32]),
        Some(last) => (last.number + 1, sha(&last.message().ok_or(ApiError::Internal("link row"))?)),
    };
    let keys = keys.newest(db)?;
    let body = encode(entry)?;
    let sig = keys.sign_link(&link_message(number, &prev, at.0, &body))?;
    db.prepare_cached(&format!("INSERT INTO link ({}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", Link::COLUMNS))?.execute(params![
        number,
        prev,
        at.0,
        DeviceId::of(&keys.public()).as_bytes(),
        body,
        sig
    ])?;
    Ok(number)
}

/// Begins the log of links: from now on what was there before can not be changed unseen either.
pub(crate) fn begin(db: &Tx<'_>) -> Result<(), ApiError> {
    let mut batches = Tally::default();
    let mut query = db.prepare("SELECT install, number, hash, ack FROM envelope ORDER BY install, number, hash")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let blob = |at: usize| row.get::<_, Vec<u8>>(at);
        batches.batch(&blob(0)?, row.get(1)?, &blob(2)?, &blob(3)?);
    }
    let own = own_of_before(db)?;
    let before = Before { batches: batches.count, batches_digest: batches.digest(), own: own.count, own_digest: own.digest() };
    // When it was is not known here: a step of the schema reads no clock.
    append(db, &Keys::read(db)?, &Entry::Before { before }, UnixMs(0)).map(|_| ())
}

/// The server's own changes for which no link vouches.
pub(crate) fn own_of_before(db: &Tx<'_>) -> Result<Tally, ApiError> {
    let mut own = Tally::default();
    let mut query = db.prepare(&format!(
        "SELECT case_id, n, hash, {RECEIPT} FROM change
         WHERE batch = 0 AND link IS NULL ORDER BY case_id, n"
    ))?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let hash: Vec<u8> = row.get(2)?;
        let hash = ChangeHash::try_from(hash.as_slice())
            .map_err(|_| rusqlite::Error::InvalidColumnType(2, "hash".into(), rusqlite::types::Type::Blob))?;
        own.own(&row.get::<_, Vec<u8>>(0)?, row.get(1)?, &hash, &receipt_of(row, 3)?);
    }
    Ok(own)
}
