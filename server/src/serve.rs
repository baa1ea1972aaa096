//! Starting and stopping.

use std::{fs::File, net::SocketAddr, path::PathBuf, sync::Arc};

use axum_server::{Handle, Server, accept::NoDelayAcceptor};
use doorstep_gateway::GatewayConfig;
use doorstep_protocol::{VERSIONS, Version};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

use crate::{
    AdminError, IfCopied, ServeError, TlsError, TlsFiles, audit,
    clock::{self, NowFn},
    contact::Passing,
    copy::{self, Suspicion},
    folder,
    http::{self, app::App},
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

/// How to serve.
#[derive(Clone)]
pub struct Config {
    /// The data folder; made if it is not there.
    pub folder: PathBuf,
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether an address other than loopback is meant, in plain HTTP.
    pub insecure: bool,
    /// The certificate; without one the server speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Where photos' bytes are: `s3://bucket/prefix`; without it the data folder.
    pub photos: Option<String>,
    /// How SMS are sent.
    pub sms: GatewayConfig,
    /// Whether other processes serve the same folder, each with this option: then the photos should be in a bucket.
    pub shared_folder: bool,
    /// What to do with a data folder that looks like a copy of another; without it the server answers nothing until its operator
    /// has spoken.
    pub if_copied: Option<IfCopied>,
    /// The clock.
    pub now: NowFn,
    /// The versions of the protocol that are spoken: [`doorstep_protocol::VERSIONS`].
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
    /// Opens the page at `/?token=...`.
    pub console_token: String,
    tls: Option<Tls>,
    live: Arc<Live>,
    stop_sms: Arc<Notify>,
    gateway: JoinHandle<()>,
    handle: Handle<SocketAddr>,
    task: JoinHandle<()>,
    /// Keeps others from serving the folder; a server that waits for its operator's word holds nobody up.
    lock: Option<File>,
    db: Db,
    folder: PathBuf,
    /// Others serve it too.
    shared: bool,
    /// The data may be a copy: nothing is answered until its operator has spoken.
    waits: bool,
    /// Told when a loss is proven.
    loss: Arc<Notify>,
}

impl Running {
    /// Where clients find it.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// Where a person finds the page. Whoever has this link may read.
    pub fn page(&self) -> String {
        format!("{}/?token={}", self.url(), self.console_token)
    }

    /// Reads certificate and key again, for the connections that come. After an error the ones in use stay.
    pub async fn reload_tls(&self) -> Result<(), TlsError> {
        self.tls.as_ref().ok_or(TlsError::Off)?.reload().await
    }

    /// Stops accepting, finishes what is in flight, returns when done.
    pub async fn stop(self) {
        self.live.end();
        self.stop_sms.notify_one();
        self.gateway.await.ok();
        self.handle.graceful_shutdown(None);
        self.task.await.ok();
        // The marker is everybody's who serves the folder: the last one says that it has ended in order.
        let Some(lock) = self.lock.and_then(folder::alone) else { return };
        let folder = self.folder;
        if let Ok(Err(error)) = self.db.on_store(move |store| Ok(copy::end(store, &folder))).await {
            crate::say!("doorstep-server: ending in order failed: {error}");
        }
        drop(lock);
    }

    /// Whether the server answers nothing, because its data may be a copy and its operator has not said so or otherwise.
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// Returns when this server is to be stopped and started again: its operator has said whether the data are a copy, or a device has
    /// proven that they lack something, and it must wait for that word.
    pub async fn is_over(&self) {
        if !self.waits {
            return self.loss.notified().await;
        }
        loop {
            let folder = self.folder.clone();
            let suspicion = self.db.read(move |db| Ok(copy::suspicion(db, &folder))).await;
            // Whoever writes the word down has the folder until all of it is there.
            if matches!(suspicion, Ok(Ok(None))) && folder::take(&self.folder, self.shared).is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
}

/// Starts a server. When it returns, requests are answered.
pub async fn start(config: Config) -> Result<Running, ServeError> {
    if !config.listen.ip().is_loopback() && !config.insecure && config.tls.is_none() {
        return Err(ServeError::NotLoopback(config.listen));
    }
    // Before anything is made: a wrong path leaves no folder behind.
    let tls = match config.tls {
        Some(files) => Some(Tls::load(files).await?),
        None => None,
    };
    let storage = Storage::open(&config.folder, config.photos.as_deref())?;
    let at_folder = |source| ServeError::Folder { folder: config.folder.clone(), source };
    let lock = folder::take_soon(&config.folder, config.shared_folder).await?;
    let mut writer = open(&config.folder)?;
    let mut suspicion = writer.read(|tx| copy::suspicion(tx, &config.folder))?;
    // That nothing is missing was ordered before a device proved otherwise.
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
    // What says whether the data are a copy must be able to take the folder.
    let lock = suspicion.is_none().then_some(lock);
    if suspicion.is_none() {
        tell(&writer.write(|tx| clock::look(tx, (config.now)())).map_err(|error| ServeError::Clock(error.to_string()))?);
    }
    let db = Db::start(&config.folder, writer).map_err(at_folder)?;
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
        return Ok(waiting(listener, addr, (config.folder, config.shared_folder, config.versions), tls, db));
    }
    let secret = random::bytes::<16>().ok_or(ServeError::Random)?;
    let console_token: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let to_project = Arc::new(Notify::new());
    // What a killed process left behind is projected first.
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
        in_flight: Arc::default(),
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
    let teller = tokio::spawn(async move { of_teller.tell(&to_read).await });
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
    let (for_running, serving) = (app.db.clone(), serve(listener, handle.clone(), tls.as_ref(), http::router(app)));
    let task = tokio::spawn(async move {
        serving.await;
        projector.abort();
        tidier.abort();
        teller.abort();
    });
    let (db, folder, shared, waits) = (for_running, config.folder, config.shared_folder, false);
    Ok(Running { addr, console_token, tls, live, stop_sms, gateway, handle, task, lock, db, folder, shared, waits, loss })
}

/// A server that answers nothing, because its data may be a copy.
fn waiting(
    listener: TcpListener,
    addr: SocketAddr,
    (folder, shared, versions): (PathBuf, bool, &'static [Version]),
    tls: Option<Tls>,
    db: Db,
) -> Running {
    let handle = Handle::new();
    let task = tokio::spawn(serve(listener, handle.clone(), tls.as_ref(), http::waiting(versions)));
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

/// Answers requests until the handle says stop.
fn serve(
    listener: TcpListener,
    handle: Handle<SocketAddr>,
    tls: Option<&Tls>,
    router: axum::Router,
) -> impl Future<Output = ()> + Send + use<> {
    let mut server = Server::from_listener(listener).handle(handle);
    bound(server.http_builder());
    let acceptor = tls.map(Tls::acceptor);
    async move {
        let service = router.into_make_service();
        let served = match acceptor {
            Some(acceptor) => server.acceptor(Timeouts(acceptor)).serve(service).await,
            None => server.acceptor(Timeouts(NoDelayAcceptor)).serve(service).await,
        };
        if let Err(error) = served {
            crate::say!("doorstep-server: serving ended: {error}");
        }
    }
}

/// Says what a start has found out about its clock.
fn tell(found: &clock::Found) {
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

/// How often storage and the log are looked at.
const TIDY: std::time::Duration = std::time::Duration::from_secs(24 * 3_600);

/// Once a day: drops what expired, asks again for what storage has lost, and holds the log against what was signed.
async fn tidy(db: Db, storage: Storage, now: NowFn) {
    let mut days = tokio::time::interval(TIDY);
    loop {
        days.tick().await;
        let at = now();
        if let Err(error) = db.write(move |db| sms::prune(db, at)).await {
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
