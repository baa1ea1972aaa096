//! Files and folders that only their owner may read: folders 0700, files 0600, from the moment they are made. Keys, customers'
//! numbers and photos lie in them, and a phone or a server may have other accounts.
//!
//! Where a system has no such modes (not Unix), folders and files are made as usual and nothing is corrected.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

/// Makes a folder, and those above it that are missing, for its owner alone. One that is there stays as it is: see [`correct`].
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Options for a file: if it is created, then for its owner alone.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes an empty file for its owner alone, if there is none: SQLite then opens it, and gives its own companions the same mode.
pub fn make_file(file: &Path) -> io::Result<()> {
    match options().write(true).create_new(true).open(file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(|_| ()),
    }
}

/// A file to write, empty, for its owner alone if it is created.
pub fn create(file: &Path) -> io::Result<File> {
    options().write(true).create(true).truncate(true).open(file)
}

/// What [`correct`] did.
#[derive(Debug, Default)]
pub struct Corrected {
    /// Files and folders that were open to others and are closed now.
    pub closed: u64,
    /// Why the first of the others could not be closed, or looked at: others may still read those.
    pub failed: Option<io::Error>,
}

/// Takes away from everybody else what they may do with a folder and with those of its entries whose name is `ours`, with all
/// below them. What can not be changed is passed over: a photo that is another account's must not leave the database open. What is
/// deeper is looked at only if anything above it was open, because there may be a million of it. The innermost goes first: a run
/// that is cut off is done again.
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
    /// The value, or the first error kept.
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

    /// What everybody but the owner may do.
    const OTHERS: u32 = 0o077;

    /// A file or folder as it lies there; `None` for a link, which is somebody's own arrangement, and for what has just gone.
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

    /// Closes one file or folder to others; whether it was open.
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
