//! The schema of the store's file, and its migrations.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::OpenError;

/// The migration files in order. They are never edited after release.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_version_3.sql"),
    include_str!("../migrations/0003_clocks.sql"),
    include_str!("../migrations/0004_another_history.sql"),
    include_str!("../migrations/0005_sheets.sql"),
    include_str!("../migrations/0006_missing_photos.sql"),
    include_str!("../migrations/0007_parcel_details.sql"),
    include_str!("../migrations/0008_turns.sql"),
    include_str!("../migrations/0009_assignments.sql"),
    include_str!("../migrations/0010_ledger.sql"),
    include_str!("../migrations/0011_moved.sql"),
];

/// The mark in a file's header ("DOST") that tells a store from other SQLite databases, which are refused.
pub(crate) const APPLICATION_ID: i32 = 0x444f_5354;

/// Creates a new file for a salvage to fill. It is durable only once it is closed and synced; until then it is thrown away and
/// made again.
pub(crate) fn create_for_salvage(path: &Path) -> Result<Connection, OpenError> {
    let at_file = |source| OpenError::in_folder(path.to_owned(), source);
    doorstep_private::make_file(path).map_err(at_file)?;
    let mut db = Connection::open(path)?;
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    db.execute_batch("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;")?;
    migrate(&mut db)?;
    Ok(db)
}

/// Runs each missing migration in a transaction of its own, which also raises `user_version`.
pub(crate) fn migrate(db: &mut Connection) -> Result<(), OpenError> {
    loop {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version as usize > MIGRATIONS.len() {
            return Err(OpenError::TooNew { found: version, known: MIGRATIONS.len() as u32 });
        }
        let Some(step) = MIGRATIONS.get(version as usize) else { return Ok(()) };
        // A file with tables and without a version has lost its version.
        let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if version == 0 && tables > 0 {
            return Err(OpenError::Corrupt);
        }
        tx.execute_batch(step)?;
        tx.pragma_update(None, "user_version", version + 1)?;
        tx.commit()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_of_the_schema_is_a_step() {
        let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        let texts: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        assert_eq!(texts, MIGRATIONS);
    }
}
