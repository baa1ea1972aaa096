//! Who may read what is made, and what is corrected.
#![cfg(unix)]
#![allow(missing_docs, reason = "tests are named for what they show")]
#![allow(clippy::unwrap_used, reason = "tests fail loudly")]

use std::{
    fs::{Permissions, set_permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_made_is_its_owners_alone_and_what_is_there_stays() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("a/b");
    doorstep_private::make_folder(&folder).unwrap();
    assert_eq!((mode(&dir.path().join("a")), mode(&folder)), (0o700, 0o700));
    let file = folder.join("file");
    doorstep_private::make_file(&file).unwrap();
    assert_eq!(mode(&file), 0o600);
    std::fs::write(&file, b"kept").unwrap();
    doorstep_private::make_file(&file).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), b"kept");
    doorstep_private::create(&folder.join("other")).unwrap();
    assert_eq!(mode(&folder.join("other")), 0o600);
}

#[test]
fn what_others_could_read_is_corrected_with_all_below_it_and_nothing_that_is_not_ours() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("data");
    std::fs::create_dir_all(root.join("photos/ab")).unwrap();
    for (file, bits) in [("db", 0o644), ("photos/ab/one", 0o664), ("foreign", 0o755), ("outside", 0o644)] {
        std::fs::write(root.join(file), b"x").unwrap();
        set_permissions(root.join(file), Permissions::from_mode(bits)).unwrap();
    }
    symlink(root.join("outside"), root.join("photos/link")).unwrap();
    set_permissions(root.join("photos"), Permissions::from_mode(0o755)).unwrap();
    set_permissions(root.join("photos/ab"), Permissions::from_mode(0o755)).unwrap();
    set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
    let ours = |name: &str| matches!(name, "db" | "photos");
    let corrected = |root: &Path| {
        let done = doorstep_private::correct(root, ours);
        assert!(done.failed.is_none(), "{done:?}");
        done.closed
    };
    assert_eq!(corrected(&root), 5);
    assert_eq!((mode(&root), mode(&root.join("photos")), mode(&root.join("photos/ab"))), (0o700, 0o700, 0o700));
    assert_eq!((mode(&root.join("db")), mode(&root.join("photos/ab/one"))), (0o600, 0o600));
    assert_eq!((mode(&root.join("foreign")), mode(&root.join("outside"))), (0o755, 0o644), "not ours, and a link's target");
    assert_eq!(corrected(&root), 0, "once");
}

#[test]
#[cfg(target_os = "linux")]
fn what_can_not_be_closed_is_said_and_keeps_nothing_else_open() {
    use std::os::unix::fs::chown;

    use rustix::{fs::Uid, process::getuid, thread::set_thread_res_uid};

    if !getuid().is_root() {
        eprintln!("skipped: only root can make a file that another account may not change");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    let root = dir.path().join("data");
    std::fs::create_dir_all(root.join("photos")).unwrap();
    for (file, owner) in [("a", 0), ("photos/one", 0), ("photos/two", 1), ("photos", 1), ("z", 1), ("", 1)] {
        let path = root.join(file);
        if !path.exists() {
            std::fs::write(&path, b"x").unwrap();
        }
        let bits = if path.is_dir() { 0o755 } else { 0o644 };
        set_permissions(&path, Permissions::from_mode(bits)).unwrap();
        chown(&path, Some(owner), None).unwrap();
    }
    let folder = root.clone();
    // On Linux each thread has an account of its own.
    let done = std::thread::spawn(move || {
        set_thread_res_uid(Uid::from_raw(1), Uid::from_raw(1), Uid::from_raw(1)).unwrap();
        doorstep_private::correct(&folder, |name| matches!(name, "a" | "photos" | "z"))
    });
    let done = done.join().unwrap();
    assert_eq!(done.failed.unwrap().kind(), std::io::ErrorKind::PermissionDenied);
    assert_eq!(done.closed, 4, "two, photos, z and the folder");
    assert_eq!((mode(&root.join("photos/two")), mode(&root.join("z")), mode(&root.join("photos"))), (0o600, 0o600, 0o700));
    assert_eq!((mode(&root.join("a")), mode(&root.join("photos/one")), mode(&root)), (0o644, 0o644, 0o700));
}

#[test]
fn what_can_not_be_looked_at_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let done = doorstep_private::correct(&dir.path().join("missing"), |_| true);
    assert_eq!((done.closed, done.failed.unwrap().kind()), (0, std::io::ErrorKind::NotFound));
}
