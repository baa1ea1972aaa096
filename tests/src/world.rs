//! A small network: three outlets, two couriers, staff, a parcel list, one server, one link.

use std::{path::PathBuf, sync::Arc};

use doorstep_client::{
    Act, CaseView, Client, ClientError, Clock, DeviceSigner, NewPhoto, Options, Outcome, SmsSender, SoftwareSigner, SyncReport,
};
use doorstep_document::pack;
use doorstep_domain::{Attempt, BatchHash, CaseId, Clocks, PhotoPurpose, Recorded, Reply, Standing, UnixMs, Waybill};
use doorstep_protocol::{
    Ack, Answer, Batch, CLOCK_HEADER, ErrorBody, Header, Publication, PushCase, PushDoc, RefKind, Reference, Sending, Signed,
    SyncRequest, SyncResponse, Version, decode, encode, open, seal,
    signing::{batch_message, doc_digest},
};
use doorstep_rules::Case;
use doorstep_server::{Config, GatewayConfig, IfCopied, Running, VERSIONS, admin::Admin};
use doorstep_store::{Filter, Store, pushed};
use tempfile::TempDir;

use crate::{Hands, Link, Storage, TestClock, bucket, code, draw, failed, on, raw, text};

/// Monday 2026-03-02, 09:00 in Asia/Shanghai.
const MORNING: i64 = 1_772_413_200_000;

/// Parcel number `n` of the harness's list: delivered by outlet 0412 from 0571, courier `c1` for even and `c2` for odd.
pub fn waybill(n: u32) -> String {
    format!("QH{n:012}")
}

/// The columns that every parcel list has. A scenario writes its rows behind them, with further columns where it needs some.
pub const PARCEL_COLUMNS: &str = "waybill,network,origin_outlet,delivering_outlet,courier,recipient_name,recipient_phone,recipient_address,cod_fen,theoretical_arrival";

/// The way back from steps of the server's schema, the newest first.
const UNDO: &[(u32, &str)] = &[
    (22, "ALTER TABLE linked DROP COLUMN named"),
    (21, "DROP INDEX linked_due; ALTER TABLE linked DROP COLUMN due; DROP INDEX duty_by_outlet; DROP INDEX duty_by_side"),
    (20, "DROP TABLE asked; DROP INDEX linked_by_other; DROP TABLE linked; ALTER TABLE parcel DROP COLUMN listed_outlet"),
    (19, "DROP TABLE answered; ALTER TABLE person_act DROP COLUMN accuracy_m; DROP INDEX message_ended"),
    (18, "ALTER TABLE doc DROP COLUMN courier_ms; ALTER TABLE parcel DROP COLUMN courier_ms"),
    (
        17,
        "DROP TABLE duty; DROP INDEX case_by_urgency; ALTER TABLE case_row DROP COLUMN duties;
         ALTER TABLE case_row DROP COLUMN urgent_at; CREATE INDEX case_by_due ON case_row (closed, due_at)",
    ),
    (16, "ALTER TABLE finding DROP COLUMN open;"),
    (
        15,
        "DROP TABLE parcel_scope; DROP TABLE parcel_head; DROP TABLE parcel_moment; ALTER TABLE device DROP COLUMN rows_from;
         DROP TABLE service_token; DROP INDEX parcel_by_day; ALTER TABLE parcel DROP COLUMN written_ms;
         ALTER TABLE parcel DROP COLUMN ended_ms; ALTER TABLE parcel DROP COLUMN sender_name;
         ALTER TABLE parcel DROP COLUMN sender_phone;
         ALTER TABLE parcel DROP COLUMN freight;
         ALTER TABLE parcel DROP COLUMN freight_fen;
         ALTER TABLE parcel DROP COLUMN receipt_no;
         ALTER TABLE parcel DROP COLUMN label_grams;
         ALTER TABLE parcel DROP COLUMN pieces;
         ALTER TABLE parcel DROP COLUMN goods;
         ALTER TABLE parcel DROP COLUMN declared_fen;
         ALTER TABLE parcel DROP COLUMN list_day;
         ALTER TABLE parcel DROP COLUMN run;
         ALTER TABLE parcel DROP COLUMN expires_ms",
    ),
    (
        14,
        "ALTER TABLE receipt DROP COLUMN other_id; ALTER TABLE receipt DROP COLUMN kind; ALTER TABLE receipt DROP COLUMN bytes;
         ALTER TABLE receipt DROP COLUMN why; ALTER TABLE receipt DROP COLUMN part; ALTER TABLE receipt DROP COLUMN parts;
         ALTER TABLE receipt DROP COLUMN by_text; ALTER TABLE segment DROP COLUMN parts; ALTER TABLE inbound DROP COLUMN coding;
         ALTER TABLE inbound DROP COLUMN bytes",
    ),
    (13, "DROP TABLE person_act"),
    (12, "DROP TABLE alike; DROP TABLE looks"),
    (11, "DROP TABLE quota"),
    (
        10,
        "ALTER TABLE case_row RENAME COLUMN phases TO turns; ALTER TABLE case_row RENAME COLUMN phase_until TO turn_at;
         ALTER TABLE case_row RENAME COLUMN phase_from TO turn_from",
    ),
    (9, "ALTER TABLE doc DROP COLUMN kind; ALTER TABLE doc DROP COLUMN outlet; ALTER TABLE doc DROP COLUMN day"),
    (
        8,
        "DROP TABLE link; DROP TABLE log_fault; ALTER TABLE envelope DROP COLUMN link; ALTER TABLE change DROP COLUMN link;
         DELETE FROM meta WHERE key = 'log_looked'",
    ),
    (7, "ALTER TABLE pack DROP COLUMN format; ALTER TABLE reference DROP COLUMN format; DROP TABLE former_policy"),
    (6, "DELETE FROM meta WHERE key = 'recipient_key'"),
    (
        5,
        "DROP INDEX case_by_turn_from; ALTER TABLE case_row DROP COLUMN turn_from; DROP INDEX device_by_pinned;
         ALTER TABLE device DROP COLUMN pins; DROP TABLE replaced_key",
    ),
    (4, "DROP TABLE listing; DROP TABLE listed; ALTER TABLE doc DROP COLUMN confirmed"),
];

/// A server with its folder, a link to it, and true time.
pub struct World {
    /// True time.
    pub hands: Hands,
    /// The link.
    pub link: Link,
    folder: TempDir,
    data: PathBuf,
    running: Option<Running>,
    photos: Option<String>,
    versions: &'static [Version],
    sms: GatewayConfig,
    if_copied: Option<IfCopied>,
    boots: i64,
}

/// One device.
pub struct Device {
    /// Its client.
    pub client: Client,
    /// Its clock.
    pub clock: Arc<TestClock>,
    /// Its store folder.
    pub folder: PathBuf,
}

impl World {
    /// Starts the network at nine in the morning, with 40 parcels on the list.
    pub async fn new() -> Self {
        Self::speaking(VERSIONS).await
    }

    /// Starts the network with a server that speaks these versions of the protocol.
    pub async fn speaking(versions: &'static [Version]) -> Self {
        Self::with(versions, GatewayConfig::Log).await
    }

    /// Starts the network with a server that sends SMS in this way.
    pub async fn sending(sms: GatewayConfig) -> Self {
        Self::with(VERSIONS, sms).await
    }

    async fn with(versions: &'static [Version], sms: GatewayConfig) -> Self {
        let hands = Hands::at(UnixMs(MORNING));
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("server");
        let mut admin = Admin::open(&data).unwrap();
        for (code, zh) in [("0412", "城西派件部"), ("0571", "杭州余杭网点"), ("0755", "深圳南山网点")] {
            admin.outlet(code, zh, "Outlet", "0571-88000000").unwrap();
        }
        for (id, role, outlet) in [
            ("c1", "courier", "0412"),
            ("c2", "courier", "0412"),
            ("s1", "outlet", "0412"),
            ("o1", "outlet", "0571"),
            ("x1", "outlet", "0755"),
        ] {
            admin.user(id, "李明", role, outlet).unwrap();
        }
        let mut csv = format!("{PARCEL_COLUMNS}\n");
        for n in 0..40 {
            let courier = if n % 2 == 0 { "c1" } else { "c2" };
            csv +=
                &format!("{},QH,0571,0412,{courier},王小花,1380000{n:04},青禾路{n}号,{},2026-03-02 08:00\n", waybill(n), n * 100);
        }
        let imported = admin.import_parcels(csv.as_bytes(), hands.now()).unwrap();
        assert_eq!((imported.imported, imported.bad.len()), (40, 0));
        let photos = bucket();
        let running = serve(&data, &hands, versions, (&photos, &sms, None)).await;
        let link = Link::to(running.addr).await;
        Self { hands, link, folder, data, running: Some(running), photos, versions, sms, if_copied: None, boots: 0 }
    }

    /// The administrator's view of the server's folder.
    pub fn admin(&self) -> Admin {
        Admin::open(&self.data).unwrap()
    }

    /// The server's folder.
    pub fn server_folder(&self) -> PathBuf {
        self.data.clone()
    }

    /// The server's database, as somebody with a shell on its machine opens it.
    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.data.join("doorstep-server.db")).unwrap()
    }

    /// Stops the server.
    pub async fn stop_server(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Makes a stopped server's schema what it was after this step, as an older server left it.
    pub fn as_of_step(&self, step: u32) {
        let db = self.database();
        let newest: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(UNDO.first().map(|(step, _)| *step), Some(newest), "a new step needs its way back");
        for (_, sql) in UNDO.iter().take_while(|(undone, _)| *undone > step) {
            db.execute_batch(sql).unwrap();
        }
        db.pragma_update(None, "user_version", step).unwrap();
    }

    /// Stops the server and starts it again on its folder.
    pub async fn restart_server(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        let running = serve(&self.server_folder(), &self.hands, self.versions, (&self.photos, &self.sms, self.if_copied)).await;
        self.link.point_to(running.addr);
        self.running = Some(running);
    }

    /// A second server process over the same data, as behind a balancer.
    pub async fn another_server(&self) -> Running {
        serve(&self.server_folder(), &self.hands, self.versions, (&self.photos, &self.sms, self.if_copied)).await
    }

    /// Holds the server's photos against its storage.
    pub async fn scrub(&self, deep: bool) -> doorstep_server::admin::Scrubbed {
        let how = doorstep_server::admin::Scrub { deep, lost_storage: false };
        doorstep_server::admin::scrub(&self.server_folder(), self.photos.as_deref(), how, self.hands.now()).await.unwrap()
    }

    /// Erases a photo as head office does.
    pub async fn erase_photo(&self, sha: &str) -> Result<(), doorstep_server::AdminError> {
        let (folder, url, now) = (self.server_folder(), self.photos.as_deref(), self.hands.now());
        doorstep_server::admin::erase_photo(&folder, url, sha, ("hq1", "客户要求"), now).await
    }

    /// The server's storage of photos.
    pub fn storage(&self) -> Storage {
        Storage::of(&self.server_folder(), self.photos.as_deref())
    }

    /// Its URL, if it is a bucket.
    pub fn photos_url(&self) -> Option<String> {
        self.photos.clone()
    }

    /// Whether it is a folder of the server's.
    pub fn stores_in_a_folder(&self) -> bool {
        self.photos.is_none()
    }

    /// Where the page is.
    pub fn page(&self) -> String {
        let running = self.running.as_ref().unwrap();
        format!("http://{}/?token={}", running.addr, running.console_token)
    }

    /// The server's own address, past the link.
    pub fn addr(&self) -> std::net::SocketAddr {
        self.running.as_ref().unwrap().addr
    }

    /// An answer of the operator's address: its status and its text.
    pub async fn operator(&self, path: &str) -> (u16, String) {
        let addr = self.running.as_ref().unwrap().admin_addr.unwrap();
        let answer = raw(addr, "GET", path, &[], &[]).await;
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    /// Fills the disk of the server's database, or makes room again.
    pub async fn fill_disk(&self, is_full: bool) {
        assert!(self.running.as_ref().unwrap().fill_disk(is_full).await);
    }

    /// A device that is not enrolled.
    pub fn fresh(&mut self, name: &str, clock_off_minutes: i64) -> Device {
        self.fresh_with(name, clock_off_minutes, None)
    }

    fn fresh_with(&mut self, name: &str, clock_off_minutes: i64, sms: Option<Arc<dyn SmsSender>>) -> Device {
        self.boots += 1;
        let clock = TestClock::off_by(&self.hands, clock_off_minutes, self.boots);
        let folder = self.folder.path().join(name);
        let client = Client::open(&folder, Options { clock: clock.clone(), sms, ..Options::default() }).unwrap();
        Device { client, clock, folder }
    }

    /// A device enrolled for a person, which can send SMS.
    pub async fn phone(&mut self, name: &str, person: &str, sms: Arc<dyn SmsSender>) -> Device {
        let device = self.fresh_with(name, 0, Some(sms));
        let code = self.admin().code(person, self.hands.now()).unwrap().code;
        device.client.enrol(&self.link.url(), &code).await.unwrap();
        device
    }

    /// The server's folder as it is now, copied: what a crash at this moment would leave.
    pub fn snapshot(&self) -> PathBuf {
        let copy = self.folder.path().join(format!("copy-{}", std::fs::read_dir(self.folder.path()).unwrap().count()));
        std::fs::create_dir(&copy).unwrap();
        for name in ["doorstep-server.db", "doorstep-server.db-wal"] {
            if self.server_folder().join(name).exists() {
                std::fs::copy(self.server_folder().join(name), copy.join(name)).unwrap();
            }
        }
        copy
    }

    /// Stops the server and starts one on another folder, as after a crash that left it.
    pub async fn go_on_from(&mut self, folder: &std::path::Path) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        // A folder of its own: connections of the server that died may still hold files of the old one.
        self.data = folder.to_owned();
        doorstep_server::moved(folder).unwrap();
        self.restart_server().await;
    }

    /// Copies the folder of a server that was stopped, whole, as a backup does.
    pub fn backup(&self) -> PathBuf {
        assert!(self.running.is_none(), "a server that runs is not copied file by file");
        let to = self.folder.path().join(format!("backup-{}", std::fs::read_dir(self.folder.path()).unwrap().count()));
        copy_all(&self.data, &to);
        to
    }

    /// Starts the server on another folder, as it is there, with nobody's word on it.
    pub async fn serve_from(&mut self, folder: &std::path::Path) {
        self.stop_server().await;
        self.data = folder.to_owned();
        self.restart_server().await;
    }

    /// Puts a copy of the server's folder back, as an operator does, and starts the server on it.
    pub async fn restore(&mut self, folder: &std::path::Path) -> doorstep_server::Restored {
        self.stop_server().await;
        let done = doorstep_server::restore(folder, &[], self.hands.now()).unwrap();
        self.serve_from(folder).await;
        done
    }

    /// Gives the operator's word on copies for every start of the server from now on.
    pub fn unattended(&mut self, word: IfCopied) {
        self.if_copied = Some(word);
    }

    /// Returns when the server is to be stopped and started again.
    pub async fn is_over(&self) {
        self.running.as_ref().unwrap().is_over().await;
    }

    /// Whether the server answers nothing until its operator has spoken.
    pub fn waits(&self) -> bool {
        self.running.as_ref().unwrap().waits()
    }

    /// A device enrolled for a person, with everything fetched.
    pub async fn device(&mut self, name: &str, person: &str) -> Device {
        self.device_off_by(name, person, 0).await
    }

    /// A device enrolled for a person, whose clock is off by so many minutes.
    pub async fn device_off_by(&mut self, name: &str, person: &str, minutes: i64) -> Device {
        let device = self.fresh(name, minutes);
        let code = self.admin().code(person, self.hands.now()).unwrap().code;
        device.client.enrol(&self.link.url(), &code).await.unwrap();
        device
    }

    /// The case as the server holds it.
    pub fn on_server(&self, case: &CaseId) -> (Vec<Vec<u8>>, Vec<Recorded>) {
        self.admin().log(case).unwrap()
    }
}

/// Copies a folder with everything in it: every file is another one then.
pub fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() { copy_all(&path, &to) } else { std::fs::copy(&path, &to).map(|_| ()).unwrap() }
    }
}

/// The first rule pack as reference rows, unsigned.
pub fn first_pack() -> Reference {
    let toml = doorstep_rules::FIRST_PACK.to_vec();
    let publication = Publication { network: "QH".into(), version: 1, published_ms: 0, valid_from_ms: 0, toml };
    let signed = Signed { body: encode(&publication).unwrap(), sig: vec![] };
    Reference { version: 1, packs: vec![(publication, signed)], ..Reference::default() }
}

async fn serve(
    folder: &std::path::Path,
    hands: &Hands,
    versions: &'static [Version],
    (photos, sms, if_copied): (&Option<String>, &GatewayConfig, Option<IfCopied>),
) -> Running {
    let config = Config {
        admin_listen: Some(([127, 0, 0, 1], 0).into()),
        shared_folder: true,
        photos: photos.clone(),
        sms: sms.clone(),
        if_copied,
        versions,
        ..Config::on_loopback(folder, hands.server())
    };
    doorstep_server::start(config).await.unwrap()
}

impl Device {
    /// The header of its requests: its token, as the store has it.
    pub fn bearer(&self) -> String {
        let store = Store::open(&self.folder).unwrap();
        format!("Bearer {}", store.session().unwrap().unwrap().token.secret)
    }
    /// The first rule pack, put there without the server.
    pub fn take_first_pack(&self) {
        Store::open(&self.folder).unwrap().take_refs(RefKind::Pack, &first_pack(), self.clock.read().wall).unwrap();
    }
    /// The key of the server that it enrolled with.
    pub fn server_key(&self) -> Vec<u8> {
        Store::open(&self.folder).unwrap().session().unwrap().unwrap().server_key
    }
    /// Its key.
    pub fn signer(&self) -> SoftwareSigner {
        SoftwareSigner::open(&self.folder.join("device.key")).unwrap()
    }
    /// The request that its next sync would send, its batch signed.
    pub fn request(&self) -> SyncRequest {
        self.request_of(1 << 20, false)
    }
    /// Its next request, with a batch of at most so many bytes. `recut` says that the server found the batch before too large.
    pub fn request_of(&self, max_bytes: usize, recut: bool) -> SyncRequest {
        let mut store = Store::open(&self.folder).unwrap();
        let mut request = store.prepare(max_bytes, recut, self.clock.read(), "test").unwrap();
        if let Some(envelope) = &mut request.push {
            envelope.sig = self.signer().sign(&batch_message(&envelope.body, &envelope.clock)).unwrap();
        }
        if let Some(batch) = &mut request.batch {
            batch.sig = self.signer().sign(&batch.message()).unwrap();
        }
        request
    }
    /// A signed batch of packs as they are, in the place of what its store would send next.
    pub fn batch_of(&self, request: &SyncRequest, packs: Vec<PushCase>) -> Batch {
        let (batch, prev) = match &request.batch {
            Some(open) => decode::<Header>(&open.header).map(|header| (header.batch, header.prev)).unwrap(),
            None => request.chain.map_or((1, BatchHash::NONE), |end| (end.batch + 1, end.hash)),
        };
        let user = self.client.identity().unwrap().unwrap().author.user.to_string();
        let header = encode(&Header { batch, prev, user, install: request.install, again: vec![] }).unwrap();
        let sending = encode(&Sending::of(&self.clock.read(), None, vec![])).unwrap();
        let doc = |PushCase { case, pack }: PushCase| {
            let chunks = pack::restore(&pack).unwrap_or_default();
            let digest = doc_digest(&case, chunks.iter().map(|(hash, _)| hash));
            PushDoc { doc: case, pack, digest, kind: None }
        };
        let mut batch =
            Batch { header, sending, sig: vec![], docs: packs.into_iter().map(doc).collect(), first: vec![], brings: vec![] };
        batch.sig = self.signer().sign(&batch.message()).unwrap();
        batch
    }
    /// Signs and sends a batch of changes by hand, in the place of what its store would send next; the verdicts.
    pub async fn push_by_hand(&self, world: &World, cases: &[(CaseId, &[&[u8]])]) -> Result<Ack, String> {
        let packs = cases.iter().map(|(case, chunks)| PushCase { case: *case, pack: pack::elide(chunks).unwrap() });
        self.push_packs(world, packs.collect()).await
    }
    /// Signs and sends a batch of packs as they are, in the place of what its store would send next; the verdicts.
    pub async fn push_packs(&self, world: &World, cases: Vec<PushCase>) -> Result<Ack, String> {
        let mut request = self.request();
        request.batch = Some(self.batch_of(&request, cases));
        Ok(self.send(world, &request).await?.ack.unwrap().0)
    }
    /// Sends a request by hand, whatever it says.
    pub async fn send(&self, world: &World, request: &SyncRequest) -> Result<Answer, String> {
        self.send_as(world, request, &[("authorization", &self.bearer())]).await
    }
    /// Sends a request by hand with the device's clock in its header, as its client does: the server keeps the contact.
    pub async fn send_with_clock(&self, world: &World, request: &SyncRequest) -> Result<Answer, String> {
        let Clocks { boot, mono_ms, .. } = self.clock.read();
        let clock = format!("{:08x}-{mono_ms}", u32::from_be_bytes(boot.0));
        self.send_as(world, request, &[("authorization", &self.bearer()), (CLOCK_HEADER, &clock)]).await
    }
    async fn send_as(&self, world: &World, request: &SyncRequest, headers: &[(&str, &str)]) -> Result<Answer, String> {
        let body = seal(&encode(request).unwrap()).unwrap();
        let answer = raw(world.addr(), "POST", "/v1/sync", headers, &body).await;
        if answer.status != 200 {
            return Err(decode::<ErrorBody>(&answer.body).unwrap().code.to_string());
        }
        let signed: Signed = decode(&open(&answer.body, 1 << 22).unwrap()).unwrap();
        Ok(SyncResponse::verify_signed(&signed, &request.device, &self.server_key(), &pushed(request)).unwrap())
    }
    /// Makes the store forget that the server has a photo, as a kill before its note would.
    pub fn forget_stored(&self, photo: &doorstep_domain::PhotoId) {
        let db = self.database();
        let sql = "UPDATE photo SET state = 1, stored_at = NULL, sent = 0 WHERE sha = ?1";
        assert_eq!(db.execute(sql, [photo.as_bytes().as_slice()]).unwrap(), 1);
    }
    /// The store's database, as the owner of a rooted phone opens it.
    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.join("doorstep.db")).unwrap()
    }
    /// Records a failed delivery.
    pub fn fail(&self, n: u32, reason: &str) -> Result<Outcome, ClientError> {
        let command = on(waybill(n), Act::Fail(Attempt { words: Some(text("敲门无人")), ..Attempt::of(code(reason)) }));
        self.client.record(&command, &[])
    }
    /// Records a note.
    pub fn note(&self, n: u32, words: &str) -> Result<Outcome, ClientError> {
        self.client.record(&on(waybill(n), Act::Note(text(words))), &[])
    }
    /// Records a failed delivery with a drawn photo of the door.
    pub fn fail_with_photo(&self, n: u32, seed: u32) -> Result<Outcome, ClientError> {
        let command = failed(waybill(n), "DF-NOBODY");
        self.client.record(&command, &[NewPhoto::new(draw(seed, 320, 240), PhotoPurpose::Door)])
    }
    /// Notifies the origin outlet.
    pub fn notice(&self, n: u32) -> Result<Outcome, ClientError> {
        self.client.record(&on(waybill(n), Act::Notice { to: None, request: None }), &[])
    }
    /// Replies as the origin outlet.
    pub fn reply(&self, n: u32) -> Result<Outcome, ClientError> {
        let reply = Reply { words: Some(text("同址再派")), same: true, ..Reply::of(code("REDELIVER")) };
        let command = on(waybill(n), Act::Reply(reply));
        self.client.record(&command, &[])
    }
    /// Syncs.
    pub async fn sync(&self) -> Result<SyncReport, ClientError> {
        self.client.sync().await
    }
    /// The case of a parcel.
    pub fn case(&self, n: u32) -> Option<CaseView> {
        self.client.case(&waybill(n)).unwrap()
    }
    /// Case id of a parcel.
    pub fn id(&self, n: u32) -> CaseId {
        CaseId::of(&"QH".parse().unwrap(), &Waybill::parse(&waybill(n)).unwrap())
    }
    /// The store opened again, as after a kill.
    pub fn reopen(&mut self) {
        self.client = Client::open(&self.folder, Options { clock: self.clock.clone(), ..Options::default() }).unwrap();
    }
    /// Everything listed, ended cases too.
    pub fn list(&self) -> Vec<doorstep_store::CaseRow> {
        self.client.cases(&Filter { closed: true, limit: 10_000, ..Filter::default() }).unwrap()
    }

    /// Asserts that this replica and the server have the same heads, entries and receipts for a parcel.
    pub fn agrees_with(&self, world: &World, n: u32) {
        let id = self.id(n);
        let (chunks, entries) = world.on_server(&id);
        let merged = doorstep_document::merge(chunks.iter().map(Vec::as_slice)).unwrap();
        let heads = self.client.heads().unwrap().into_iter().find(|(case, _)| *case == id).map(|(_, heads)| heads);
        assert_eq!(heads.as_ref(), Some(&merged.heads), "heads of {id} as Automerge merges the server's log");
        let here = self.case(n).unwrap().case;
        assert!(here.timeline.iter().all(|r| matches!(r.standing, Standing::Accepted(_))), "{:?}", here.timeline);
        // Other replicas are not told of refused changes.
        let here = Case { quarantined: vec![], ..here };
        assert_eq!(Case::fold(entries).unwrap(), here, "folded case with receipts");
    }
}
