//! Starts and stops the server.

use std::{fs::File, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::middleware::from_fn_with_state;
use axum_server::{Handle, Server, accept::NoDelayAcceptor};
use doorstep_gateway::GatewayConfig;
use doorstep_protocol::{VERSIONS, Version};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle, time::timeout};

use crate::{
    AdminError, IfCopied, ServeError, TlsError, TlsFiles, audit,
    clock::{self, NowFn},
    connections::{self, Bounded, Connections},
    contact::Passing,
    copy::{self, Suspicion},
    folder,
    http::{self, app::App},
    in_flight::{BODIES, InFlight, STREAMS},
    keys::Keys,
    live::Live,
    marker::Marker,
    open::open,
    packs::Rules,
    photos::{Scrub, Storage, scrub},
    project, random, restore, sms,
    store::{db::Db, sound},
    timeouts::{Timeouts, bound},
    tls::Tls,
};

/// The options of a server.
#[derive(Clone)]
pub struct Config {
    /// The data folder; created if absent.
    pub folder: PathBuf,
    /// The address; port 0 takes any free port.
    pub listen: SocketAddr,
    /// Permits plain HTTP on an address that is not loopback.
    pub insecure: bool,
    /// The certificate; without one the server speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// The storage of photos' bytes: `s3://bucket/prefix`; `None` is the data folder.
    pub photos: Option<String>,
    /// The way to send SMS.
    pub sms: GatewayConfig,
    /// Whether other processes serve the same folder, each with this option. The photos should then be in a bucket.
    pub shared_folder: bool,
    /// What to do with a data folder that looks like a copy. `None`: the server answers no request until its operator makes a
    /// statement.
    pub if_copied: Option<IfCopied>,
    /// The largest number of connections at once. The limit of open files is its maximum and its default.
    pub connections: Option<usize>,
    /// The source of time.
    pub now: NowFn,
    /// The protocol versions that the server speaks: [`doorstep_protocol::VERSIONS`].
    pub versions: &'static [Version],
}

impl Config {
    /// A server for this machine alone: a free port of loopback in plain HTTP, a folder of its own with the photos in it, SMS that are
    /// only logged, and every version of the protocol.
    pub fn on_loopback(folder: impl Into<PathBuf>, now: NowFn) -> Self {
        Self {
            folder: folder.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            insecure: false,
            tls: None,
            photos: None,
            sms: GatewayConfig::Log,
            shared_folder: false,
            connections: None,
            if_copied: None,
            now,
            versions: VERSIONS,
        }
    }
}

/// A running server.
pub struct Running {
    /// The address in use.
    pub addr: SocketAddr,
    /// The token that opens the page at `/?token=...`.
    pub console_token: String,
    tls: Option<Tls>,
    live: Arc<Live>,
    stop_sms: Arc<Notify>,
    gateway: JoinHandle<()>,
    handle: Handle<SocketAddr>,
    task: JoinHandle<()>,
    /// Keeps other servers off the folder. `None` while the server waits for its operator, so that the operator's command can
    /// lock the folder.
    lock: Option<File>,
    db: Db,
    folder: PathBuf,
    /// Whether other processes serve the folder too.
    shared: bool,
    /// Whether the data may be a copy: no request is answered until the operator makes a statement.
    waits: bool,
    /// Woken when a loss is proven.
    loss: Arc<Notify>,
}

impl Running {
    /// The base URL for clients.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// The address of the page. Anybody with this link may read.
    pub fn page(&self) -> String {
        format!("{}/?token={}", self.url(), self.console_token)
    }

    /// Reads the certificate and key again, for new connections. After an error the ones in use stay.
    pub async fn reload_tls(&self) -> Result<(), TlsError> {
        self.tls.as_ref().ok_or(TlsError::Off)?.reload().await
    }

    /// Stops the gateway, then the listener, then the running requests. The gateway and the requests have ten seconds each, so that
    /// a peer that neither answers nor reads can not keep the process alive.
    pub async fn stop(self) {
        self.live.end();
        self.stop_sms.notify_one();
        let mut gateway = self.gateway;
        if timeout(AT_END, &mut gateway).await.is_err() {
            crate::say!("doorstep-server: the SMS gateway did not end in time and was ended; what it was sending is uncertain");
            gateway.abort();
        }
        self.handle.graceful_shutdown(Some(AT_END));
        self.task.await.ok();
        // All processes that serve the folder share the marker, so only the last one marks the orderly stop.
        let Some(lock) = self.lock.and_then(folder::alone) else { return };
        let folder = self.folder;
        if let Ok(Err(error)) = self.db.on_store(move |store| Ok(copy::end(store, &folder))).await {
            crate::say!("doorstep-server: ending in order failed: {error}");
        }
        drop(lock);
    }

    /// Whether the server answers no request, because its data may be a copy and its operator has not made a statement.
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// Returns when this server should be stopped and started again: its operator has made the statement, or a device has proven
    /// a loss, and the server must wait for a statement.
    pub async fn is_over(&self) {
        if !self.waits {
            return self.loss.notified().await;
        }
        loop {
            let folder = self.folder.clone();
            let suspicion = self.db.read(move |tx| Ok(copy::suspicion(tx, &folder))).await;
            // The operator's command holds the folder's lock until its statement is complete.
            if matches!(suspicion, Ok(Ok(None))) && folder::lock(&self.folder, self.shared).is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Starts a server. When it returns, the server answers requests.
pub async fn start(config: Config) -> Result<Running, ServeError> {
    if !config.listen.ip().is_loopback() && !config.insecure && config.tls.is_none() {
        return Err(ServeError::NotLoopback(config.listen));
    }
    // These checks come first, so that a wrong option leaves no folder behind.
    let tls = match config.tls {
        Some(files) => Some(Tls::load(files).await?),
        None => None,
    };
    let storage = Storage::open(&config.folder, config.photos.as_deref())?;
    let at_folder = |source| ServeError::Folder { folder: config.folder.clone(), source };
    let lock = folder::lock_soon(&config.folder, config.shared_folder).await?;
    let mut writer = open(&config.folder)?;
    let mut suspicion = writer.read(|tx| copy::suspicion(tx, &config.folder))?;
    // The order that nothing is missing was given before a device proved a loss, and does not count then.
    let word = config.if_copied.filter(|word| (suspicion, *word) != (Some(Suspicion::Lost), IfCopied::Moved));
    if let (Some(seen), Some(word)) = (suspicion, word) {
        crate::say!("doorstep-server: {}; taken as was ordered: {word:?}", seen.seen());
        drop(writer);
        match word {
            IfCopied::Moved => copy::take_as_moved(&config.folder).map(|_| ()),
            IfCopied::Restore => restore::begin_anew(&config.folder, &[], (config.now)()).map(|_| ()),
        }
        .map_err(|error| match error {
            AdminError::Open(error) => error,
            other => ServeError::Copied(other.to_string()),
        })?;
        (writer, suspicion) = (open(&config.folder)?, None);
    }
    if suspicion.is_none() {
        sound::structure(&writer, &config.folder, Marker::read(&config.folder).running)?;
        copy::begin(&writer, &config.folder)?;
    }
    // The operator's command must be able to lock the folder.
    let lock = suspicion.is_none().then_some(lock);
    if suspicion.is_none() {
        warn_of_clock(&writer.write(|tx| clock::look(tx, (config.now)())).map_err(|error| ServeError::Clock(error.to_string()))?);
    }
    let db = Db::start(&config.folder, writer).map_err(at_folder)?;
    let by_files = connections::most_by_files();
    let most = config.connections.map_or(by_files, |wanted| wanted.min(by_files));
    let listener = TcpListener::bind(config.listen).await.map_err(|source| ServeError::Listen { addr: config.listen, source })?;
    let addr = listener.local_addr().map_err(|source| ServeError::Listen { addr: config.listen, source })?;
    if let Some(seen) = suspicion {
        let folder = config.folder.display();
        crate::say!(
            "doorstep-server: {}. Devices are answered nothing until you say which it is. The folder was moved, and the server that it \
             came from is stopped for good: doorstep-server moved {folder}. It was put back from a copy, or you do not know: \
             doorstep-server restore {folder}",
            seen.seen()
        );
        return Ok(waiting(listener, addr, (config.folder, config.shared_folder, config.versions), tls, db, most));
    }
    let secret = random::bytes::<16>().ok_or(ServeError::Random)?;
    let console_token: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let to_project = Arc::new(Notify::new());
    // Changes that a killed process left unprojected are projected first.
    to_project.notify_one();
    let live = Live::new();
    let (rules, loss) = (Rules::default(), Arc::<Notify>::default());
    let mut provided = sms::provide(config.sms)?;
    let webhooks = provided.webhooks.take().map(Arc::new);
    let keys = db.read(Keys::read).await.map_err(|_| ServeError::Keys)?;
    let gateway = sms::Gateway {
        db: db.clone(),
        keys: keys.clone(),
        rules: rules.clone(),
        now: config.now.clone(),
        due: Arc::default(),
        to_project: to_project.clone(),
        live: live.clone(),
        service: provided.service.as_str().into(),
        extension_digits: provided.extension_digits,
        sends: provided.sends,
        folder: config.folder.as_path().into(),
        stop: Arc::default(),
    };
    let app = App {
        db: db.clone(),
        now: config.now.clone(),
        keys,
        rules: rules.clone(),
        versions: config.versions,
        passing: Passing::default(),
        in_flight: InFlight::new(BODIES),
        streams: InFlight::new(STREAMS),
        strangers: Arc::default(),
        guesses: Arc::default(),
        storage: storage.clone(),
        uploading: Arc::default(),
        console_token: console_token.as_str().into(),
        to_project: to_project.clone(),
        live: live.clone(),
        sms: Some(Arc::new(gateway.clone())),
        webhooks,
        loss: loss.clone(),
    };
    let stop_sms = gateway.stop.clone();
    let gateway = tokio::spawn(gateway.run(provided));
    let (of_teller, to_read) = (live.clone(), db.clone());
    let teller = tokio::spawn(async move { of_teller.announce(&to_read).await });
    let (now, config_now) = (config.now.clone(), config.now);
    let projector = tokio::spawn(async move {
        loop {
            to_project.notified().await;
            if let Err(error) = project::catch_up(&db, &rules, now()).await {
                crate::say!("doorstep-server: projecting failed: {error}");
            }
        }
    });
    let tidier = tokio::spawn(tidy(app.db.clone(), storage, config_now));
    let handle = Handle::new();
    let (for_running, serving) = (app.db.clone(), serve(listener, handle.clone(), tls.as_ref(), http::router(app), most));
    let task = tokio::spawn(async move {
        serving.await;
        projector.abort();
        tidier.abort();
        teller.abort();
    });
    let (db, folder, shared, waits) = (for_running, config.folder, config.shared_folder, false);
    Ok(Running { addr, console_token, tls, live, stop_sms, gateway, handle, task, lock, db, folder, shared, waits, loss })
}

/// Runs a server that answers no request, because its data may be a copy.
fn waiting(
    listener: TcpListener,
    addr: SocketAddr,
    (folder, shared, versions): (PathBuf, bool, &'static [Version]),
    tls: Option<Tls>,
    db: Db,
    most: usize,
) -> Running {
    let handle = Handle::new();
    let task = tokio::spawn(serve(listener, handle.clone(), tls.as_ref(), http::waiting(versions), most));
    Running {
        addr,
        console_token: String::new(),
        tls,
        live: Live::new(),
        stop_sms: Arc::default(),
        gateway: tokio::spawn(async {}),
        handle,
        task,
        lock: None,
        db,
        folder,
        shared,
        waits: true,
        loss: Arc::default(),
    }
}

/// Answers requests until the handle stops it.
fn serve(
    listener: TcpListener,
    handle: Handle<SocketAddr>,
    tls: Option<&Tls>,
    router: axum::Router,
    most: usize,
) -> impl Future<Output = ()> + Send + use<> {
    let mut server = Server::from_listener(listener).handle(handle);
    bound(server.http_builder());
    let acceptor = tls.map(Tls::acceptor);
    let all = Connections::new(most);
    let router = router.layer(from_fn_with_state(all.clone(), connections::watch));
    async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let looking = async {
            loop {
                tokio::time::sleep(connections::LOOK).await;
                all.end_unread();
            }
        };
        let serving = async {
            match acceptor {
                Some(accept) => server.acceptor(Bounded { all: all.clone(), accept: Timeouts(accept) }).serve(service).await,
                None => server.acceptor(Bounded { all: all.clone(), accept: Timeouts(NoDelayAcceptor) }).serve(service).await,
            }
        };
        let served = tokio::select! {
            served = serving => served,
            () = looking => Ok(()),
        };
        if let Err(error) = served {
            crate::say!("doorstep-server: serving ended: {error}");
        }
    }
}

/// Logs the result of the clock's check.
fn warn_of_clock(found: &clock::Found) {
    if let Some(newest) = found.set_back_from {
        crate::say!(
            "doorstep-server: the clock was set back: {} was noted here before. Nonces of then are void, devices ask for others by \
             themselves",
            clock::shown(newest)
        );
    }
    if let Some(clock::Doubt { newest, said }) = found.doubt {
        crate::say!(
            "doorstep-server: the clock may be wrong: it said {} at the start, and the newest contact of any device was {}. Whatever \
             devices bring is marked for review. If the clock is right: doorstep-server admin clock-is-right. If not: set it right and \
             start again",
            clock::shown(said),
            clock::shown(newest)
        );
    }
}

/// How long the gateway, and then the requests, may take to end when the server stops.
const AT_END: Duration = Duration::from_secs(10);
/// The interval of the checks of storage and log.
const TIDY: Duration = Duration::from_secs(24 * 3_600);

/// Once a day drops expired rows, asks again for photos that storage has lost, and audits the log.
async fn tidy(db: Db, storage: Storage, now: NowFn) {
    let mut days = tokio::time::interval(TIDY);
    loop {
        days.tick().await;
        let at = now();
        if let Err(error) = db.write(move |tx| sms::prune(tx, at)).await {
            crate::say!("doorstep-server: dropping old ids of SMS failed: {error}");
        }
        match scrub(&db, &storage, Scrub::default(), now()).await {
            Ok(found) if found.missing + found.damaged > 0 => crate::say!(
                "doorstep-server: storage lacks {} photos and has {} damaged; their devices are asked for them",
                found.missing,
                found.damaged
            ),
            Ok(_) => {}
            Err(error) => crate::say!("doorstep-server: looking at storage failed: {error}"),
        }
        match audit::over_time(&db, now()).await {
            Ok(looked) => {
                let faults = looked.faults.len() as u64 + looked.more_faults;
                if faults > 0 {
                    crate::say!(
                        "doorstep-server: the stored log is not what was signed: {faults} faults. Keep the data folder as it is, and a copy \
                         of it, then see: doorstep-server admin verify-log --found"
                    );
                }
                if let Some(error) = looked.unfinished {
                    crate::say!("doorstep-server: looking over the log did not come to its end: {error}");
                }
            }
            Err(error) => crate::say!("doorstep-server: looking over the log failed: {error}"),
        }
    }
}
