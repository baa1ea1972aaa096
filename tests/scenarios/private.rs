//! Who may read what both ends keep, and who may serve it.
#![cfg(unix)]

use std::{
    fs::{Permissions, set_permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use doorstep_domain::UnixMs;
use doorstep_server::{Config, ServeError, admin::Admin, start};
use doorstep_tests::{Hands, World};

/// A folder with all below it, and their modes.
fn modes(path: &Path) -> Vec<(PathBuf, u32)> {
    let mut all = vec![(path.to_owned(), path.metadata().unwrap().permissions().mode() & 0o777)];
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            all.extend(modes(&entry.unwrap().path()));
        }
    }
    all
}

fn open_to_others(path: &Path) -> Vec<(PathBuf, u32)> {
    modes(path).into_iter().filter(|(_, mode)| mode & 0o077 != 0).collect()
}

fn open_up(path: &Path) {
    for (path, mode) in modes(path) {
        set_permissions(path, Permissions::from_mode(mode | (mode >> 3 & 0o055) | 0o044)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_ends_make_is_for_their_own_account_alone() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail_with_photo(2, 1).unwrap();
    phone.sync().await.unwrap();
    assert_eq!(open_to_others(&phone.folder), []);
    let names: Vec<_> = modes(&phone.folder).into_iter().filter_map(|(path, _)| Some(path.file_name()?.to_owned())).collect();
    for name in ["doorstep.db", "doorstep.db-wal", "doorstep.db-shm", "device.key", "photos"] {
        assert!(names.iter().any(|there| there == name), "{name}");
    }
    // The photos lie in a folder that nobody else can enter; the program itself makes them closed as well.
    let server = world.server_folder();
    assert_eq!(server.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    for name in ["doorstep-server.db", "doorstep-server.db-wal", "doorstep-server.db-shm", "doorstep-server.lock"] {
        assert_eq!(server.join(name).metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_version_left_open_is_closed_at_the_next_start() {
    let mut world = World::new().await;
    let mut phone = world.device("phone", "c1").await;
    phone.fail_with_photo(2, 1).unwrap();
    phone.sync().await.unwrap();
    world.stop_server().await;
    open_up(&world.server_folder());
    open_up(&phone.folder);
    assert!(!open_to_others(&world.server_folder()).is_empty());
    world.restart_server().await;
    phone.reopen();
    assert_eq!(open_to_others(&phone.folder), []);
    assert_eq!(open_to_others(&world.server_folder()), []);
    assert!(phone.client.closed_to_others() >= 5, "and a person can be told");
    phone.reopen();
    assert_eq!(phone.client.closed_to_others(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_a_folder_is_refused_unless_both_say_that_it_is_shared() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("server");
    let now = Hands::at(UnixMs(0)).server();
    let config = |shared_folder| Config { shared_folder, ..Config::on_loopback(&data, now.clone()) };
    let first = start(config(false)).await.unwrap();
    for shared in [false, true] {
        let refused = start(config(shared)).await.err().unwrap();
        assert!(matches!(&refused, ServeError::Served { folder } if *folder == data), "{refused}");
        assert!(refused.to_string().contains("stop that one first"), "{refused}");
    }
    // Administration goes on beside it.
    Admin::open(&data).unwrap().outlet("0412", "城西派件部", "Outlet", "1").unwrap();
    first.stop().await;
    let (one, other) = (start(config(true)).await.unwrap(), start(config(true)).await.unwrap());
    assert!(matches!(start(config(false)).await, Err(ServeError::Served { .. })));
    one.stop().await;
    other.stop().await;
    start(config(false)).await.unwrap().stop().await;
}
