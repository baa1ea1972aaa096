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

/// Takes away from everybody else what they may do with a folder and with those of its entries whose name is `ours`, with all
/// below them. Returns how many files and folders were open to others. What is deeper is looked at only if anything above it was
/// open, because there may be a million of it. The innermost goes first: a run that is cut off is done again.
pub fn correct(folder: &Path, ours: impl Fn(&str) -> bool) -> io::Result<u64> {
    #[cfg(unix)]
    {
        let mut tops = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(&ours) {
                tops.push(entry.path());
            }
        }
        let mut any_open = modes::is_open(folder)?;
        for top in &tops {
            any_open |= modes::is_open(top)?;
        }
        if !any_open {
            return Ok(0);
        }
        let mut closed = 0;
        for top in &tops {
            closed += modes::close_below(top)?;
        }
        Ok(closed + modes::close(folder)?)
    }
    #[cfg(not(unix))]
    {
        let _ = (folder, ours);
        Ok(0)
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

    /// Closes one file or folder to others: 1 if it was open.
    pub(super) fn close(path: &Path) -> io::Result<u64> {
        let Some(data) = look(path)? else { return Ok(0) };
        let mode = data.permissions().mode();
        if mode & OTHERS == 0 {
            return Ok(0);
        }
        match std::fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            other => other.map(|()| 1),
        }
    }

    pub(super) fn close_below(path: &Path) -> io::Result<u64> {
        let mut closed = 0;
        if look(path)?.is_some_and(|data| data.is_dir()) {
            for entry in std::fs::read_dir(path)? {
                closed += close_below(&entry?.path())?;
            }
        }
        Ok(closed + close(path)?)
    }
}
