//! Devices of version 2 of the protocol, served as before; their batches, stores and servers, taken over by version 3.

use std::path::Path;

use doorstep_client::{Client, Clock, DeviceSigner, Options};
use doorstep_document::{Change, NewEntry, Position, pack};
use doorstep_domain::*;
use doorstep_protocol::{
    Ack, Answer, BatchClock, Envelope, Header, Link, NonceResponse, Pull, Push, PushCase, RefVersion, SessionRequest,
    SessionResponse, SyncRequest, SyncResponse, decode, encode, open, seal,
    signing::{batch_message, session_message},
};
use doorstep_rules::{Case, Flag, judge};
use doorstep_tests::{Device, World, first_entry, raw};
use minicbor::{Decoder, data::Type};
use rusqlite::{Connection, params};

use crate::rules::{on_device, on_server, second_version};

/// A body as plain CBOR, to see that it has no keys but those of version 2.
#[derive(Debug, Clone, PartialEq)]
enum Cbor {
    Number(i64),
    Bytes(Vec<u8>),
    List(Vec<Cbor>),
    Map(Vec<(i64, Cbor)>),
    Other,
}

impl Cbor {
    fn read(bytes: &[u8]) -> Self {
        let mut decoder = Decoder::new(bytes);
        let read = Self::next(&mut decoder);
        assert_eq!(decoder.position(), bytes.len(), "nothing after the message");
        read
    }

    fn next(from: &mut Decoder<'_>) -> Self {
        match from.datatype().unwrap() {
            Type::Map | Type::MapIndef => {
                let count = from.map().unwrap().unwrap();
                Self::Map((0..count).map(|_| (from.i64().unwrap(), Self::next(from))).collect())
            }
            Type::Array | Type::ArrayIndef => {
                let count = from.array().unwrap().unwrap();
                Self::List((0..count).map(|_| Self::next(from)).collect())
            }
            Type::Bytes => Self::Bytes(from.bytes().unwrap().to_vec()),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
                Self::Number(from.i64().unwrap())
            }
            _ => {
                from.skip().unwrap();
                Self::Other
            }
        }
    }

    /// The fields of a map that may have these keys and no others.
    fn fields(&self, keys: &[i64]) -> Vec<(i64, Self)> {
        let Self::Map(fields) = self else { panic!("a map: {self:?}") };
        assert!(fields.iter().all(|(key, _)| keys.contains(key)), "keys of version 2 only: {fields:?}");
        fields.clone()
    }

    fn field(&self, keys: &[i64], key: i64) -> Option<Self> {
        self.fields(keys).into_iter().find(|(found, _)| *found == key).map(|(_, value)| value)
    }

    fn list(&self) -> &[Self] {
        let Self::List(items) = self else { panic!("a list: {self:?}") };
        items
    }

    fn bytes(&self) -> &[u8] {
        let Self::Bytes(bytes) = self else { panic!("bytes: {self:?}") };
        bytes
    }

    fn number(&self) -> i64 {
        let Self::Number(number) = self else { panic!("a number: {self:?}") };
        *number
    }
}

const ANSWER: &[i64] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const SIGNED: &[i64] = &[0, 1];
const ACK: &[i64] = &[0, 1, 2, 3, 4, 5];
const ACK_CASE: &[i64] = &[0, 1, 2, 3];
const PAGE: &[i64] = &[0, 1, 2, 3, 4];
const FEED_CASE: &[i64] = &[0, 1, 2];

/// Receipt rows of version 2: five values at most, three marks.
fn rows_are_of_version_2(rows: &Cbor) -> usize {
    for row in rows.list() {
        let row = row.list();
        assert!(row.len() <= 5, "{row:?}");
        if let Some(Cbor::Number(marks)) = row.get(3) {
            assert!((1..=7).contains(marks), "{row:?}");
        }
    }
    rows.list().len()
}

/// How many receipts an answer brings, in verdicts and in pages; every byte of it must be version 2's.
fn is_of_version_2(body: &[u8]) -> (usize, usize) {
    let answer = Cbor::read(body);
    let (mut verdicts, mut fed) = (0, 0);
    if let Some(signed) = answer.field(ANSWER, 2).filter(|ack| *ack != Cbor::Other) {
        assert!(!signed.field(SIGNED, 1).unwrap().bytes().is_empty(), "signed for itself");
        let ack = Cbor::read(signed.field(SIGNED, 0).unwrap().bytes());
        for case in ack.field(ACK, 3).unwrap().list() {
            assert_eq!(case.field(ACK_CASE, 0).unwrap().bytes().len(), 16, "each names its case");
            verdicts += rows_are_of_version_2(&case.field(ACK_CASE, 1).unwrap());
        }
    }
    for signed in answer.field(ANSWER, 3).unwrap().list() {
        let page = Cbor::read(signed.field(SIGNED, 0).unwrap().bytes());
        for case in page.field(PAGE, 3).unwrap().list() {
            assert_eq!(case.field(FEED_CASE, 1).unwrap().bytes()[0], 1, "a pack of format 1");
            fed += rows_are_of_version_2(&case.field(FEED_CASE, 2).unwrap());
        }
    }
    for kind in answer.field(ANSWER, 4).unwrap().list() {
        assert!((0..=3).contains(&kind.field(&[0, 1], 0).unwrap().number()), "{kind:?}");
    }
    (verdicts, fed)
}

/// An app of version 2: all that it has is a key, a token and a chain.
pub(crate) struct Old {
    pub(crate) device: Device,
    install: InstallId,
    number: u64,
    prev: BatchHash,
    /// The time of the newest answer, with the monotonic time at which it came.
    anchor: Option<Anchor>,
    pull: Vec<Pull>,
    history: HistoryId,
    token: String,
}

impl Old {
    pub(crate) async fn of(world: &mut World, name: &str, person: &str) -> Self {
        let device = world.device(name, person).await;
        // The app of version 2 knows nothing of the answers that the app of today heard in this boot.
        device.clock.restart();
        let install = device.client.identity().unwrap().unwrap().install;
        let (prev, history) = (BatchHash::NONE, HistoryId::new([0; 16]));
        let token = device.bearer();
        Self { device, install, number: 0, prev, anchor: None, pull: vec![], history, token }
    }

    fn time(&self) -> TimeEvidence {
        let Clocks { wall, mono_ms, boot } = self.device.clock.read();
        TimeEvidence { wall, zone_quarters: 32, mono_ms, boot, anchor: self.anchor }
    }

    /// A failed delivery, or whatever the body says, in the first change of a case.
    pub(crate) fn record(&self, n: u32, person: &str, body: Body, position: &mut Position) -> Change {
        let of = first_entry(n, person);
        let facts = of.facts.clone().map(|facts| Facts { cod: Fen(i64::from(n) * 100), ..facts });
        let entry = NewEntry { time: self.time(), facts, body, ..of };
        let change = Change::write(&self.device.id(n), &self.install, position, &[entry]).unwrap();
        position.advance(&change, true);
        change
    }

    pub(crate) async fn sync(&mut self, world: &World, cases: &[(CaseId, &[&Change])]) -> (Answer, (usize, usize)) {
        let push = (!cases.is_empty()).then(|| {
            let pushed = |(case, changes): &(CaseId, &[&Change])| {
                let chunks: Vec<&[u8]> = changes.iter().map(|change| change.bytes()).collect();
                PushCase { case: *case, pack: pack::elide(&chunks).unwrap() }
            };
            self.number += 1;
            let (prev, user) = (self.prev, self.device.client.identity().unwrap().unwrap().author.user.to_string());
            let cases = cases.iter().map(pushed).collect();
            let push = Push { batch: self.number, prev, user, install: self.install, cases, again: vec![] };
            let body = encode(&push).unwrap();
            self.prev = BatchHash::of(&body);
            let clock = BatchClock::of(&self.device.clock.read());
            let sig = self.device.signer().sign(&batch_message(&body, &clock)).unwrap();
            Envelope { body, clock, sig }
        });
        let request = SyncRequest {
            device: DeviceId::of(&self.device.signer().public_key()),
            install: self.install,
            history: self.history,
            push,
            pull: self.pull.clone(),
            want_bytes: 1 << 20,
            refs: vec![],
            chain: (self.number > 0).then_some(Link { batch: self.number, hash: self.prev }),
            beacon: None,
            quarantined: vec![],
            lost: vec![],
            batch: None,
            counter: None,
            packs: None,
            dense: None,
            pins: None,
            witness: None,
        };
        let sealed = seal(&encode(&request).unwrap()).unwrap();
        let headers = [("sync-proto", "2"), ("authorization", self.token.as_str())];
        let answer = raw(world.addr(), "POST", "/v1/sync", &headers, &sealed).await;
        assert_eq!(answer.status, 200, "{:?}", decode::<doorstep_protocol::ErrorBody>(&answer.body));
        assert!(answer.head.contains("sync-proto: 2"), "{}", answer.head);
        let body = open(&answer.body, 1 << 22).unwrap();
        let brought = is_of_version_2(&body);
        let response: SyncResponse = decode(&body).unwrap();
        let answer = response.verify(&request.device, &self.device.server_key()).unwrap();
        self.history = answer.history;
        self.anchor = Some(Anchor { server: UnixMs(answer.now_ms), mono_ms: self.device.clock.read().mono_ms });
        for page in &answer.feed {
            self.pull.retain(|pull| pull.scope != page.scope);
            self.pull.push(Pull { scope: page.scope.clone(), cursor: page.to });
        }
        (answer, brought)
    }
}

pub(crate) fn attempt() -> Body {
    Body::Attempt(Attempt::of("DF-NOBODY".parse().unwrap()))
}

fn receipts(world: &World, case: &CaseId) -> Vec<Receipt> {
    let acts = world.on_server(case).1.into_iter().filter(|r| !matches!(r.entry.body, Body::Listed(_)));
    acts.filter_map(|r| r.standing.receipt()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_version_2_pushes_and_pulls_and_is_answered_in_exactly_its_shape() {
    let mut world = World::new().await;
    let (tablet, enrolled) = (world.device("tablet", "s1").await, world.hands.now());
    let mut old = Old::of(&mut world, "old", "c1").await;
    let (first, _) = old.sync(&world, &[]).await;
    let kinds: Vec<usize> = first.refs.iter().map(|RefVersion { kind, .. }| *kind as usize).collect();
    assert_eq!(kinds, [0, 1, 2, 3], "parcels, outlets, pack, policy; it knows no others");
    world.hands.advance(10);
    let mut position = Position { heads: vec![], max_op: 0, seq: 0 };
    let case = old.device.id(2);
    let (one, two) = (old.record(2, "c1", attempt(), &mut position), old.record(2, "c1", attempt(), &mut position));
    world.hands.advance(20);
    let (answer, (verdicts, _)) = old.sync(&world, &[(case, &[&one, &two])]).await;
    let (ack, _): &(Ack, _) = answer.ack.as_ref().unwrap();
    assert_eq!((verdicts, ack.batch, ack.hash), (2, 1, old.prev));
    assert!(ack.cases[0].quarantined.is_empty() && ack.cases[0].rows.iter().all(|row| row.code == 0), "{ack:?}");
    for receipt in receipts(&world, &case) {
        assert!(!receipt.acted.anchored && !receipt.review, "{receipt:?}");
        assert_eq!(receipt.acted.gap(receipt.received_at), (Some(enrolled), world.hands.now()));
        assert_eq!(receipt.acted.at, Some(world.hands.now().plus(-20 * 60_000)), "its estimate is as it was");
    }
    // The device reads the others' entries in its feed, and they read its entries in theirs.
    tablet.sync().await.unwrap();
    assert_eq!(tablet.case(2).unwrap().case.attempts(), 2);
    tablet.notice(2).unwrap();
    tablet.sync().await.unwrap();
    let (answer, (_, fed)) = old.sync(&world, &[]).await;
    assert!(fed >= 1 && answer.feed.iter().any(|page| page.cases.iter().any(|fed| fed.case == case)), "{:?}", answer.feed);
    tablet.agrees_with(&world, 2);
    // Its references are its own four kinds.
    let auth = old.device.bearer();
    let asked = async |kind: &str, version: &str| {
        let path = format!("/v1/refs/{kind}?have=99");
        raw(world.addr(), "GET", &path, &[("sync-proto", version), ("authorization", &auth)], b"").await
    };
    for kind in ["parcels", "outlets", "pack", "policy"] {
        let answer = asked(kind, "2").await;
        assert_eq!(answer.status, 200, "{kind}");
        Cbor::read(&open(&answer.body, 1 << 22).unwrap()).fields(&[0, 1, 2, 3, 4]);
    }
    for kind in ["people", "calendar"] {
        assert_eq!((asked(kind, "2").await.status, asked(kind, "3").await.status), (404, 200), "{kind}");
    }
}

/// A sync like a version-2 client's after a night: its token has ended, so it asks for a session first.
async fn new_session(world: &World, device: &Device) -> String {
    let answer = raw(world.addr(), "POST", "/v1/nonce", &[("sync-proto", "2")], b"").await;
    let given: NonceResponse = decode(&open(&answer.body, 4096).unwrap()).unwrap();
    let sig = device.signer().sign(&session_message(&given.nonce)).unwrap();
    let of = DeviceId::of(&device.signer().public_key());
    let body = seal(&encode(&SessionRequest { device: of, nonce: given.nonce, sig }).unwrap()).unwrap();
    let answer = raw(world.addr(), "POST", "/v1/session", &[("sync-proto", "2")], &body).await;
    let given: SessionResponse = decode(&open(&answer.body, 4096).unwrap()).unwrap();
    format!("Bearer {}", given.token.secret)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_act_of_a_device_of_version_2_is_taken_and_goes_to_review() {
    let mut world = World::new().await;
    let rules = second_version(("late_synced = \"strict\"", "late_synced = \"capture_counts\""));
    world.admin().publish_pack(&rules, world.hands.now()).unwrap();
    world.hands.advance(180);
    let phone = world.device("phone", "c1").await;
    let mut old = Old::of(&mut world, "old", "c1").await;
    old.sync(&world, &[]).await;
    phone.fail(2, "DF-NOBODY").unwrap();
    phone.sync().await.unwrap();
    // Recorded at 20:00, sent at 07:00: of version 3 its clock would prove it.
    world.hands.advance(8 * 60);
    let notice = Body::Notice(Notice { to: "0571".parse().unwrap(), source: TargetSource::WaybillData, request: None });
    let change = old.record(2, "c1", notice, &mut Position { heads: vec![], max_op: 0, seq: 0 });
    let acted = world.hands.now();
    world.hands.advance(11 * 60);
    old.token = new_session(&world, &old.device).await;
    old.sync(&world, &[(phone.id(2), &[&change])]).await;
    let case = Case::fold(world.on_server(&phone.id(2)).1).unwrap();
    let receipt = case.timeline.iter().find(|r| r.change == change.hash()).unwrap().standing.receipt().unwrap();
    assert_eq!(receipt.acted.at, Some(acted));
    assert!(!receipt.acted.anchored && !receipt.acted.proves(receipt.received_at, i64::MAX));
    let judged = judge(&case, &world.admin().book().unwrap(), world.hands.now());
    let held: Vec<_> = judged.findings.iter().map(|finding| (finding.rule.as_str(), finding.review)).collect();
    assert_eq!(held, [("LIA-04", true)], "taken, and a person looks");
    assert!(judged.flags.contains(&Flag::ClockUnproven), "{:?}", judged.flags);
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
}

/// Leaves the store as the app of version 2 does when it is updated between a sending and its answer. Returns the batch of the only
/// unsent change, and its hash.
fn open_under_version_2(phone: &Device) -> (Vec<u8>, BatchHash) {
    let db = phone.database();
    let (case, bytes, install): (Vec<u8>, Vec<u8>, Vec<u8>) = db
        .query_row("SELECT case_id, bytes, install FROM outbox", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    let cases = vec![PushCase { case: CaseId::try_from(&case[..]).unwrap(), pack: pack::elide(&[&bytes]).unwrap() }];
    let install = InstallId::try_from(&install[..]).unwrap();
    let push = Push { batch: 1, prev: BatchHash::NONE, user: "c1".into(), install, cases, again: vec![] };
    let body = encode(&push).unwrap();
    let hash = BatchHash::of(&body);
    db.execute(
        "INSERT INTO batch (install, number, hash, size, body) VALUES (?1, 1, ?2, ?3, ?4)",
        params![install.as_bytes(), hash.as_bytes(), bytes.len(), body],
    )
    .unwrap();
    db.execute("UPDATE outbox SET state = 1", []).unwrap();
    (body, hash)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_version_2_opened_is_finished_under_it_and_the_next_one_names_its_hash() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    phone.fail(2, "DF-NOBODY").unwrap();
    let (body, hash) = open_under_version_2(&phone);
    let request = phone.request();
    assert_eq!((request.push.as_ref().map(|envelope| &envelope.body), &request.batch), (Some(&body), &None));
    // Once more with a lost answer, then with one.
    phone.send_with_clock(&world, &request).await.unwrap();
    phone.sync().await.unwrap();
    assert!(phone.client.status().unwrap().unsent.is_empty());
    phone.note(2, "更新之后").unwrap();
    let request = phone.request();
    let header: Header = decode(&request.batch.as_ref().unwrap().header).unwrap();
    assert_eq!((header.batch, header.prev, request.push), (2, hash, None));
    phone.sync().await.unwrap();
    phone.agrees_with(&world, 2);
    assert_eq!(world.admin().forks().unwrap(), []);
    let envelopes = world.admin().envelopes(&phone.id(2)).unwrap();
    assert_eq!(envelopes.len(), 2);
    assert!(envelopes.iter().all(|envelope| envelope.signature_holds && envelope.follows), "{envelopes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_behind_a_batch_of_version_2_is_passed_over_by_none_of_its_sendings() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    world.hands.advance(20);
    phone.fail(2, "DF-NOBODY").unwrap();
    open_under_version_2(&phone);
    phone.fail(4, "DF-NOBODY").unwrap();
    let acted = world.hands.now();
    world.hands.advance(25);
    // The app was updated. It sends what was open, its answer is lost, and it sends that and the others.
    let request = phone.request();
    assert!(request.push.is_some());
    phone.send_with_clock(&world, &request).await.unwrap();
    let heard = world.hands.now();
    world.hands.advance(10);
    phone.sync().await.unwrap();
    let got = receipts(&world, &phone.id(4))[0];
    assert_eq!((got.acted.at, got.acted.passed_over, got.review), (Some(acted), false, false), "{got:?}");
    // It is a contact that an act can lean on. A change that a later request leaves out is passed over as ever.
    phone.sync().await.unwrap();
    world.hands.advance(10);
    let time = TimeEvidence {
        wall: world.hands.now(),
        zone_quarters: 32,
        mono_ms: phone.clock.read().mono_ms,
        boot: phone.clock.read().boot,
        anchor: Some(Anchor { server: heard, mono_ms: phone.clock.read().mono_ms - 20 * 60_000 }),
    };
    let entry = NewEntry { time, ..first_entry(6, "c1") };
    let install = phone.client.identity().unwrap().unwrap().install;
    let change = Change::write(&phone.id(6), &install, &Position { heads: vec![], max_op: 0, seq: 0 }, &[entry]).unwrap();
    world.hands.advance(10);
    phone.sync().await.unwrap();
    world.hands.advance(10);
    phone.push_by_hand(&world, &[(phone.id(6), &[change.bytes()])]).await.unwrap();
    let got = receipts(&world, &phone.id(6))[0];
    assert!(got.acted.anchored && got.acted.passed_over, "{got:?}");
}

/// Columns of the server that have another name since version 2, with today's name.
const RENAMED: &[(&str, &str)] = &[("turns", "phases"), ("turn_at", "phase_until")];

/// Writes a database as version 2 had it: its first migration, with the rows of today's that it has a place for. `marks`: the tables
/// whose receipts lose what version 2 did not know.
pub(crate) fn as_version_2(file: &Path, migration: &str, application_id: i32, marks: &[&str]) {
    let old = file.with_extension("version-2");
    let db = Connection::open(&old).unwrap();
    db.execute_batch(migration).unwrap();
    db.execute("ATTACH ?1 AS today", [file.to_str().unwrap()]).unwrap();
    let names = |sql: &str| -> Vec<String> {
        db.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    for table in names("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
        let columns = names(&format!("SELECT name FROM pragma_table_info('{table}', 'main')"));
        let todays = names(&format!("SELECT name FROM pragma_table_info('{table}', 'today')"));
        let renamed = |name: &String| RENAMED.iter().find(|(was, is)| was == name && todays.iter().any(|today| today == is));
        let sources: Vec<&str> = columns.iter().map(|name| renamed(name).map_or(name.as_str(), |(_, is)| is)).collect();
        let (columns, sources) = (columns.join(", "), sources.join(", "));
        db.execute(&format!("INSERT OR REPLACE INTO main.{table} ({columns}) SELECT {sources} FROM today.{table}"), []).unwrap();
    }
    db.execute("DELETE FROM main.reference WHERE kind IN ('people', 'calendar')", []).unwrap();
    for table in marks {
        db.execute(&format!("UPDATE main.{table} SET marks = marks & 7"), []).unwrap();
    }
    // Version 2 counted no answers.
    db.execute("DELETE FROM main.meta WHERE key IN ('witness', 'heard')", []).unwrap();
    db.execute_batch(&format!("DETACH today; PRAGMA user_version = 1; PRAGMA application_id = {application_id}")).unwrap();
    drop(db);
    for log in ["db-wal", "db-shm"] {
        std::fs::remove_file(file.with_extension(log)).ok();
    }
    // The file itself is kept and gets the old content, so that the server does not take it for a copy.
    std::fs::write(file, std::fs::read(&old).unwrap()).unwrap();
    std::fs::remove_file(&old).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_and_a_server_of_version_2_open_keep_the_standing_of_their_receipts_and_read_their_feeds_anew() {
    let mut world = World::new().await;
    let (phone, tablet) = (world.device("phone", "c1").await, world.device("tablet", "s1").await);
    for n in [2, 4] {
        world.hands.advance(5);
        phone.fail(n, "DF-NOBODY").unwrap();
    }
    phone.notice(2).unwrap();
    // They wait for longer than the pack trusts a gap.
    world.hands.advance(13 * 60);
    phone.sync().await.unwrap();
    tablet.sync().await.unwrap();
    phone.note(2, "未发送").unwrap();
    let before = (receipts(&world, &phone.id(2)), on_device(&phone, 4));
    let trusted_ms = world.admin().book().unwrap().at(world.hands.now()).switches.trusted_gap_ms();
    world.stop_server().await;
    let server = world.server_folder().join("doorstep-server.db");
    as_version_2(&server, include_str!("../../server/migrations/0001_initial.sql"), 0, &["change", "quarantine"]);
    let mut updated = Vec::new();
    for device in [phone, tablet] {
        let Device { client, clock, folder } = device;
        client.close().await;
        let file = folder.join("doorstep.db");
        as_version_2(&file, include_str!("../../core/store/migrations/0001_initial.sql"), 0x444f_5354, &["change"]);
        let client = Client::open(&folder, Options { clock: clock.clone(), ..Options::default() }).unwrap();
        assert!(client.salvage().is_none(), "it was migrated, not repaired");
        let db = Connection::open(&file).unwrap();
        let cursors: i64 = db.query_row("SELECT count(*) FROM scope", [], |row| row.get(0)).unwrap();
        assert_eq!(cursors, 0, "every feed is read anew");
        updated.push(Device { client, clock, folder });
    }
    let [phone, tablet] = &updated[..] else { panic!("two devices") };
    // Before anything is fetched, what was accepted is judged as it was.
    let standing = phone.case(4).unwrap().case.timeline[0].standing.receipt().unwrap();
    assert!(standing.acted.anchored && standing.facts == FactsCheck::Equal);
    assert!(standing.acted.proves(standing.received_at, trusted_ms), "{standing:?}");
    assert_eq!(phone.case(4).unwrap().judgement.findings, []);
    world.restart_server().await;
    assert!(!world.waits());
    for (was, is) in before.0.iter().zip(receipts(&world, &phone.id(2))) {
        assert_eq!((was.received_at, was.acted.at, was.acted.slack_ms), (is.received_at, is.acted.at, is.acted.slack_ms));
        assert!(is.acted.anchored && is.facts == FactsCheck::Equal && !is.review);
        let latest = was.acted.at.unwrap().plus(i64::from(was.acted.slack_ms)).min(was.received_at);
        assert_eq!(is.acted.gap(is.received_at).1, latest, "no later than version 2 had it");
        assert!(is.acted.proves(is.received_at, trusted_ms), "{is:?}");
    }
    for device in [phone, tablet, phone] {
        device.sync().await.unwrap();
    }
    for n in [2, 4] {
        for device in [phone, tablet] {
            device.agrees_with(&world, n);
            assert_eq!(on_device(device, n), on_server(&world, phone, n), "parcel {n}");
        }
    }
    assert!(phone.client.status().unwrap().unsent.is_empty());
    assert_eq!(world.admin().forks().unwrap(), []);
    assert_ne!(before.1, "");
}
