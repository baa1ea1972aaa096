//! A disk without room, and a file that may not grow.

use std::process::Command;

use super::*;

/// Runs one ignored test of this file in a process of its own, under a shell that prepares what it needs. In a mount namespace
/// of its own a small disk needs no rights; where the system allows none, the caller says what is not shown.
fn in_a_child(prepare: &str, folder: &Path, test: &str) -> Option<i32> {
    let script = format!("{prepare} || exit 99; exec \"$2\" --exact {test} --ignored --nocapture");
    let shell = if prepare.contains("mount") { vec!["unshare", "-Urm", "sh"] } else { vec!["sh"] };
    let child = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", &script, "sh"])
        .arg(folder)
        .arg(std::env::current_exe().unwrap())
        .env("DOORSTEP_STRESS_FOLDER", folder)
        .status();
    child.ok()?.code()
}

fn childs_folder() -> std::path::PathBuf {
    std::env::var_os("DOORSTEP_STRESS_FOLDER").expect("run by another test of this file").into()
}

#[test]
fn a_full_disk_leaves_no_half_record_and_room_makes_it_work_again() {
    let folder = tempfile::tempdir().unwrap();
    let code = in_a_child("mount -t tmpfs -o size=2m tmpfs \"$1\"", folder.path(), "disk::on_a_disk_of_two_megabytes");
    match code {
        Some(99 | 1) | None => eprintln!("not shown: this system gives no mount namespace (unshare -Urm)"),
        code => assert_eq!(code, Some(0)),
    }
}

#[test]
#[ignore = "run by the test above, on a disk of its own"]
fn on_a_disk_of_two_megabytes() {
    let folder = childs_folder();
    let mut store = listed_in(&folder);
    record(&mut store, 1, "还有空间").unwrap();
    let free = store.free_space().unwrap();
    assert!(
        free < 2_000_000
            && store.prepare(1 << 20, false, clocks(), "test").unwrap().beacon.unwrap().disk_free_mb
                == Some(free as u32 / 1_000_000)
    );
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![1; free as usize]).ok();
    assert_eq!(store.free_space().unwrap(), 0);
    let before = store.case(&waybill(1), NOW).unwrap();
    let id = PhotoId::new([0xab; 32]);
    assert!(matches!(store.save_photo(id, "jpg", &vec![7; 100_000], false), Err(StoreError::DiskFull)));
    assert!(!folder.join("photos/ab").exists(), "refused before anything is written");
    // A page of the log may be left over from before; soon there is none.
    let full = (2..100).find_map(|n| record(&mut store, n, &"满".repeat(2_000)).err().map(|error| (n, error)));
    let Some((n, StoreError::DiskFull)) = full else { panic!("{full:?}") };
    assert!(matches!(record(&mut store, n, "满"), Err(StoreError::DiskFull)), "again, and no other error");
    assert!(store.case(&waybill(n), NOW).unwrap().is_none(), "no row");
    assert!(store.status().unwrap().unsent.iter().all(|intent| intent.waybill != waybill(n).to_string()), "no intent");
    assert_eq!(store.case(&waybill(1), NOW).unwrap(), before, "what was recorded is there");
    let count = store.status().unwrap().unsent.len();
    drop(store);
    fs::remove_file(&ballast).unwrap();
    let (mut store, report) = Store::open_or_salvage(&folder, FRESH).unwrap();
    assert!(report.is_none() && store.status().unwrap().unsent.len() == count);
    record(&mut store, n, "有空间了").unwrap();
    assert_eq!(store.case(&waybill(n), NOW).unwrap().unwrap().case.timeline.len(), 1);
}

#[test]
fn a_store_on_a_full_disk_is_opened_read_and_sent_by_every_new_process() {
    let folder = tempfile::tempdir().unwrap();
    let prepare = "mount -t tmpfs -o size=24m tmpfs \"$1\"";
    match in_a_child(prepare, folder.path(), "disk::on_a_disk_of_twenty_four_megabytes") {
        Some(99 | 1) | None => eprintln!("not shown: this system gives no mount namespace (unshare -Urm)"),
        code => assert_eq!(code, Some(0)),
    }
}

#[test]
#[ignore = "run by the test above, on a disk of its own"]
fn on_a_disk_of_twenty_four_megabytes() {
    let folder = childs_folder();
    let mut store = listed_in(&folder);
    record(&mut store, 1, "还有空间").unwrap();
    drop(store);
    assert_eq!(fs::metadata(folder.join("doorstep.reserve")).unwrap().len(), 4 << 20);
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![1; 24 << 20]).ok();
    for _ in 0..3 {
        let mut store = Store::open(&folder).unwrap();
        assert!(store.status().unwrap().waits_for_room, "even the index of the log had no room");
        assert_eq!(store.cases(&Filter::default(), NOW).unwrap().len(), 1);
        assert!(matches!(record(&mut store, 2, "满"), Err(StoreError::DiskFull)));
    }
    let mut store = Store::open(&folder).unwrap();
    accept(&mut store);
    assert!(store.status().unwrap().unsent.is_empty());
    drop(store);
    fs::remove_file(&ballast).unwrap();
    let mut store = Store::open(&folder).unwrap();
    assert!(!store.status().unwrap().waits_for_room);
    record(&mut store, 2, "有空间了").unwrap();
}

#[test]
fn a_photo_that_can_not_be_written_whole_leaves_no_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    // Blocks of 512 bytes; a file that would grow past the limit gives an error, the signal is ignored.
    let code = in_a_child("trap '' XFSZ; ulimit -f 2048", folder.path(), "disk::with_files_of_one_megabyte_at_most");
    assert_eq!(code, Some(0));
}

#[test]
#[ignore = "run by the test above, under its limit"]
fn with_files_of_one_megabyte_at_most() {
    let folder = childs_folder();
    let mut store = listed_in(&folder);
    let id = PhotoId::new([0xab; 32]);
    assert!(store.save_photo(id, "jpg", &vec![7; 3_000_000], false).is_err());
    assert_eq!(fs::read_dir(folder.join("photos/ab")).unwrap().count(), 0, "no partial file stays");
    assert_eq!(store.status().unwrap().photos, 0);
    let photo = store.save_photo(id, "jpg", &[7; 1_000], false).unwrap();
    let shows = Body::Photo(Photo::of(id, 1_000, PhotoPurpose::Door));
    record_with(&mut store, 1, vec![attempt("x"), shows], vec![photo]).unwrap();
}
