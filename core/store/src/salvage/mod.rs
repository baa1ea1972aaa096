//! Salvage after damage: the file is moved aside unchanged, and the data that may exist nowhere else goes into a new one.
//!
//! The order makes a crash harmless at any point. 1. A folder `doorstep-damaged-<n>` is made and the store's files are renamed
//! into it. 2. A new file is built beside them under a temporary name. 3. It is renamed into place. 4. The report is written into
//! the folder. A folder without a report is a salvage that was cut short, and the next opening continues it.

mod image;
mod report;
mod rows;
mod take;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use doorstep_domain::InstallId;

pub use report::Salvage;

use crate::{OpenError, check, schema::create_for_salvage};
use image::Image;

/// The files of a store.
pub(crate) struct Files {
    pub folder: PathBuf,
    pub db: PathBuf,
    log: PathBuf,
}

/// The names of a store's files, in the order in which they are moved.
const NAMES: [&str; 3] = ["doorstep.db", "doorstep.db-wal", "doorstep.db-shm"];
/// The name of the new file while it is built.
const BUILDING: &str = "doorstep-new.db";
const BUILDING_ALL: [&str; 4] = [BUILDING, "doorstep-new.db-journal", "doorstep-new.db-wal", "doorstep-new.db-shm"];
/// SQLite takes a smaller file for an empty one, and overwrites it.
const LEAST_FILE: u64 = 512;
const ASIDE: &str = "doorstep-damaged-";
const REPORT: &str = "salvage.json";

impl Files {
    pub fn of(folder: &Path) -> Self {
        let [db, log, _] = NAMES.map(|name| folder.join(name));
        Self { folder: folder.to_owned(), db, log }
    }

    /// Whether there is no store yet. A file that SQLite would take for a new one, deleting the log beside it, counts as damaged.
    pub fn is_new(&self) -> Result<bool, OpenError> {
        let at_folder = |source| OpenError::in_folder(self.folder.clone(), source);
        let length = match fs::metadata(&self.db) {
            Ok(file) if file.is_file() => file.len(),
            Ok(_) => return Err(OpenError::WrongFile { path: self.db.clone() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(at_folder(error)),
        };
        if unfinished(&self.folder).map_err(at_folder)?.is_some() {
            return Err(OpenError::Corrupt);
        }
        let has_log = fs::metadata(&self.log).is_ok_and(|log| log.len() > 0);
        match length {
            0..LEAST_FILE if has_log => Err(OpenError::Corrupt),
            0 => Ok(true),
            1..LEAST_FILE => {
                let is_cut = fs::read(&self.db).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3"));
                Err(if is_cut { OpenError::Corrupt } else { OpenError::WrongFile { path: self.db.clone() } })
            }
            _ => Ok(false),
        }
    }
}

/// Whether a file that SQLite can not read has traces of a store, or looks like any file after a crash of the file system.
pub(crate) fn has_trace(files: &Files) -> bool {
    let find = || -> io::Result<bool> {
        let mut image = Image::open(&files.db, &files.log)?;
        let mut is_blank = true;
        for number in 1..=image.pages() {
            let found = rows::of_page(&mut image, number)?;
            if found.rows.iter().any(take::is_ours) {
                return Ok(true);
            }
            is_blank &= found.is_blank;
        }
        Ok(is_blank)
    };
    // If this can not be decided the file is not called foreign.
    find().unwrap_or(true)
}

/// Salvages a store, or continues a salvage that was cut short. The caller holds the exclusive lock and knows that the file is
/// damaged.
pub(crate) fn run(folder: &Path, fresh: InstallId) -> Result<Salvage, OpenError> {
    let at_folder = |source| OpenError::in_folder(folder.to_owned(), source);
    let files = Files::of(folder);
    let aside = match unfinished(folder).map_err(at_folder)? {
        Some(aside) => aside,
        None => next_aside(folder).map_err(at_folder)?,
    };
    // If the old file was moved and another is in its place, only the report is missing, because the new file is renamed last.
    let is_moved = NAMES.iter().any(|name| aside.join(name).exists());
    if is_moved && files.db.exists() {
        let report = Salvage { folder: aside, ..Salvage::default() };
        finish(folder, &report).map_err(at_folder)?;
        return Ok(report);
    }
    move_aside(folder, &aside).map_err(at_folder)?;
    for name in BUILDING_ALL {
        remove_if_there(&folder.join(name)).map_err(at_folder)?;
    }
    let building = folder.join(BUILDING);
    let mut image = Image::open(&aside.join(NAMES[0]), &aside.join(NAMES[1])).map_err(at_folder)?;
    let mut db = create_for_salvage(&building)?;
    let mut report = take::everything(&mut image, &mut db, &folder.join("photos"), fresh)?;
    // The rows of this cache are gone, so nothing would limit its size.
    std::fs::remove_dir_all(folder.join("pictures")).ok();
    db.close().map_err(|(_, error)| error)?;
    report.folder = aside;
    File::open(&building).and_then(|file| file.sync_all()).map_err(at_folder)?;
    fs::rename(&building, &files.db).map_err(at_folder)?;
    sync_folder(folder).map_err(at_folder)?;
    finish(folder, &report).map_err(at_folder)?;
    Ok(report)
}

/// The folders of earlier salvages, by number.
fn asides(folder: &Path) -> io::Result<BTreeMap<u32, PathBuf>> {
    let mut asides = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if let Some(n) = name.to_str().and_then(|name| name.strip_prefix(ASIDE)?.parse().ok()) {
            asides.insert(n, folder.join(name));
        }
    }
    Ok(asides)
}

fn unfinished(folder: &Path) -> io::Result<Option<PathBuf>> {
    Ok(asides(folder)?.into_values().next_back().filter(|aside| !aside.join(REPORT).exists()))
}

fn next_aside(folder: &Path) -> io::Result<PathBuf> {
    let last = asides(folder)?.into_keys().next_back().unwrap_or(0);
    let aside = folder.join(format!("{ASIDE}{}", last + 1));
    doorstep_private::make_folder(&aside)?;
    sync_folder(folder)?;
    Ok(aside)
}

fn move_aside(folder: &Path, aside: &Path) -> io::Result<()> {
    for name in NAMES {
        match fs::rename(folder.join(name), aside.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync_folder(aside)?;
    sync_folder(folder)
}

fn finish(folder: &Path, report: &Salvage) -> Result<(), io::Error> {
    let partial = report.folder.join("salvage.partial");
    let mut file = doorstep_private::create(&partial)?;
    file.write_all(&serde_json::to_vec_pretty(report)?)?;
    file.sync_all()?;
    fs::rename(&partial, report.folder.join(REPORT))?;
    sync_folder(&report.folder)?;
    check::checked(folder)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
