//! The schema, in numbered migrations.

use rusqlite::Connection;

use super::{
    db::Store,
    tx::{StoreError, Tx},
};
use crate::ServeError;

const STEPS: &[&str] = &[
    include_str!("../../migrations/0001_initial.sql"),
    include_str!("../../migrations/0002_version_3.sql"),
    include_str!("../../migrations/0003_finding_gap.sql"),
    include_str!("../../migrations/0004_listing.sql"),
    include_str!("../../migrations/0005_keys_and_clocks.sql"),
    include_str!("../../migrations/0006_sms_key.sql"),
    include_str!("../../migrations/0007_formats.sql"),
    include_str!("../../migrations/0008_log.sql"),
    include_str!("../../migrations/0009_kinds.sql"),
    include_str!("../../migrations/0010_phases.sql"),
    include_str!("../../migrations/0011_quotas.sql"),
    include_str!("../../migrations/0012_looks.sql"),
    include_str!("../../migrations/0013_acts_of_people.sql"),
    include_str!("../../migrations/0014_receipts_as_they_came.sql"),
    include_str!("../../migrations/0015_parcel_rows.sql"),
    include_str!("../../migrations/0016_open_findings.sql"),
    include_str!("../../migrations/0017_duties.sql"),
    include_str!("../../migrations/0018_assignments.sql"),
    include_str!("../../migrations/0019_facts.sql"),
    include_str!("../../migrations/0020_questions.sql"),
    include_str!("../../migrations/0021_due.sql"),
    include_str!("../../migrations/0022_named.sql"),
];

/// The migration that makes the first tables.
pub(crate) const FIRST: usize = 1;
/// The migration that makes the table `link`.
pub(crate) const LINKS: usize = 8;
/// The newest migration. After it all tables have the columns that this program writes.
pub(crate) const NEWEST: usize = STEPS.len();

/// Brings a database to the newest schema, with one transaction for each migration. `after` runs in the same transaction with the
/// migration's number, from 1. Errors: the database was written by a newer version, or `after` fails.
pub(crate) fn migrate(store: &Store, after: impl Fn(&Tx<'_>, usize) -> Result<(), ServeError>) -> Result<(), ServeError> {
    // Each transaction reads the version itself, because another process may be migrating too.
    while store.write(|tx| step(tx, &after))? {}
    Ok(())
}

fn step(tx: &Tx<'_>, after: impl Fn(&Tx<'_>, usize) -> Result<(), ServeError>) -> Result<bool, ServeError> {
    let done = version(tx.sqlite())?;
    let Some(step) = STEPS.get(done) else {
        let (found, known) = (u32::try_from(done).unwrap_or(u32::MAX), STEPS.len() as u32);
        return if done > STEPS.len() { Err(ServeError::TooNew { found, known }) } else { Ok(false) };
    };
    let engine = StoreError::from;
    tx.sqlite().execute_batch(step).map_err(engine)?;
    after(tx, done + 1)?;
    tx.sqlite().pragma_update(None, "user_version", (done + 1) as u32).map_err(engine)?;
    Ok(true)
}

fn version(db: &Connection) -> Result<usize, StoreError> {
    let version: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(version as usize)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn each_file_of_the_schema_is_a_step() {
        let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        assert_eq!(texts, STEPS);
    }
}
