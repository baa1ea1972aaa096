//! Parcel lists with a row that fails half way.

use doorstep_tests::{PARCEL_COLUMNS, World, waybill};

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_named_as_left_out_leaves_nothing_and_is_taken_whole_the_next_time() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    world.hands.advance(60);
    let csv = format!("{PARCEL_COLUMNS}\n{},QH,0755,0412,c1,王小花,13800000002,青禾路2号,900,2026-03-02 08:00\n", waybill(2));
    let db = world.database();
    let case = phone.id(2);
    let of_case = |sql: &str| -> i64 { db.query_row(sql, [case.as_bytes()], |row| row.get(0)).unwrap() };
    let listed = || of_case("SELECT count(*) FROM listed WHERE case_id = ?1");
    let before = listed();
    // The list's facts can not be written into the case, because one of its receipts can not be read.
    db.execute("UPDATE change SET slack_ms = -1 - slack_ms WHERE case_id = ?1 AND n = 1", [case.as_bytes()]).unwrap();
    let done = world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    assert_eq!((done.imported, done.bad.len()), (0, 1));
    let origin = || -> String {
        db.query_row("SELECT origin_outlet FROM parcel WHERE waybill = ?1", [waybill(2)], |row| row.get(0)).unwrap()
    };
    assert_eq!(origin(), "0571", "as before");
    db.execute("UPDATE change SET slack_ms = -1 - slack_ms WHERE case_id = ?1 AND n = 1", [case.as_bytes()]).unwrap();
    let done = world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    assert_eq!((done.imported, done.bad.len()), (1, 0));
    assert_eq!(origin(), "0755");
    assert!(listed() > before, "the case says what the list says now");
}
