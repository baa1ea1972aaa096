//! Sheets: an outlet's day, written by its staff and read by its outlet alone. All that holds of a case's signing, sending and keeping
//! holds of them.

use doorstep_client::{ClientError, DeviceSigner, Refusal, SheetCommand};
use doorstep_document::{Change, NewEntry, Position, pack};
use doorstep_domain::*;
use doorstep_protocol::{Ack, FeedPage, PushCase, SyncRequest, decode, signing::doc_digest};
use doorstep_rules::{SHEETS_POLICY, Sheet};
use doorstep_store::Filter;
use doorstep_tests::{Device, LinkMode, World, first_entry};

use crate::{formats::sync_in_version_2, rights::lawless};

const DAY: &str = "2026-03-02";

/// A world whose head office has published the rights on sheets, and a second clerk.
async fn world() -> World {
    let world = World::new().await;
    let mut admin = world.admin();
    admin.policy(SHEETS_POLICY).unwrap();
    admin.user("s2", "王芳", "outlet", "0412").unwrap();
    world
}

fn note(device: &Device, words: &str) -> Result<(), ClientError> {
    device.client.write_sheet(&SheetCommand::note(None, words)?).map(drop)
}

fn open(device: &Device) -> Result<(), ClientError> {
    device.client.write_sheet(&SheetCommand::open(None, None)?).map(drop)
}

fn notes(sheet: &Sheet) -> Vec<String> {
    let words = |r: &Recorded| match &r.entry.body {
        Body::SheetNote(note) => note.words.text().unwrap().to_owned(),
        other => panic!("{other:?}"),
    };
    sheet.notes().map(words).collect()
}

fn facts() -> SheetFacts {
    SheetFacts { network: "QH".parse().unwrap(), outlet: "0412".parse().unwrap(), day: DAY.parse().unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tablets_without_a_network_write_one_days_sheet_and_the_courier_gets_nothing_of_it() {
    let mut world = world().await;
    let (one, two) = (world.device("one", "s1").await, world.device("two", "s2").await);
    let phone = world.device("phone", "c1").await;
    world.link.set(LinkMode::Cut);
    open(&one).unwrap();
    world.hands.advance(5);
    open(&two).unwrap();
    note(&one, "09:00 跟件完毕").unwrap();
    world.hands.advance(5);
    note(&two, "交班：两件待回复").unwrap();
    assert_eq!(one.client.status().unwrap().unsent[0].waybill, format!("0412 {DAY}"));
    world.link.set(LinkMode::Up);
    for _ in 0..2 {
        one.sync().await.unwrap();
        two.sync().await.unwrap();
        phone.sync().await.unwrap();
    }
    let sheet = one.client.sheet(None).unwrap().unwrap();
    assert_eq!(two.client.sheet(Some(DAY)).unwrap(), Some(sheet.clone()), "both tablets show the same");
    assert_eq!(notes(&sheet), ["09:00 跟件完毕", "交班：两件待回复"]);
    assert_eq!((sheet.timeline.len(), sheet.facts.clone()), (4, facts()));
    assert_eq!(sheet.opened().unwrap().entry.author.user.as_str(), "s1", "who opened it first");
    assert!(sheet.timeline.iter().all(|r| r.standing.receipt().is_some()));
    assert_eq!(world.admin().sheet("0412", DAY).unwrap(), Some(sheet), "and head office too");
    assert_eq!(world.admin().sheet("0571", DAY).unwrap(), None);
    // It is no case, on nobody's list.
    assert!(one.client.cases(&Filter { closed: true, ..Filter::default() }).unwrap().is_empty());
    assert!(world.admin().cases(100, world.hands.now()).unwrap().is_empty());
    assert!(world.admin().quarantine(false).unwrap().is_empty());
    assert!(phone.client.sheets().unwrap().is_empty() && phone.client.sheet(None).unwrap().is_none());
    let looked = world.admin().verify_log(None).unwrap();
    assert!(looked.faults.is_empty(), "{looked:?}");
    // Both heads are joined by the next change.
    note(&one, "合并之后").unwrap();
    one.sync().await.unwrap();
    two.sync().await.unwrap();
    assert_eq!(two.client.sheet(None).unwrap().unwrap().timeline.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_outlet_and_whoever_is_no_staff_neither_write_nor_read_a_sheet() {
    let mut world = world().await;
    let (tablet, phone) = (world.device("tablet", "s1").await, world.device("phone", "c1").await);
    let other = world.device("other", "x1").await;
    note(&tablet, "盘点").unwrap();
    tablet.sync().await.unwrap();
    let denied = note(&phone, "我也写").unwrap_err();
    assert!(matches!(&denied, ClientError::Refused(Refusal::Rights { kind }) if kind == "s_note"), "{denied:?}");
    // Another outlet writes its own day only, whatever it names: the outlet is the person's.
    note(&other, "南山盘点").unwrap();
    other.sync().await.unwrap();
    tablet.sync().await.unwrap();
    assert_eq!(notes(&tablet.client.sheet(None).unwrap().unwrap()), ["盘点"]);
    assert_eq!(notes(&other.client.sheet(None).unwrap().unwrap()), ["南山盘点"]);
    assert_eq!((tablet.client.sheets().unwrap().len(), other.client.sheets().unwrap().len()), (1, 1));
}

/// A change of the sheet of outlet 0412, as the device itself would write its first one.
fn change_of(device: &Device, body: Body, doc: DocRef) -> Change {
    let who = device.client.identity().unwrap().unwrap();
    let sheet = (doc.kind == DocKind::Sheet).then(facts);
    let entry = NewEntry { author: who.author, sheet, body, facts: None, ..first_entry(2, "c1") };
    Change::write(doc, &who.install, &Position::default(), &[entry]).unwrap()
}

fn words() -> Body {
    Body::SheetNote(SheetNote { words: Personal::plain("越权").unwrap() })
}

/// Sends a change by hand, as of a document of a kind.
async fn push(world: &World, device: &Device, change: &Change, doc: DocRef) -> Ack {
    let request = device.request();
    let pushed = PushCase { case: doc.id, pack: pack::elide(&[change.bytes()]).unwrap() };
    let mut batch = device.batch_of(&request, vec![pushed]);
    (batch.docs[0].kind, batch.docs[0].digest) = (doc.kind.named(), doc_digest(doc, &[change.hash()]));
    batch.sig = device.signer().sign(&batch.message()).unwrap();
    device.send(world, &SyncRequest { batch: Some(batch), ..request }).await.unwrap().ack.unwrap().0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_on_a_cases_note_is_none_on_a_sheets_and_what_is_refused_can_be_released() {
    let mut world = World::new().await;
    // The first policy lets s1 write notes on the outlet's parcels; it knows no sheets.
    let (tablet, other) = (lawless(&mut world, "tablet", "s1").await, world.device("other", "s1").await);
    let doc = facts().doc();
    let change = change_of(&tablet, words(), doc);
    let ack = push(&world, &tablet, &change, doc).await;
    assert_eq!(ack.cases[0].quarantined, [(0, RefusalCode::Rights("P-99".into()))]);
    assert_eq!(world.admin().sheet("0412", DAY).unwrap(), None);
    let kept = world.admin().quarantine(false).unwrap().remove(0);
    assert_eq!((kept.case, kept.entries), (doc.id, vec!["s_note s1".to_owned()]));
    let mut admin = world.admin();
    admin.user("hq1", "总部", "hq_reviewer", "0412").unwrap();
    admin.release(&kept.change.to_string(), "hq1", world.hands.now()).unwrap();
    let sheet = world.admin().sheet("0412", DAY).unwrap().unwrap();
    assert_eq!((notes(&sheet), sheet.timeline[0].entry.release.is_some()), (vec!["越权".to_owned()], true));
    other.sync().await.unwrap();
    assert_eq!(other.client.sheet(None).unwrap(), Some(sheet));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_another_kind_of_document_is_refused_and_kept() {
    let mut world = world().await;
    let tablet = world.device("tablet", "s1").await;
    tablet.fail(2, "DF-NOBODY").unwrap();
    tablet.sync().await.unwrap();
    let (case, sheet) = (tablet.id(2), facts().doc());
    // A sheet's entry, sent as a case's.
    let change = change_of(&tablet, words(), sheet);
    let ack = push(&world, &tablet, &change, (&sheet.id).into()).await;
    assert_eq!(ack.cases[0].quarantined, [(0, RefusalCode::Kind)]);
    // A sheet's entry after the device's own in a case, sent as a sheet's: nothing in it says of which document it is.
    let who = tablet.client.identity().unwrap().unwrap();
    let log = world.on_server(&case).0;
    let mut at = Position::default();
    for bytes in &log {
        let change = Change::read_stored(&case, bytes).unwrap();
        at.advance(&change, change.install() == who.install);
    }
    let entry = NewEntry { author: who.author, sheet: None, facts: None, body: words(), ..first_entry(2, "c1") };
    let forged = DocRef::new(DocKind::Sheet, case);
    let change = Change::write(forged, &who.install, &at, &[entry]).unwrap();
    let ack = push(&world, &tablet, &change, forged).await;
    assert_eq!(ack.cases[0].quarantined, [(0, RefusalCode::Kind)]);
    assert_eq!(world.on_server(&case).0, log, "nothing of it is in the case");
    let kept = world.admin().quarantine(false).unwrap();
    assert_eq!(kept.iter().map(|item| item.reason.as_str()).collect::<Vec<_>>(), ["kind", "kind"]);
    let of_case = kept.iter().find(|item| item.case == case).unwrap();
    assert!(world.admin().release(&of_case.change.to_string(), "hq1", world.hands.now()).is_err(), "it never gets into the case");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_below_version_3_gets_no_sheet_and_its_cursor_moves_on() {
    let mut world = world().await;
    let (tablet, old) = (world.device("tablet", "s1").await, world.device("old", "s2").await);
    old.sync().await.unwrap();
    note(&tablet, "盘点").unwrap();
    tablet.fail(2, "DF-NOBODY").unwrap();
    tablet.sync().await.unwrap();
    let answer = sync_in_version_2(&world, &old).await;
    let pages: Vec<FeedPage> = answer.feed.iter().map(|part| decode(&part.body).unwrap()).collect();
    let fed: Vec<CaseId> = pages.iter().flat_map(|page| &page.cases).map(|fed| fed.case).collect();
    assert_eq!(fed, [tablet.id(2)], "the case alone");
    assert!(pages.iter().all(|page| !page.more));
    // Updated, it starts where its cursors are: those that its store had before.
    old.sync().await.unwrap();
    assert_eq!(notes(&old.client.sheet(None).unwrap().unwrap()), ["盘点"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_goes_on_under_a_new_installation_after_a_refusal() {
    let mut world = world().await;
    let tablet = world.device("tablet", "s1").await;
    note(&tablet, "第一条").unwrap();
    tablet.sync().await.unwrap();
    // Head office takes the right away while the tablet is offline: what it writes then is refused, kept, and the next day goes on.
    world.link.set(LinkMode::Cut);
    note(&tablet, "第二条").unwrap();
    world.admin().policy(doorstep_rules::FIRST_POLICY).unwrap();
    world.link.set(LinkMode::Up);
    tablet.sync().await.unwrap();
    let sheet = tablet.client.sheet(None).unwrap().unwrap();
    assert_eq!((notes(&sheet), sheet.quarantined.len()), (vec!["第一条".to_owned()], 1));
    world.admin().policy(SHEETS_POLICY).unwrap();
    tablet.sync().await.unwrap();
    // Notes of one instant are ordered by their keys. The new installation's mark is drawn, so the third note gets another instant.
    world.hands.advance(5);
    note(&tablet, "第三条").unwrap();
    tablet.sync().await.unwrap();
    assert_eq!(notes(&world.admin().sheet("0412", DAY).unwrap().unwrap()), ["第一条", "第三条"]);
    assert!(tablet.client.status().unwrap().unsent.is_empty());
}
