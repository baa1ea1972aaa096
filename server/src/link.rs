//! The server's own signed log: one chain of links over its verdicts and its own changes, so that stored data can be verified
//! against it. A holder of the signing key could forge the whole chain; checkpoints of its end, stored on another machine, would
//! reveal that.

use doorstep_domain::{CaseId, ChangeHash, DeviceId, Receipt, UnixMs};
use doorstep_protocol::{
    decode, encode,
    signing::{link_message, receipt_hash},
};
use doorstep_sql::ValueError;
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::{
    error::ApiError,
    keys::Keys,
    store::{
        chains,
        links::{self, Link},
        log_rows, quarantine,
        tx::{StoreError, Tx},
    },
};

/// The data for which a link vouches.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Entry {
    /// The first link: unsigned data from before the links.
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
        /// SHA-256 of the stored verdicts.
        #[cbor(n(3), with = "minicbor::bytes")]
        ack: [u8; 32],
        /// A digest of the stored results of the batch: see [`Kept`].
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

/// The log's content from before the links: counts, and digests over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Before {
    /// The number of batches.
    #[n(0)]
    pub batches: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub batches_digest: [u8; 32],
    /// The number of the server's own changes.
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

/// A digest of a batch's stored results, in the batch's order: the place of each accepted change, and the receipt with which each
/// refused change is in quarantine. The verdicts hold neither.
#[derive(Default)]
pub(crate) struct Kept(Sha256);

impl Kept {
    pub(crate) fn taken(&mut self, case: &CaseId, change: &ChangeHash, n: u64) {
        for part in [b"n".as_slice(), case.as_bytes(), change.as_bytes(), &n.to_be_bytes()] {
            self.0.update(part);
        }
    }

    /// Adds a refused change with its stored receipt, which may come from another batch, because the first receipt stays.
    pub(crate) fn quarantined(
        &mut self,
        tx: &Tx<'_>,
        (case, change): (&CaseId, &ChangeHash),
        (install, number): (&[u8; 16], u64),
    ) -> Result<(), StoreError> {
        if let Some(receipt) = quarantine::receipt_of(tx, (case, change), (install, number))? {
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

impl Link {
    /// The signed message of a link; `None` if its predecessor is no hash.
    pub(crate) fn message(&self) -> Option<Vec<u8>> {
        let prev = self.prev.as_slice().try_into().ok()?;
        Some(link_message(self.number, prev, self.at.0, &self.body))
    }

    pub(crate) fn entry(&self) -> Option<Entry> {
        decode(&self.body).ok()
    }
}

/// Appends a link in the same transaction as its data. Returns the link's number.
pub(crate) fn append(tx: &Tx<'_>, keys: &Keys, entry: &Entry, at: UnixMs) -> Result<u64, ApiError> {
    let (number, prev) = match links::last(tx)? {
        None => (1, [0; 32]),
        Some(last) => (last.number + 1, sha(&last.message().ok_or(StoreError::Row(ValueError::Content("hash")))?)),
    };
    let keys = keys.newest(tx)?;
    let body = encode(entry)?;
    let sig = keys.sign_link(&link_message(number, &prev, at.0, &body))?;
    let key = DeviceId::of(&keys.public()).as_bytes().to_vec();
    links::add(tx, &Link { number, prev: prev.to_vec(), at, key, body, sig })?;
    Ok(number)
}

/// Begins the chain of links. From now on earlier data can not be changed unnoticed either.
pub(crate) fn begin(tx: &Tx<'_>) -> Result<(), ApiError> {
    let mut batches = Tally::default();
    chains::each_judged(tx, |batch| batches.batch(&batch.install, batch.number, &batch.hash, &batch.ack))?;
    let own = own_of_before(tx)?;
    let before = Before { batches: batches.count, batches_digest: batches.digest(), own: own.count, own_digest: own.digest() };
    // The time is left at 0, because a migration reads no clock.
    append(tx, &Keys::read(tx)?, &Entry::Before { before }, UnixMs(0)).map(|_| ())
}

/// Tallies the server's own changes for which no link vouches.
pub(crate) fn own_of_before(tx: &Tx<'_>) -> Result<Tally, StoreError> {
    let mut own = Tally::default();
    log_rows::each_unvouched_own(tx, |change| own.own(&change.case, change.n, &change.hash, &change.receipt))?;
    Ok(own)
}
