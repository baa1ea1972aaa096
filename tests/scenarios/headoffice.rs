//! Head office: the page, the parcel list, and a case that is broken.

use doorstep_client::Act;
use doorstep_domain::{Reply, UnixMs};
use doorstep_server::{Config, ServeError, start};
use doorstep_tests::{Hands, PARCEL_COLUMNS, World, code, failed, on, raw, text, waybill};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_opens_only_with_its_token_and_shows_cases_in_both_languages() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail_with_photo(2, 1).unwrap();
    phone.client.record(&on(waybill(2), Act::Note(text("<script>alert(1)</script>未\u{202e}签\u{2066}收"))), &[]).unwrap();
    phone.sync().await.unwrap();
    world.admin().cases(10, world.hands.now()).unwrap(); // brings the rows up to date

    let get = async |path: &str, cookie: &str| raw(world.addr(), "GET", path, &[("cookie", cookie)], b"").await;
    assert_eq!(get("/", "").await.status, 401);
    assert_eq!(get("/?token=00000000000000000000000000000000", "").await.status, 401);
    let page = world.page();
    let query = page.rsplit_once('/').unwrap().1;
    let login = get(&format!("/{query}"), "").await;
    assert_eq!(login.status, 303);
    let cookie = login.head.lines().find_map(|l| l.strip_prefix("set-cookie: ")).unwrap().split(';').next().unwrap().to_owned();
    let list = get("/", &cookie).await;
    let text = String::from_utf8_lossy(&list.body).into_owned();
    assert!(
        list.status == 200 && text.contains(&waybill(2)) && text.contains("送无人") && text.contains("Nobody home"),
        "{text}"
    );
    let case = get(&format!("/case/{}", phone.id(2)), &cookie).await;
    let text = String::from_utf8_lossy(&case.body).into_owned();
    assert!(text.contains("SLA-03") && text.contains("Same-day notice"));
    assert!(!text.contains("<script>"), "what people write is shown as text");
    assert!(text.contains("未⟨U+202E⟩签⟨U+2066⟩收"), "in its real order");
    let photo = text.split("/photo/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(get(&format!("/photo/{photo}"), &cookie).await.status, 200);
    assert_eq!(get(&format!("/photo/{photo}"), "").await.status, 401);
    for unknown in ["/case/00", "/case/nonsense", "/case/%ff"] {
        let page = get(unknown, &cookie).await;
        assert!(page.status == 404 && page.head.contains("content-type: text/html"), "{unknown}: {}", page.head);
    }
    for page in [&list, &case, &get("/", "").await] {
        for line in [
            "content-security-policy: default-src 'none'; img-src 'self'; style-src 'sha256-",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
        ] {
            assert!(page.head.contains(line), "{line} in {}", page.head);
        }
        assert!(!page.head.contains("unsafe"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_case_tells_what_a_reply_corrects_as_a_reviewer_sees_it() {
    let mut world = World::new().await;
    let (phone, origin) = (world.device("phone", "c1").await, world.device("origin", "o1").await);
    phone.client.record(&failed(waybill(2), "DF-ADDR"), &[]).unwrap();
    let notice = Act::Notice { to: None, request: Some(text("地址？")) };
    phone.client.record(&on(waybill(2), notice), &[]).unwrap();
    phone.sync().await.unwrap();
    origin.sync().await.unwrap();
    let reply = Reply {
        words: Some(text("改地址再派")),
        phone: Some(text("13912345678")),
        address: Some(text("青禾路9号")),
        company: Some(text("青禾公司")),
        ..Reply::of(code("REDELIVER"))
    };
    origin.client.record(&on(waybill(2), Act::Reply(reply)), &[]).unwrap();
    origin.sync().await.unwrap();
    let page = world.page();
    let cookie = format!("doorstep={}", page.rsplit('=').next().unwrap());
    let case = raw(world.addr(), "GET", &format!("/case/{}", phone.id(2)), &[("cookie", &cookie)], b"").await;
    let text = String::from_utf8(case.body).unwrap();
    let told = [
        "改地址再派",
        "电话 phone 13912345678",
        "地址 address 青禾路9号",
        "公司 company 青禾公司",
        "通知 to 0571",
        "Deliver again",
    ];
    for words in told {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_of_a_parcel_list_is_named_by_its_line_and_the_rest_is_imported() {
    let world = World::new().await;
    let header = PARCEL_COLUMNS;
    let rows = [
        "QH100000000001,QH,0571,0412,c1,\"欧阳, 小花\",13000000001,\"青禾路\n1号\",0,2026-03-02 08:00", // two lines
        "QH1,QH,0571,0412,c1,王,,路,0,",                                                                // line 4: pattern
        "QH100000000002,QH,9999,0412,c1,王,,路,0,",                                                     // line 5: outlet
        "QH100000000003,QH,0571,0412,nobody,王,,路,0,",                                                 // line 6: courier
        "QH100000000004,QH,0571,0412,c1,王,,路,12.5,",                                                  // line 7: fen
        "QH100000000005,QH,0571,0412,c1,王,,路,0,tomorrow",                                             // line 8: time
        "QH100000000006,ZZ,0571,0412,c1,王,,路,0,",                                                     // line 9: network
        "QH100000000007,QH,0571",                                                                       // line 10: short
        "QH100000000008,QH,0571,0412,,王,,路,,2026-03-02T08:00:00+08:00", // fine: no courier, no phone, no amount
    ];
    let csv = format!("\u{feff}{header}\r\n{}\r\n", rows.join("\r\n"));
    let result = world.admin().import_parcels(csv.as_bytes(), world.hands.now()).unwrap();
    assert_eq!(result.imported, 2, "{result:?}");
    assert_eq!(result.bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [4, 5, 6, 7, 8, 9, 10], "{result:?}");
    assert!(result.bad.iter().all(|bad| !bad.fault.contains('王')), "no personal data in an error: {result:?}");
    let gbk = [header.as_bytes(), b"\nQH100000000009,QH,0571,0412,c1,\xcd\xf5,,x,0,\n"].concat();
    let done = world.admin().import_parcels(&gbk, world.hands.now()).unwrap();
    assert_eq!((done.imported, done.encoding), (1, "GB18030"), "{done:?}");
    let error = world.admin().import_parcels(b"waybill,network\n", world.hands.now()).err().unwrap().to_string();
    assert!(error.contains("origin_outlet"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_cannot_be_projected_is_frozen_and_nobody_else_notices() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let db = world.database();
    db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    // Until the server's own projecting is done, or it would write the row of before the damage.
    let behind = || db.query_row("SELECT count(*) FROM doc WHERE projected_n < n", [], |row| row.get::<_, i64>(0)).unwrap();
    while behind() > 0 {
        tokio::task::yield_now().await;
    }
    let id = phone.id(2);
    db.execute(
        "UPDATE change SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'ff' AS BLOB) WHERE case_id = ?1",
        [id.as_bytes().as_slice()],
    )
    .unwrap();
    db.execute("UPDATE doc SET projected_n = 0", []).unwrap();
    let rows = world.admin().cases(10, world.hands.now()).unwrap();
    let shown: Vec<_> = rows.iter().map(|r| (r.waybill.clone(), r.state.as_str())).collect();
    assert_eq!(shown, [(waybill(2), "frozen"), (waybill(4), "registered")]);
    let frozen: String =
        db.query_row("SELECT frozen FROM doc WHERE case_id = ?1", [id.as_bytes().as_slice()], |row| row.get(0)).unwrap();
    assert!(frozen.contains("damaged"), "{frozen}");
    phone.fail(6, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_whose_log_lacks_a_change_or_ends_elsewhere_than_its_row_says_is_frozen() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    for n in [2, 4, 6] {
        phone.fail(n, "DF-NOBODY").unwrap();
        phone.note(n, "一").unwrap();
        phone.note(n, "二").unwrap();
    }
    phone.sync().await.unwrap();
    let db = world.database();
    db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    let behind = || db.query_row("SELECT count(*) FROM doc WHERE projected_n < n", [], |row| row.get::<_, i64>(0)).unwrap();
    while behind() > 0 {
        tokio::task::yield_now().await;
    }
    db.execute("DELETE FROM change WHERE case_id = ?1 AND n = 2", [phone.id(2).as_bytes().as_slice()]).unwrap();
    db.execute("DELETE FROM change WHERE case_id = ?1 AND n = 3", [phone.id(4).as_bytes().as_slice()]).unwrap();
    db.execute("UPDATE doc SET projected_n = 0", []).unwrap();
    let rows = world.admin().cases(10, world.hands.now()).unwrap();
    let mut shown: Vec<_> = rows.iter().map(|row| (row.waybill.clone(), row.state.as_str())).collect();
    shown.sort_unstable();
    assert_eq!(shown, [(waybill(2), "frozen"), (waybill(4), "frozen"), (waybill(6), "registered")]);
    let why = |n: u32| -> String {
        db.query_row("SELECT frozen FROM doc WHERE case_id = ?1", [phone.id(n).as_bytes().as_slice()], |row| row.get(0)).unwrap()
    };
    assert!(why(2).contains("does not continue"), "{}", why(2));
    assert!(why(4).contains("other heads"), "{}", why(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_other_than_loopback_is_refused_unless_it_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let hands = Hands::at(UnixMs(0));
    let listen = "0.0.0.0:0".parse().unwrap();
    let config = Config::on_loopback(folder.path().join("data"), hands.server());
    let refused = start(Config { listen, ..config }).await;
    assert!(matches!(refused, Err(ServeError::NotLoopback(_))));
    assert!(!folder.path().join("data").exists(), "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_rule_pack_reaches_devices_and_judges_anew() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let toml = String::from_utf8(doorstep_rules::FIRST_PACK.to_vec()).unwrap();
    let second = toml.replace("version = 1", "version = 2").replace("due = \"end_of_day\"", "due = { hours = 1 }");
    let published = world.admin().publish_pack(second.as_bytes(), world.hands.now()).unwrap();
    assert_eq!(published.valid_from, world.hands.now().plus(2 * 3_600_000), "no sooner than two hours after its publication");
    assert!(world.admin().publish_pack(b"{}", world.hands.now()).is_err(), "a broken one is refused");
    assert!(world.admin().publish_pack(second.as_bytes(), world.hands.now()).is_err(), "a version is published once");
    phone.sync().await.unwrap();
    let before = phone.case(2).unwrap().judgement.deadlines[0].clone();
    assert_eq!((before.pack_version, phone.client.pack().unwrap().unwrap().version), (1, 1), "not in force yet");
    world.hands.advance(120);
    assert_eq!(phone.client.pack().unwrap().unwrap().version, 2);
    assert_eq!(
        phone.case(2).unwrap().judgement.deadlines[0],
        doorstep_rules::Deadline { left_ms: before.left_ms - 7_200_000, ..before },
        "the act of before is judged as before"
    );
    phone.fail(4, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    let due = phone.case(4).unwrap().judgement.deadlines[0].due_at;
    assert_eq!(due, Some(world.hands.now().plus(3_600_000)), "the act of now by the new rules");
    assert_eq!(phone.list()[0].due_at, due, "the list too");
    assert_eq!(world.admin().cases(10, world.hands.now()).unwrap()[0].due_at, due);
}
