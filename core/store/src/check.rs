//! Decides how much of the file is checked at an opening.
//!
//! 2026-11-22. On tables of this schema filled like 10,000 cases of 20 changes (103 MB of random bytes, in the page cache, two
//! shared cores, SQLite 3.40.1) `PRAGMA quick_check` took 130 to 250 ms and `integrity_check` 180 to 220 ms, against 0.9 ms for
//! opening and listing. Checked by table, 3,000 unsent changes took 2.5 to 3.6 ms, and a nearly empty table 0.2 ms including the
//! schema. Choices: everything at each opening (a courier waits for it dozens of times a day, on a slower disk); everything after
//! an unclean end (a phone kills its apps, so that is nearly always); only data that may exist nowhere else. Pick: the last. Data
//! that the server has too is checked as it is read. The first read that meets damage leaves a file beside the store, so that the
//! next opening checks every page and every index.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use crate::OpenError;

/// The tables whose rows may exist nowhere else. They are small.
const ONLY_HERE: [&str; 4] = ["meta", "member", "outbox", "photo"];

fn mark(folder: &Path) -> PathBuf {
    folder.join("doorstep.check")
}

/// Makes the next opening check everything. If even this small file can not be written, a later read meets the damage again.
pub(crate) fn ask_for_whole_check(folder: &Path) {
    doorstep_private::make_file(&mark(folder)).ok();
}

/// Notes that the file has been checked or replaced.
pub(crate) fn checked(folder: &Path) -> io::Result<()> {
    match std::fs::remove_file(mark(folder)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Checks a migrated store.
pub(crate) fn check(db: &Connection, folder: &Path, migrations: &[&str]) -> Result<(), OpenError> {
    schema(db, migrations)?;
    if mark(folder).exists() {
        sound(db, "PRAGMA integrity_check(1)")?;
        return checked(folder).map_err(|source| OpenError::in_folder(folder.to_owned(), source));
    }
    ONLY_HERE.iter().try_for_each(|table| sound(db, &format!("PRAGMA quick_check({table})")))
}

fn sound(db: &Connection, pragma: &str) -> Result<(), OpenError> {
    let verdict: String = db.query_row(pragma, [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(OpenError::Corrupt) }
}

/// Checks that the schema is what the migrations wrote, word for word as SQLite keeps it. Otherwise a flipped bit in a column's
/// name would be an error in every query, and one in the schema's row count a store without tables. (Adding a column would change
/// the text that SQLite keeps, so a migration makes such a table anew.)
fn schema(db: &Connection, migrations: &[&str]) -> Result<(), OpenError> {
    let mut query = db.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
    let found = query.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    // A table that a later migration makes anew counts once, and an index that one removes not at all.
    let mut wanted = BTreeSet::new();
    for line in migrations.iter().flat_map(|text| text.lines()) {
        if let Some(index) = line.strip_prefix("DROP INDEX ") {
            wanted.remove(format!("CREATE INDEX {}", index.trim_end_matches(';')).as_str());
        } else if line.starts_with("CREATE ") {
            wanted.extend(line.split(" ON ").next().map(str::to_owned));
        }
    }
    let wanted = wanted.len();
    let is_ours = |sql: &String| migrations.iter().any(|text| text.contains(sql.as_str()));
    if found.len() == wanted && found.iter().all(is_ours) { Ok(()) } else { Err(OpenError::Corrupt) }
}
