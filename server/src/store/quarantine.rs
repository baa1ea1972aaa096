//! Refused changes.

use std::ops::ControlFlow;

use doorstep_domain::{CaseId, ChangeHash, DeviceId, InstallId, Receipt, RefusalCode, UnixMs};
use doorstep_sql::{receipt, receipt_columns};
use serde::Serialize;

use super::{
    log_rows::readable,
    tx::{Row, StoreError, Tx, params, sql},
};

/// A change that is put into quarantine.
pub(crate) struct Refused<'a> {
    pub case: &'a CaseId,
    pub hash: &'a ChangeHash,
    pub why: RefusalCode,
    pub policy_version: u32,
    pub device: &'a DeviceId,
    /// The installation of the batch's chain.
    pub pushed_by: &'a InstallId,
    pub batch: u64,
    /// The person who was signed in.
    pub person: &'a str,
    pub receipt: Receipt,
    pub bytes: &'a [u8],
}

/// Stores a refused change. If it is already there nothing changes, and its first receipt stays.
pub(crate) fn insert(tx: &Tx<'_>, refused: &Refused<'_>) -> Result<(), StoreError> {
    let [received_at, acted_at, slack_ms, from_ms, until_ms, marks, unproven] = receipt::values(&refused.receipt)?;
    tx.run(
        sql!(
            "INSERT INTO quarantine (case_id, hash, reason, rule, policy_version, device, pushed_by, batch, person, ",
            receipt_columns!(),
            ", bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT (case_id, hash) DO NOTHING"
        ),
        params![
            refused.case,
            refused.hash,
            refused.why.word(),
            refused.why.rule(),
            refused.policy_version,
            refused.device,
            refused.pushed_by,
            refused.batch,
            refused.person,
            received_at,
            acted_at,
            slack_ms,
            from_ms,
            until_ms,
            marks,
            unproven,
            refused.bytes
        ],
    )?;
    Ok(())
}

/// The receipt of a refused change, if a batch of this installation and number was the first to bring it.
pub(crate) fn receipt_of(
    tx: &Tx<'_>,
    (case, hash): (&CaseId, &ChangeHash),
    (install, number): (&[u8; 16], u64),
) -> Result<Option<Receipt>, StoreError> {
    tx.maybe(
        sql!(
            "SELECT ",
            receipt_columns!(),
            " FROM quarantine WHERE case_id = ?1 AND hash = ?2 AND pushed_by = ?3 AND batch = ?4"
        ),
        params![case, hash, install, number],
        |row| Ok(receipt::read(row, 0)?),
    )
}

/// The state and the reason of a decision on a device's change; `None` if there is no such change or it is open.
pub(crate) fn decision(
    tx: &Tx<'_>,
    (case, hash): (&CaseId, &ChangeHash),
    device: &DeviceId,
) -> Result<Option<(String, Option<String>)>, StoreError> {
    tx.maybe(
        sql!("SELECT state, why FROM quarantine WHERE case_id = ?1 AND hash = ?2 AND device = ?3 AND state <> 'open'"),
        params![case, hash, device],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// A change in quarantine, for a person to judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The case.
    pub case: CaseId,
    /// The change.
    pub change: ChangeHash,
    /// Why it was refused, as a code of the protocol.
    pub reason: String,
    /// The rule of the policy that refused it.
    pub rule: Option<String>,
    /// The version of the policy at that time.
    pub policy_version: u32,
    /// The device that sent it.
    pub device: DeviceId,
    /// The number of the batch in the device's chain.
    pub batch: u64,
    /// The person who was signed in.
    pub person: String,
    /// When the server received it.
    pub received_at: UnixMs,
    /// When the act happened, as far as is known.
    pub acted_at: Option<UnixMs>,
    /// `open`, `released` or `discarded`.
    pub state: String,
    /// The reviewer who decided.
    pub decided_by: Option<String>,
    /// The reviewer's reason.
    pub why: Option<String>,
    /// The kinds of its entries with their authors; empty if it can not be read.
    pub entries: Vec<String>,
}

/// The columns of an [`Item`], in the order of [`Item::of`], and the change's bytes.
macro_rules! item_columns {
    () => {
        "case_id, hash, reason, rule, policy_version, device, batch, person, received_at, acted_at, state, decided_by, why, bytes"
    };
}

/// Describes the entries of a change, given its case and its bytes.
pub(crate) type Describe = fn(CaseId, &[u8]) -> Vec<String>;

impl Item {
    fn of(row: &Row<'_>, describe: Describe) -> Result<Self, StoreError> {
        let case = row.get(0)?;
        let bytes: Vec<u8> = row.get(13)?;
        Ok(Self {
            case,
            change: row.get(1)?,
            reason: row.get(2)?,
            rule: row.get(3)?,
            policy_version: row.get(4)?,
            device: row.get(5)?,
            batch: row.get(6)?,
            person: row.get(7)?,
            received_at: row.get(8)?,
            acted_at: row.get(9)?,
            state: row.get(10)?,
            decided_by: row.get(11)?,
            why: row.get(12)?,
            entries: describe(case, &bytes),
        })
    }
}

/// The number of open changes.
pub(crate) fn count_open(tx: &Tx<'_>) -> Result<u64, StoreError> {
    tx.one(sql!("SELECT count(*) FROM quarantine WHERE state = 'open'"), params![], |row| row.get(0))
}

/// The open changes, oldest first.
pub(crate) fn open(tx: &Tx<'_>, describe: Describe) -> Result<Vec<Item>, StoreError> {
    tx.all(
        sql!("SELECT ", item_columns!(), " FROM quarantine WHERE state = 'open' ORDER BY received_at, case_id, hash"),
        params![],
        |row| Item::of(row, describe),
    )
}

/// All changes, decided ones too, oldest first.
pub(crate) fn all(tx: &Tx<'_>, describe: Describe) -> Result<Vec<Item>, StoreError> {
    tx.all(sql!("SELECT ", item_columns!(), " FROM quarantine ORDER BY received_at, case_id, hash"), params![], |row| {
        Item::of(row, describe)
    })
}

/// The open changes whose hexadecimal hash begins with `prefix`, at most two. A row with a damaged key has no name and is left
/// out.
pub(crate) fn beginning(tx: &Tx<'_>, prefix: &str) -> Result<Vec<(CaseId, ChangeHash)>, StoreError> {
    let prefix = prefix.to_ascii_lowercase();
    let mut found = Vec::new();
    tx.each(
        sql!("SELECT case_id, hash FROM quarantine WHERE state = 'open' ORDER BY received_at, case_id, hash"),
        params![],
        |row| {
            let key = |row: &Row<'_>| Ok::<(CaseId, ChangeHash), StoreError>((row.get(0)?, row.get(1)?));
            found.extend(readable(key(row))?.filter(|(_, hash)| hash.to_string().starts_with(&prefix)));
            Ok::<_, StoreError>(if found.len() < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        },
    )?;
    Ok(found)
}

/// The values that are needed to write a refused change anew.
pub(crate) struct Original {
    pub device: DeviceId,
    pub receipt: Receipt,
    pub bytes: Vec<u8>,
}

/// A change in quarantine, which must exist.
pub(crate) fn original(tx: &Tx<'_>, case: &CaseId, hash: &ChangeHash) -> Result<Original, StoreError> {
    tx.one(
        sql!("SELECT device, bytes, ", receipt_columns!(), " FROM quarantine WHERE case_id = ?1 AND hash = ?2"),
        params![case, hash],
        |row| Ok(Original { device: row.get(0)?, bytes: row.get(1)?, receipt: receipt::read(row, 2)? }),
    )
}

/// A person's decision on a refused change.
pub(crate) struct Decided<'a> {
    pub state: &'a str,
    pub by: &'a str,
    pub why: Option<&'a str>,
    pub at: UnixMs,
}

/// Stores a decision.
pub(crate) fn decide(tx: &Tx<'_>, (case, hash): (&CaseId, &ChangeHash), decided: &Decided<'_>) -> Result<(), StoreError> {
    tx.run(
        sql!("UPDATE quarantine SET state = ?3, decided_at = ?4, decided_by = ?5, why = ?6 WHERE case_id = ?1 AND hash = ?2"),
        params![case, hash, decided.state, decided.at, decided.by, decided.why],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use doorstep_domain::{FactsCheck, Reckoning};

    use super::*;
    use crate::open::open;

    #[test]
    fn open_changes_are_found_by_the_beginning_of_their_hash_and_a_damaged_one_hides_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        let (case, device, install) = (CaseId::new([1; 16]), DeviceId::new([2; 16]), InstallId::new([3; 16]));
        let hashes = [[0xab; 32], [0xac; 32], [0xcd; 32], [0xef; 32]].map(ChangeHash::new);
        let found = |prefix: &str| {
            let found = store.read(|tx| beginning(tx, prefix)).unwrap();
            found.into_iter().map(|(_, hash)| hash).collect::<Vec<_>>()
        };
        store
            .write(|tx| {
                for hash in &hashes {
                    let receipt = Receipt::new(UnixMs(1), Reckoning::default(), false, FactsCheck::Equal);
                    let refused = Refused {
                        case: &case,
                        hash,
                        why: RefusalCode::Heads,
                        policy_version: 1,
                        device: &device,
                        pushed_by: &install,
                        batch: 1,
                        person: "c1",
                        receipt,
                        bytes: &[],
                    };
                    insert(tx, &refused)?;
                }
                let decided = Decided { state: "discarded", by: "hq1", why: Some("double"), at: UnixMs(2) };
                decide(tx, (&case, &hashes[3]), &decided)?;
                tx.run(sql!("UPDATE quarantine SET hash = ?2 WHERE hash = ?1"), params![hashes[2], [0xcd_u8; 2]])
            })
            .unwrap();
        assert_eq!(found("AB"), hashes[..1]);
        assert_eq!(found(&hashes[1].to_string()), hashes[1..2]);
        assert_eq!(found("a"), hashes[..2]);
        assert_eq!(found("cd"), [], "its key is damaged");
        assert_eq!(found("ef"), [], "it is decided");
        assert_eq!(found("00"), []);
    }
}
