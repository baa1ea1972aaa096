//! Head office and its two devices before the first sync, and the clocks of all.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use doorstep_client::{Client, Clock, Filter, Options, Recording};
use doorstep_domain::{ActionId, BootId, TimeEvidence, UnixMs};
use doorstep_rules::{ASKS_POLICY, Policy};
use doorstep_server::{Config, NowFn, admin::Admin};
use doorstep_store::{Action, ActionCase, Clocks, Enrolment, Store};
use doorstep_tests::PARCEL_COLUMNS;

use crate::workload::{Document, EDITED, NETWORK, OUTLET, Step, author, data, documents, people};

/// When the devices are enrolled: before the first change of the workload.
const BEGIN: UnixMs = UnixMs(1_789_999_000_000);
/// How long a shift of these people lasts: nobody signs in anew during the workload.
const SHIFT_MS: i64 = 365 * 86_400_000;

/// A clock that runs as the machine's does, so many milliseconds apart from it, or stands until it is moved.
#[derive(Clone)]
pub struct Time {
    /// Milliseconds to the machine's clock; of a clock that stands, the time.
    at: Arc<AtomicI64>,
    runs: bool,
}

impl Time {
    fn standing() -> Self {
        Self { at: Arc::new(AtomicI64::new(BEGIN.0)), runs: false }
    }

    /// The clock of a prepared head office, which goes on from where the last change was recorded.
    pub fn running() -> Self {
        let ahead = std::fs::read_to_string(prepared("ahead")).unwrap().parse().unwrap();
        Self { at: Arc::new(AtomicI64::new(ahead)), runs: true }
    }

    fn set(&self, now: UnixMs) {
        self.at.store(now.0, Ordering::SeqCst);
    }

    pub fn now(&self) -> UnixMs {
        let machine = if self.runs { machine_ms() } else { 0 };
        UnixMs(machine + self.at.load(Ordering::SeqCst))
    }

    /// The clock as the server takes it.
    pub fn server(&self) -> NowFn {
        let time = self.clone();
        Arc::new(move || time.now())
    }
}

impl Clock for Time {
    /// One boot, which began before the enrolment and lasts through all steps.
    fn read(&self) -> Clocks {
        let wall = self.now();
        Clocks { wall, mono_ms: wall.since(BEGIN.plus(-60_000)).unsigned_abs(), boot: BootId(*b"boot") }
    }

    fn zone_quarters(&self) -> i8 {
        8
    }
}

fn machine_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// What `prep` leaves for later steps: `office`, the folder of the server; `second`, the second device; `ahead`, how far their clocks
/// are ahead of the machine's.
pub fn prepared(name: &str) -> PathBuf {
    data().join("doorstep").join(name)
}

/// Sets up head office, enrols both devices with a server in this process, and records the documents on the first one.
pub async fn prepare(first: &Path, count: usize) {
    std::fs::remove_dir_all(prepared("")).ok();
    std::fs::create_dir_all(prepared("")).unwrap();
    let (documents, time, office) = (documents(count), Time::standing(), prepared("office"));
    let people = people(&documents);
    let mut admin = Admin::open(&office).unwrap();
    admin.outlet(OUTLET, "城西派件部", "West outlet", "0412-1000").unwrap();
    for user in &people {
        admin.user(user, "李明", author(user).role.as_str(), OUTLET).unwrap();
    }
    // One device brings more here than a device brings in a day.
    let mut policy = Policy::parse(ASKS_POLICY).unwrap();
    policy.version += 1;
    policy.quotas.as_mut().unwrap().changes = 10_000_000;
    admin.policy(&serde_json::to_vec(&policy).unwrap()).unwrap();
    let imported = admin.import_parcels(parcels(&documents).as_bytes(), time.now()).unwrap();
    assert_eq!((imported.imported, imported.bad.len()), (count as u64, 0));

    let running = doorstep_server::start(Config::on_loopback(&office, time.server())).await.unwrap();
    for folder in [first, &prepared("second")] {
        let client = client(folder, &time);
        for user in &people {
            let code = admin.code(user, time.now()).unwrap().code;
            client.enrol(&running.url(), &code).await.unwrap();
        }
    }
    drop(admin);
    running.stop().await;

    let mut store = Store::open(first).unwrap();
    let install = store.identity().unwrap().unwrap().install;
    let mut steps: Vec<Step> = documents.iter().flat_map(|document| document.steps(&install)).collect();
    steps.sort_by_key(|step| step.at);
    let last = steps.iter().map(|step| step.at).chain(documents.iter().map(|document| document.extra(&install).at)).max();
    for step in steps {
        time.set(step.at);
        record(&mut store, step, &time);
    }
    time.set(last.unwrap().plus(60_000));
    // Somebody has looked at the list.
    store.cases(&Filter::default(), time.now()).unwrap();
    store.tidy().unwrap();
    std::fs::write(prepared("ahead"), (time.now().0 - machine_ms()).to_string()).unwrap();
}

fn parcels(documents: &[Document]) -> String {
    let mut csv = format!("{PARCEL_COLUMNS}\n");
    for document in documents {
        let [name, number, address] = document.recipient();
        csv += &format!("{},{NETWORK},{OUTLET},{OUTLET},,{name},{number},{address},0,\n", document.waybill());
    }
    csv
}

/// Opens a device.
pub fn client(folder: &Path, time: &Time) -> Client {
    Client::open(folder, Options { clock: Arc::new(time.clone()), ..Options::default() }).unwrap()
}

/// Tells a device that its server has another address. Everything else of its enrolment stays.
pub fn point_to(folder: &Path, server: &str, time: &Time) {
    let mut store = Store::open(folder).unwrap();
    let (who, session) = (store.identity().unwrap().unwrap(), store.session().unwrap().unwrap());
    let session = doorstep_store::Session { server: server.to_owned(), ..session };
    let enrolment = Enrolment { device: who.device, install: who.install, author: who.author, name: who.name, session };
    store.enrol(&enrolment, time.now()).unwrap();
}

/// Records the further change of the first documents.
pub fn edit(folder: &Path, count: usize, time: &Time) {
    let mut store = Store::open(folder).unwrap();
    let install = store.identity().unwrap().unwrap().install;
    for document in documents(count.min(EDITED)) {
        record(&mut store, document.extra(&install), time);
    }
}

/// Records a change through the store, as a client does once it has checked the act: durable when it returns.
fn record(store: &mut Store, Step { waybill, user, bodies, act, .. }: Step, time: &Time) {
    let clocks = time.read();
    store.sign_in(&author(&user).user, clocks.wall.plus(SHIFT_MS)).unwrap();
    let recording = Recording { waybills: vec![waybill.clone()], act, photos: vec![] };
    let evidence = TimeEvidence {
        wall: clocks.wall,
        zone_quarters: time.zone_quarters(),
        mono_ms: clocks.mono_ms,
        boot: clocks.boot,
        anchor: store.anchor(clocks.boot).unwrap(),
    };
    let cases = vec![ActionCase { waybill, bodies, photos: vec![] }];
    let action = Action { id: ActionId::new([1; 16]), recording, time: evidence, now: clocks.wall, cases, step: None };
    store.record(&action).unwrap();
}
