//! Whether a device's own signature stands behind what this one was handed, checked here and not by the server.

use std::collections::{HashMap, HashSet};

use doorstep_domain::{ChangeHash, DeviceId, EntryKey, Standing};
use doorstep_protocol::{Proofs, decode};
use doorstep_sync::Failure;
use serde::Serialize;

use crate::{
    Client, ClientError,
    drive::{Asking, Host},
};

/// What stands behind an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Authorship {
    /// The signature of this device, over a batch with the entry; `user` was signed in. That the device is theirs is the server's word.
    Device {
        /// The device.
        device: DeviceId,
        /// Who was signed in.
        user: String,
    },
    /// The server says that it wrote it itself: a decision, a row of its list, a released entry. Its word is all there is.
    HeadOffice,
    /// Nothing: it came in a batch of version 2, or the server does not say in which one, or what it says does not hold.
    NotProven,
    /// It is not accepted yet.
    NotAccepted,
}

/// An entry, and what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvenEntry {
    /// The entry.
    pub entry: EntryKey,
    /// Its author as it says.
    pub author: String,
    /// What stands behind it.
    pub by: Authorship,
}

impl Client {
    /// Asks the server for the signed batches of a case and checks them here. `None`: nothing is recorded of the waybill here.
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
