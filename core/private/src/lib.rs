//! Files and folders that only their owner may read: folders are created with mode 0700, files with 0600. They hold keys,
//! customers' numbers and photos, and a phone or a server may have other accounts.
//!
//! On systems without these modes (not Unix), folders and files are created as usual and nothing is corrected.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

/// Creates a folder and its missing parents for the owner alone. An existing folder stays as it is, see [`correct`].
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Options that create a file for its owner alone.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Creates an empty file for its owner alone if there is none. SQLite then opens it and gives its companion files the same mode.
pub fn make_file(file: &Path) -> io::Result<()> {
    match options().write(true).create_new(true).open(file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Opens an empty file for writing; creates it for its owner alone.
pub fn create(file: &Path) -> io::Result<File> {
    options().write(true).create(true).truncate(true).open(file)
}

/// The result of [`correct`].
#[derive(Debug, Default)]
pub struct Corrected {
    /// Number of files and folders that others could access before and cannot now.
    pub closed: u64,
    /// The first error, if some files could not be checked or restricted. Others may still read those.
    pub failed: Option<io::Error>,
}

/// Removes all access of other accounts to a folder and to those of its entries whose name is `ours`, with everything below them.
/// It skips files that it cannot change, so that a photo of another account does not leave the database open. It descends only if
/// something above was open, because there may be a million files. It restricts the innermost first, so that an interrupted run
/// is repeated.
pub fn correct(folder: &Path, ours: impl Fn(&str) -> bool) -> Corrected {
    let mut done = Corrected::default();
    #[cfg(unix)]
    {
        let mut tops = Vec::new();
        for entry in done.keep(std::fs::read_dir(folder)).into_iter().flatten() {
            tops.extend(done.keep(entry).filter(|entry| entry.file_name().to_str().is_some_and(&ours)).map(|entry| entry.path()));
        }
        let mut any_open = false;
        for path in tops.iter().map(std::path::PathBuf::as_path).chain([folder]) {
            any_open |= done.keep(modes::is_open(path)).unwrap_or(false);
        }
        if any_open {
            for top in &tops {
                modes::close_below(top, &mut done);
            }
            done.count(modes::close(folder));
        }
    }
    #[cfg(not(unix))]
    let _ = (folder, ours);
    done
}

#[cfg(unix)]
impl Corrected {
    /// The value; keeps the first error.
    fn keep<T>(&mut self, result: io::Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.failed.get_or_insert(error);
                None
            }
        }
    }

    fn count(&mut self, closed: io::Result<bool>) {
        self.closed += u64::from(self.keep(closed).unwrap_or(false));
    }
}

#[cfg(unix)]
mod modes {
    use std::{
        fs::{Metadata, Permissions},
        io,
        os::unix::fs::PermissionsExt,
        path::Path,
    };

    use super::Corrected;

    /// The permission bits of everybody except the owner.
    const OTHERS: u32 = 0o077;

    /// The metadata of a file or folder; `None` for a link, which somebody set up on purpose, and for a file that has just
    /// disappeared.
    fn look(path: &Path) -> io::Result<Option<Metadata>> {
        match path.symlink_metadata() {
            Ok(data) if data.is_file() || data.is_dir() => Ok(Some(data)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn is_open(path: &Path) -> io::Result<bool> {
        Ok(look(path)?.is_some_and(|data| data.permissions().mode() & OTHERS != 0))
    }

    /// Removes access of others to one file or folder, and returns whether they had it.
    pub(super) fn close(path: &Path) -> io::Result<bool> {
        let Some(data) = look(path)? else { return Ok(false) };
        let mode = data.permissions().mode();
        if mode & OTHERS == 0 {
            return Ok(false);
        }
        match std::fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            other => other.map(|()| true),
        }
    }

    pub(super) fn close_below(path: &Path, done: &mut Corrected) {
        let is_folder = done.keep(look(path)).flatten().is_some_and(|data| data.is_dir());
        if is_folder {
            for entry in done.keep(std::fs::read_dir(path)).into_iter().flatten() {
                if let Some(entry) = done.keep(entry) {
                    close_below(&entry.path(), done);
                }
            }
        }
        done.count(close(path));
    }
}
