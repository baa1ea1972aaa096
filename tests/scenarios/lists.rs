//! Whose turn it is, in the list of each person and of head office.

use doorstep_rules::{DutyKind, Side, Turn};
use doorstep_server::admin::{CaseRow, DueFrom, Which};
use doorstep_store::Filter;
use doorstep_tests::{Device, World, ended, raw, waybill};

/// At head office: 2 is not notified, 4 waits for the origin outlet, 6 has ended.
async fn three(world: &mut World) -> (Device, Device) {
    let (phone, origin) = (world.device("phone", "c1").await, world.device("origin", "o1").await);
    for n in [2, 4, 6] {
        phone.fail(n, "DF-NOBODY").unwrap();
    }
    phone.notice(4).unwrap();
    phone.client.record(&ended(waybill(6), "SIGNED", None), &[]).unwrap();
    phone.sync().await.unwrap();
    origin.sync().await.unwrap();
    (phone, origin)
}

fn numbers(rows: &[CaseRow]) -> Vec<u32> {
    rows.iter().map(|row| (0..40).find(|n| waybill(*n) == row.waybill).unwrap()).collect()
}

fn due_from(world: &World, outlet: Option<&str>, side: Option<Side>) -> Vec<CaseRow> {
    let from = DueFrom { outlet: outlet.map(|outlet| outlet.parse().unwrap()), side };
    world.admin().cases_due_from(&from, Which::Listed, 100, world.hands.now()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_set_of_duties_makes_another_list_for_the_courier_the_origin_outlet_and_head_office() {
    let mut world = World::new().await;
    let (phone, origin) = three(&mut world).await;
    let row = |device: &Device, n: u32| device.list().into_iter().find(|row| row.waybill == waybill(n)).unwrap();
    let here = (row(&phone, 4), row(&origin, 4));
    let office = world.admin().cases(10, world.hands.now()).unwrap();
    let there = office.iter().find(|row| row.waybill == waybill(4)).unwrap();
    assert_eq!((&here.0.duties, &here.1.duties), (&there.duties, &there.duties));
    let look = here.1.due.as_ref().unwrap();
    assert_eq!((look.kind, look.side, look.outlet.as_ref().unwrap().as_str()), (DutyKind::Look, Side::Origin, "0571"));
    assert_eq!((here.1.mine, here.1.turn), (true, Turn::Mine(look.until.unwrap())));
    assert_eq!(there.due.as_ref(), Some(look), "head office shows the most urgent");
    let listed = |device: &Device, which| {
        let rows = device.client.cases(&Filter { which, ..Filter::default() }).unwrap();
        rows.into_iter().map(|row| row.waybill).collect::<Vec<_>>()
    };
    assert_eq!(listed(&origin, doorstep_store::Which::ToAnswer), [waybill(4)]);
    assert_eq!(listed(&phone, doorstep_store::Which::ToAnswer), [""; 0]);
    assert!(listed(&phone, doorstep_store::Which::ToDo).contains(&waybill(2)));
    // Once it is looked at and answered, it is the courier's turn.
    origin.reply(4).unwrap();
    origin.sync().await.unwrap();
    phone.sync().await.unwrap();
    assert_eq!(listed(&origin, doorstep_store::Which::ToAnswer), [""; 0]);
    let row = row(&phone, 4);
    assert_eq!((row.mine, row.due.unwrap().kind), (true, DutyKind::Follow));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_offices_list_begins_with_what_is_overdue_and_ends_with_what_has_ended_after_midnight_too() {
    let mut world = World::new().await;
    let (phone, _origin) = three(&mut world).await;
    assert_eq!(numbers(&world.admin().cases(10, world.hands.now()).unwrap()), [4, 2, 6]);
    // The rows pass midnight from their stored phases: a record that would be read is damaged, and the case would be frozen.
    phone.fail(8, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    world.admin().cases(10, world.hands.now()).unwrap();
    world.database().execute("UPDATE change SET bytes = x'00'", []).unwrap();
    world.hands.advance(16 * 60);
    let rows = world.admin().cases(10, world.hands.now()).unwrap();
    assert_eq!(numbers(&rows)[0], 4, "its notice was to be looked at before midnight");
    assert_eq!(numbers(&rows)[3], 6);
    let missed = rows.iter().find(|row| row.waybill == waybill(2)).unwrap();
    let due = missed.due.as_ref().unwrap();
    assert_eq!((missed.due_at, due.kind, due.missed.is_some()), (None, DutyKind::Notify, true), "{missed:?}");
    assert!(rows[3].due.is_none() && rows[3].duties.is_empty() && rows[..3].iter().all(|row| row.due.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_office_lists_what_is_due_from_one_outlet_or_side_by_the_most_urgent_of_theirs() {
    let mut world = World::new().await;
    three(&mut world).await;
    let rows = due_from(&world, Some("0571"), None);
    assert_eq!(numbers(&rows), [4]);
    assert!(rows.iter().all(|row| row.due.as_ref().unwrap().outlet.as_ref().unwrap().as_str() == "0571"));
    assert_eq!(numbers(&due_from(&world, None, Some(Side::Origin))), [4]);
    let delivering = due_from(&world, Some("0412"), Some(Side::Delivering));
    assert!(numbers(&delivering).contains(&2) && !numbers(&delivering).contains(&6));
    assert!(delivering.iter().all(|row| row.due.as_ref().unwrap().side == Side::Delivering));
    assert_eq!(due_from(&world, Some("0755"), None).len() + due_from(&world, Some("0571"), Some(Side::Hub)).len(), 0);
    let cookie = format!("doorstep={}", world.page().rsplit_once("token=").unwrap().1);
    let page = async |path: &str| {
        let page = raw(world.addr(), "GET", path, &[("cookie", &cookie)], b"").await;
        assert_eq!(page.status, 200);
        String::from_utf8_lossy(&page.body).into_owned()
    };
    let whole = page("/").await;
    assert!([2, 4, 6].iter().all(|n| whole.contains(&waybill(*n))), "{whole}");
    assert!(whole.contains("查看通知") && whole.contains("Look at the notice") && whole.contains("/?outlet=0571"), "{whole}");
    for path in ["/?side=origin_outlet", "/?outlet=0571", "/?side=origin_outlet&outlet=0571"] {
        let part = page(path).await;
        assert!(part.contains(&waybill(4)) && !part.contains(&waybill(2)), "{path}: {part}");
    }
    assert!(page("/?side=nobody&outlet=%20").await.contains(&waybill(2)), "what names nobody limits nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_the_former_schema_keeps_its_rows_and_gets_their_duties() {
    let mut world = World::new().await;
    three(&mut world).await;
    let today = format!("{:?}", world.admin().cases(10, world.hands.now()).unwrap());
    assert!(today.contains("Look"));
    world.stop_server().await;
    world.as_of_step(15);
    world.restart_server().await;
    assert_eq!(format!("{:?}", world.admin().cases(10, world.hands.now()).unwrap()), today);
    assert_eq!(numbers(&due_from(&world, None, Some(Side::Origin))), [4]);
}
