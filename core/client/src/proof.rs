//! Checks on this device, without relying on the server, which device's signature proves each received entry.

use std::collections::{HashMap, HashSet};

use doorstep_domain::{ChangeHash, DeviceId, EntryKey, Standing};
use doorstep_protocol::{Proofs, decode};
use doorstep_sync::Failure;
use serde::Serialize;

use crate::{
    Client, ClientError,
    drive::{Asking, Host},
};

/// The proof of an entry's author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Authorship {
    /// This device signed a batch with the entry while `user` was signed in. Only the server states that the device is theirs.
    Device {
        /// The device.
        device: DeviceId,
        /// The person who was signed in.
        user: String,
    },
    /// The server states that it wrote the entry itself: a decision, a row of its list, a released entry. There is no other
    /// proof.
    HeadOffice,
    /// There is no proof: the entry came in a batch of version 2, or the server gave no proof, or the proof is invalid.
    NotProven,
    /// The entry is not accepted yet.
    NotAccepted,
}

/// An entry with the proof of its author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvenEntry {
    /// The entry.
    pub entry: EntryKey,
    /// The author, as stated in the entry.
    pub author: String,
    /// What stands behind it.
    pub by: Authorship,
}

impl Client {
    /// Asks the server for the signed batches of a case and checks them here. `None` if nothing about the waybill is recorded
    /// here.
    pub async fn prove(&self, waybill: &str) -> Result<Option<Vec<ProvenEntry>>, ClientError> {
        let Some(view) = self.case(waybill)? else { return Ok(None) };
        let mut host = Host::new(&self.inner)?;
        let answer = host.call(&Asking::get(format!("/v1/proofs/{}", view.id))).await.map_err(ClientError::Network)?;
        let proofs: Proofs = decode(&answer.unwrap_or_default()).map_err(|_| ClientError::Network(Failure::Network))?;
        let mut proven: HashMap<ChangeHash, (DeviceId, String)> = HashMap::new();
        for proof in proofs.proofs.iter().filter_map(|proof| proof.verify(&view.id)) {
            proven.extend(proof.changes.iter().map(|change| (*change, (proof.device, proof.user.clone()))));
        }
        let own: HashSet<ChangeHash> = proofs.own().unwrap_or_default().into_iter().collect();
        let behind = |change: &ChangeHash| match proven.get(change) {
            Some((device, user)) => Authorship::Device { device: *device, user: user.clone() },
            None if own.contains(change) => Authorship::HeadOffice,
            None => Authorship::NotProven,
        };
        let each = view.case.timeline.iter().map(|recorded| ProvenEntry {
            entry: recorded.entry.key.clone(),
            author: recorded.entry.author.user.to_string(),
            by: if matches!(recorded.standing, Standing::Accepted(_)) {
                behind(&recorded.change)
            } else {
                Authorship::NotAccepted
            },
        });
        Ok(Some(each.collect()))
    }
}
