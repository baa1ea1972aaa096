//! Rows of the parcel list: who gets which fields, how the network's own system sends them, and how they end.

use doorstep_domain::{Fen, FreightKind, Personal};
use doorstep_protocol::{MAX_INFLATED, RefKind, Refs, decode, open};
use doorstep_store::Store;
use doorstep_tests::{LinkMode, RawAnswer, World, ended, raw, waybill};
use serde_json::{Value, json};

/// A row of JSON as the network's system sends it, with all fields.
fn row(n: u32) -> Value {
    json!({
        "waybill": waybill(n), "network": "QH", "origin_outlet": "0571", "delivering_outlet": "0412", "courier": "c1",
        "recipient_name": "王小花", "recipient_phone": "13800000002", "recipient_address": "青禾路2号", "cod_fen": 900,
        "theoretical_arrival": "2026-03-02 08:00", "sender_name": "陈掌柜", "sender_phone": "13900001234",
        "freight": "collect", "freight_fen": 1800, "receipt_no": "QHR000000000002", "label_grams": 2350, "pieces": 2,
        "children": ["QH900000000001"], "goods": "茶叶", "declared_fen": 30000, "day": "2026-03-02",
        "expires": "2026-03-16 20:00",
    })
}

fn with(mut row: Value, field: &str, value: Value) -> Value {
    row[field] = value;
    row
}

async fn post(world: &World, token: &str, query: &str, rows: &Value) -> RawAnswer {
    let body = json!({ "rows": rows }).to_string();
    let auth = format!("Bearer {token}");
    raw(world.addr(), "POST", &format!("/v1/parcels{query}"), &[("authorization", &auth)], body.as_bytes()).await
}

fn said(answer: &RawAnswer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn token(world: &World) -> String {
    world.admin().add_service_token("TMS", world.hands.now()).unwrap().token
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posted_row_reaches_its_courier_with_all_fields_and_the_sender_masked() {
    let mut world = World::new().await;
    let token = token(&world);
    let answer = post(&world, &token, "", &json!([row(2)])).await;
    assert_eq!(answer.status, 200);
    assert_eq!(said(&answer), json!({ "taken": 1, "ended": 0, "rows": [{ "row": 0, "waybill": waybill(2), "taken": true }] }));
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    let parcels = phone.client.parcels().unwrap();
    let parcel = parcels.iter().find(|parcel| parcel.waybill.as_str() == waybill(2)).unwrap();
    let details = parcel.details.clone();
    let text = |value: Option<Personal>| value.unwrap().text().unwrap().to_owned();
    assert_eq!((text(details.sender_name), text(details.sender_phone)), ("陈**".to_owned(), "139******34".to_owned()));
    assert_eq!(text(details.goods), "茶叶");
    let freight = details.freight.unwrap();
    assert_eq!((freight.kind, freight.amount), (FreightKind::Collect, Fen(1_800)));
    assert_eq!(details.receipt_no.unwrap().as_str(), "QHR000000000002");
    assert_eq!((details.label_grams, details.pieces, details.declared), (Some(2_350), Some(2), Some(Fen(30_000))));
    assert_eq!(details.day.unwrap().to_string(), "2026-03-02");
    // The number of the sender is not on the phone at all.
    let db = rusqlite::Connection::open(phone.folder.join("doorstep.db")).unwrap();
    let stored: Vec<u8> =
        db.query_row("SELECT sender_phone FROM parcel WHERE waybill = ?1", [waybill(2)], |row| row.get(0)).unwrap();
    assert_eq!(stored, Personal::plain("139******34").unwrap().as_bytes());
    // A row without further fields is as it was.
    let plain = parcels.iter().find(|parcel| parcel.waybill.as_str() == waybill(4)).unwrap();
    assert_eq!((plain.details.sender_name.as_ref(), plain.details.freight), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_of_a_post_is_taken_or_refused_by_itself_and_a_fault_names_its_field_and_no_person() {
    let world = World::new().await;
    let token = token(&world);
    let bad = [
        ("cod_fen", json!("王小花")),
        ("freight", json!("13800000002")),
        ("receipt_no", json!("王小花")),
        ("label_grams", json!(-1)),
        ("pieces", json!(1.5)),
        ("day", json!("tomorrow 13800000002")),
        ("expires", json!("soon 王小花")),
        ("theoretical_arrival", json!("13800000002")),
        ("delivering_outlet", json!("9999")),
        ("courier", json!("nobody")),
        ("network", json!("王小花")),
        ("run", json!("x".repeat(99))),
        ("recipient_name", json!("")),
        ("declared_fen", json!(i64::MAX)),
    ];
    let mut rows: Vec<Value> = bad.iter().map(|(field, value)| with(row(50), field, value.clone())).collect();
    rows.push(with(row(50), "王小花13800000002", json!("x")));
    rows.push(with(row(50), "waybill", json!("no.1 王小花")));
    rows.push(row(52));
    let answer = post(&world, &token, "", &json!(rows)).await;
    assert_eq!(answer.status, 200);
    let text = String::from_utf8(answer.body.clone()).unwrap();
    for value in ["王小花", "13800000002", "青禾路", "陈掌柜", "13900001234", "茶叶"] {
        assert!(!text.contains(value), "{value} is in the answer");
    }
    let said = said(&answer);
    assert_eq!(said["taken"], 1);
    for (place, (field, _)) in bad.iter().enumerate() {
        let row = &said["rows"][place];
        assert_eq!((&row["taken"], &row["field"]), (&json!(false), &json!(field)), "{row}");
    }
    assert_eq!(said["rows"][bad.len()]["taken"], false, "a field that is not known");
    assert_eq!(said["rows"][bad.len() + 1]["field"], "waybill");
    assert_eq!(said["rows"][bad.len() + 2], json!({ "row": bad.len() + 2, "waybill": waybill(52), "taken": true }));
    let stored: i64 =
        world.database().query_row("SELECT count(*) FROM parcel WHERE waybill = ?1", [waybill(50)], |row| row.get(0)).unwrap();
    assert_eq!(stored, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_service_token_in_use_sends_parcels_and_it_does_nothing_else() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let good = token(&world);
    let mut admin = world.admin();
    assert!(admin.add_service_token("TMS", world.hands.now()).is_err(), "the name is in use");
    assert!(!format!("{:?}", admin.service_tokens().unwrap()).contains(&good));
    let of_device = phone.bearer();
    for wrong in ["", "00", of_device.strip_prefix("Bearer ").unwrap()] {
        assert_eq!(post(&world, wrong, "", &json!([row(2)])).await.status, 401);
    }
    assert_eq!(raw(world.addr(), "POST", "/v1/parcels", &[], b"{}").await.status, 401, "no token at all");
    let auth = format!("Bearer {good}");
    for path in ["/v1/refs/parcels", "/v1/live"] {
        assert_eq!(raw(world.addr(), "GET", path, &[("authorization", &auth)], b"").await.status, 401, "{path}");
    }
    for body in ["", "[]", "{\"rows\": 7}", "{\"rows\": [\"王小花\"]}"] {
        let answer = raw(world.addr(), "POST", "/v1/parcels", &[("authorization", &auth)], body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(!String::from_utf8(answer.body).unwrap().contains("王小花"));
    }
    let large = vec![b' '; doorstep_protocol::MAX_ENCODED + 1];
    assert_eq!(raw(world.addr(), "POST", "/v1/parcels", &[("authorization", &auth)], &large).await.status, 413);
    assert_eq!(post(&world, &good, "", &json!([row(2)])).await.status, 200);
    assert_eq!(admin.service_tokens().unwrap()[0].used_at, Some(world.hands.now()));
    admin.revoke_service_token("TMS", world.hands.now()).unwrap();
    assert_eq!(post(&world, &good, "", &json!([row(2)])).await.status, 401);
    let again = admin.add_service_token("TMS", world.hands.now()).unwrap().token;
    assert_eq!(post(&world, &again, "", &json!([row(2)])).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_of_service_tokens_wait_and_the_right_one_does_not() {
    let world = World::new().await;
    let good = token(&world);
    let mut answers = Vec::new();
    for n in 0..8 {
        answers.push(post(&world, &format!("{n:064}"), "", &json!([])).await);
    }
    assert_eq!(answers[0].status, 401);
    let last = &answers[7];
    assert_eq!(last.status, 429);
    assert!(last.head.contains("retry-after: "), "{}", last.head);
    assert_eq!(post(&world, &good, "", &json!([row(2)])).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_list_ends_the_other_rows_of_its_day_but_none_whose_case_is_open() {
    let mut world = World::new().await;
    let token = token(&world);
    // Rows that an earlier version imported without a day have none.
    world.database().execute("UPDATE parcel SET list_day = NULL", []).unwrap();
    let rows: Vec<Value> = [2, 4, 6].map(row).into();
    assert_eq!(said(&post(&world, &token, "?complete=true&day=2026-03-02", &json!(rows)).await)["ended"], 0);
    let other_day = with(row(8), "day", json!("2026-03-03"));
    post(&world, &token, "", &json!([other_day])).await;
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    // A row that can not be read may be any parcel of the day, so nothing ends.
    let unreadable = json!([row(2), with(row(6), "waybill", json!("?"))]);
    assert_eq!(said(&post(&world, &token, "?complete=true&day=2026-03-02", &unreadable).await)["ended"], 0);
    // A refused row is in the list all the same.
    let refused = json!([row(2), with(row(6), "pieces", json!("many"))]);
    assert_eq!(said(&post(&world, &token, "?complete=true&day=2026-03-02", &refused).await)["ended"], 0);
    let answer = said(&post(&world, &token, "?complete=true&day=2026-03-02", &json!([row(2)])).await);
    assert_eq!((&answer["taken"], &answer["ended"]), (&json!(1), &json!(1)), "6, because the case of 4 is open");
    phone.sync().await.unwrap();
    let listed: Vec<String> = phone.client.parcels().unwrap().iter().map(|parcel| parcel.waybill.to_string()).collect();
    for (n, is_there) in [(2, true), (4, true), (6, false), (10, true)] {
        assert_eq!(listed.contains(&waybill(n)), is_there, "{n}");
    }
    // Its personal data are gone from the server too.
    let left: (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>) = world
        .database()
        .query_row(
            "SELECT recipient_name, recipient_phone, sender_phone, goods FROM parcel WHERE waybill = ?1",
            [waybill(6)],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .unwrap();
    assert_eq!(left, (vec![0, 0], vec![], vec![], vec![]));
    // The list names it again.
    post(&world, &token, "", &json!([row(6)])).await;
    phone.sync().await.unwrap();
    assert!(phone.client.parcels().unwrap().iter().any(|parcel| parcel.waybill.as_str() == waybill(6)));
    for query in ["?complete=true", "?complete=true&day=today"] {
        assert_eq!(post(&world, &token, query, &json!([])).await.status, 400, "{query}");
    }
    let other = said(&post(&world, &token, "?complete=true&day=2026-03-04", &json!([row(2)])).await);
    assert_eq!(other["rows"][0]["field"], "day");
}

/// What the server answers to a device that asks for its parcels; `None` if it has them.
async fn fetched(world: &World, phone: &doorstep_tests::Device, have: u64, query: &str) -> Option<Refs> {
    let path = format!("/v1/refs/parcels?have={have}{query}");
    let answer = raw(world.addr(), "GET", &path, &[("authorization", &phone.bearer())], b"").await;
    match answer.status {
        200 => Some(decode(&open(&answer.body, MAX_INFLATED).unwrap()).unwrap()),
        304 => None,
        status => panic!("{status}"),
    }
}

fn version(phone: &doorstep_tests::Device) -> u64 {
    Store::open(&phone.folder).unwrap().ref_version(RefKind::Parcels).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posted_row_costs_its_readers_only_the_difference_and_an_unchanged_one_nobody() {
    let mut world = World::new().await;
    let token = token(&world);
    let (mine, other) = (world.device("c1", "c1").await, world.device("c2", "c2").await);
    mine.sync().await.unwrap();
    other.sync().await.unwrap();
    let (before, of_other) = (version(&mine), version(&other));
    post(&world, &token, "", &json!([row(2)])).await;
    assert!(fetched(&world, &other, of_other, "&part=1").await.is_none(), "the other courier's rows are as they were");
    let part = fetched(&world, &mine, before, "&part=1").await.unwrap();
    assert_eq!((part.since, part.parcels.len(), part.ended.as_deref()), (Some(before), 1, Some(&[][..])));
    let whole = fetched(&world, &mine, before, "").await.unwrap();
    assert_eq!((whole.since, whole.parcels.len(), whole.ended), (None, 20, None), "as a device asks that knows no difference");
    mine.sync().await.unwrap();
    assert_eq!(version(&mine), part.version);
    assert_eq!(mine.client.parcels().unwrap().len(), 20);
    // The same row again, by either way, is no change.
    post(&world, &token, "", &json!([row(2)])).await;
    assert!(fetched(&world, &mine, part.version, "&part=1").await.is_none());
    // An unknown version, as of another history, gets everything.
    for have in [0, part.version + 1_000] {
        assert_eq!(fetched(&world, &mine, have, "&part=1").await.unwrap().since, None, "{have}");
    }
    // The parcel moves to the other courier: one learns that it has gone, the other gets it.
    post(&world, &token, "", &json!([with(row(2), "courier", json!("c2"))])).await;
    let gone = fetched(&world, &mine, part.version, "&part=1").await.unwrap();
    assert_eq!((gone.parcels.len(), gone.ended), (0, Some(vec![waybill(2)])));
    mine.sync().await.unwrap();
    other.sync().await.unwrap();
    assert_eq!((mine.client.parcels().unwrap().len(), other.client.parcels().unwrap().len()), (19, 21));
    // And back.
    post(&world, &token, "", &json!([row(2)])).await;
    mine.sync().await.unwrap();
    other.sync().await.unwrap();
    assert_eq!((mine.client.parcels().unwrap().len(), other.client.parcels().unwrap().len()), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_reads_other_scopes_gets_all_rows_and_loses_the_former_ones() {
    let mut world = World::new().await;
    let token = token(&world);
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    let before = version(&phone);
    world.admin().user("c1", "李明", "courier", "0412").unwrap();
    let whole = fetched(&world, &phone, before, "&part=1").await.unwrap();
    assert_eq!((whole.since, whole.parcels.len()), (None, 20));
    phone.sync().await.unwrap();
    post(&world, &token, "", &json!([row(2)])).await;
    assert_eq!(fetched(&world, &phone, version(&phone), "&part=1").await.unwrap().parcels.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outlet_that_sent_a_parcel_gets_its_row_with_the_sender_while_it_has_an_open_notice() {
    let mut world = World::new().await;
    let token = token(&world);
    post(&world, &token, "", &json!([row(2)])).await;
    let (phone, origin) = (world.device("phone", "c1").await, world.device("origin", "o1").await);
    phone.sync().await.unwrap();
    origin.sync().await.unwrap();
    assert_eq!(origin.client.parcels().unwrap().len(), 0, "nothing concerns it yet");
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.notice(2).unwrap();
    phone.sync().await.unwrap();
    origin.sync().await.unwrap();
    let parcels = origin.client.parcels().unwrap();
    assert_eq!(parcels.len(), 1);
    let text = |value: &Option<Personal>| value.as_ref().unwrap().text().unwrap().to_owned();
    let details = &parcels[0].details;
    assert_eq!((text(&details.sender_name), text(&details.sender_phone)), ("陈掌柜".to_owned(), "13900001234".to_owned()));
    world.hands.advance(60);
    phone.client.record(&ended(waybill(2), "SIGNED", None), &[]).unwrap();
    phone.sync().await.unwrap();
    origin.sync().await.unwrap();
    assert_eq!(origin.client.parcels().unwrap().len(), 0, "the case has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_the_newest_one_that_is_not_after_today_and_the_open_cases() {
    let mut world = World::new().await;
    let token = token(&world);
    let dated = |n: u32, day: &str| with(row(n), "day", json!(day));
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    let mut rows: Vec<Value> = (0..40).step_by(2).map(|n| dated(n, "2026-03-02")).collect();
    rows.push(dated(60, "2026-03-03"));
    post(&world, &token, "", &json!(rows)).await;
    phone.sync().await.unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    let numbers = || phone.client.parcels().unwrap().len();
    assert_eq!(numbers(), 20, "not tomorrow's");
    world.hands.advance(24 * 60);
    let listed: Vec<String> = phone.client.parcels().unwrap().iter().map(|parcel| parcel.waybill.to_string()).collect();
    assert_eq!(listed, [waybill(4), waybill(60)], "today's, and the open case of yesterday");
    world.hands.advance(3 * 24 * 60);
    assert_eq!(numbers(), 2, "no newer list has come");
}

/// The row of a parcel at head office, as JSON of what matters here.
fn at_head_office(world: &World, n: u32) -> Value {
    let sql = "SELECT list_day, run, sender_name, freight, freight_fen, cod_fen, recipient_phone, declared_fen, courier FROM parcel WHERE waybill = ?1";
    let text =
        |bytes: Vec<u8>| Personal::from_bytes(&bytes).ok().and_then(|known| known.text().map(str::to_owned)).unwrap_or_default();
    world
        .database()
        .query_row(sql, [waybill(n)], |row| {
            Ok(json!({
                "day": row.get::<_, Option<String>>(0)?, "run": row.get::<_, Option<String>>(1)?, "sender": text(row.get(2)?),
                "freight": row.get::<_, Option<String>>(3)?, "freight_fen": row.get::<_, Option<i64>>(4)?,
                "cod": row.get::<_, i64>(5)?, "phone": text(row.get(6)?), "declared": row.get::<_, Option<i64>>(7)?,
                "courier": row.get::<_, Option<String>>(8)?,
            }))
        })
        .unwrap()
}

fn without(mut row: Value, fields: &[&str]) -> Value {
    for field in fields {
        row.as_object_mut().unwrap().remove(*field);
    }
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_a_posted_row_lacks_leaves_what_is_known_as_a_column_of_a_file_does() {
    let world = World::new().await;
    let token = token(&world);
    post(&world, &token, "", &json!([with(row(2), "day", json!("2026-03-01")), with(row(4), "day", json!("2026-03-05"))])).await;
    let known = at_head_office(&world, 2);
    assert_eq!((&known["day"], &known["sender"], &known["cod"]), (&json!("2026-03-01"), &json!("陈掌柜"), &json!(900)));
    let few = |n: u32| {
        without(
            row(n),
            &["day", "sender_name", "freight", "freight_fen", "cod_fen", "recipient_phone", "declared_fen", "courier"],
        )
    };
    // 2 keeps a day before today, 4 one after it, and 70 is new.
    let answer = said(&post(&world, &token, "", &json!([few(2), few(4), few(70)])).await);
    assert_eq!((&answer["taken"], &answer["kept_day"]), (&json!(3), &json!(1)), "{answer}");
    assert_eq!(at_head_office(&world, 2), known);
    assert_eq!(at_head_office(&world, 4)["day"], "2026-03-05");
    let new = at_head_office(&world, 70);
    assert_eq!((&new["day"], &new["sender"], &new["cod"]), (&json!("2026-03-02"), &json!(""), &json!(0)));
    // The day of the request is the day of rows that name none.
    let answer =
        said(&post(&world, &token, "?day=2026-03-04", &json!([few(2), with(few(4), "day", json!(null)), row(70)])).await);
    assert_eq!(answer["kept_day"], json!(null), "none");
    let days: Vec<Value> = [2, 4, 70].map(|n| at_head_office(&world, n)["day"].clone()).into();
    assert_eq!(days, [json!("2026-03-04"), json!("2026-03-04"), json!("2026-03-02")]);
    // Null and a blank text take a value away, in whichever unit.
    let emptied = with(with(with(few(2), "sender_name", json!(null)), "declared_yuan", json!("")), "freight", json!(" "));
    post(&world, &token, "", &json!([with(emptied, "freight_fen", json!(null))])).await;
    let left = at_head_office(&world, 2);
    assert_eq!((&left["sender"], &left["declared"], &left["freight"]), (&json!(""), &json!(null), &json!(null)));
    assert_eq!((&left["cod"], &left["phone"], &left["courier"]), (&known["cod"], &known["phone"], &known["courier"]));
    // Of one amount in two units the blank one says nothing.
    let yuan = with(with(few(2), "declared_yuan", json!("5")), "declared_fen", json!(null));
    assert_eq!(said(&post(&world, &token, "", &json!([yuan])).await)["taken"], 1);
    assert_eq!(at_head_office(&world, 2)["declared"], 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_has_passed_its_own_end_leaves_a_phone_without_a_sync_and_never_by_a_wrong_clock() {
    let mut world = World::new().await;
    let token = token(&world);
    let ending = |n: u32, end: &str| without(with(row(n), "expires", json!(end)), &["day"]);
    let rows = json!([ending(2, "2026-03-02 20:00"), ending(4, "2026-03-02 20:00"), ending(6, "2026-03-04 20:00")]);
    post(&world, &token, "", &rows).await;
    let phone = world.device("phone", "c1").await;
    phone.sync().await.unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    let stored = |n: u32| -> i64 {
        let db = rusqlite::Connection::open(phone.folder.join("doorstep.db")).unwrap();
        db.query_row("SELECT count(*) FROM parcel WHERE waybill = ?1", [waybill(n)], |row| row.get(0)).unwrap()
    };
    let has = |n: u32| phone.client.parcels().unwrap().iter().any(|parcel| parcel.waybill.as_str() == waybill(n));
    world.link.set(LinkMode::Cut);
    // After a restart without the server only the wall clock is left, which may be wrong.
    phone.clock.restart();
    world.hands.advance(24 * 60);
    assert!(has(2) && has(4) && has(6));
    world.link.set(LinkMode::Up);
    phone.sync().await.unwrap();
    world.link.set(LinkMode::Cut);
    assert!(!has(2) && stored(2) == 0, "over");
    assert!(has(4), "its case is open");
    assert!(has(6) && stored(6) == 1, "not over yet");
    world.hands.advance(2 * 24 * 60);
    assert!(!has(6) && stored(6) == 0, "over without a sync");
    // Head office names the parcel again, with a later end.
    post(&world, &token, "", &json!([ending(6, "2026-04-12 20:00")])).await;
    world.link.set(LinkMode::Up);
    phone.sync().await.unwrap();
    assert!(has(6) && has(4));
}
