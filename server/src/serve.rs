//! Starts and stops the server.

use std::{fs::File, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::middleware::from_fn_with_state;
use axum_server::{Handle, Server, accept::NoDelayAcceptor};
use doorstep_gateway::GatewayConfig;
use doorstep_protocol::{VERSIONS, Version};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle, time::timeout};

use crate::{
    AdminError, IfCopied, ServeError, TlsError, TlsFiles, background,
    clock::{self, NowFn},
    connections::{self, Bounded, Connections},
    contact::Passing,
    copy::{self, Suspicion},
    folder,
    http::{
        self,
        app::App,
        operator::{self, Operator},
    },
    in_flight::{BODIES, InFlight, STREAMS},
    keys::Keys,
    live::Live,
    log,
    marker::Marker,
    metrics::{Counting, Metrics},
    open::open,
    packs::Rules,
    photos::Storage,
    random, restore, sms,
    store::{
        db::{self, Db},
        sound,
    },
    supervise::{Restarts, keep},
    timeouts::{Timeouts, bound},
    tls::Tls,
    verifier::Verifier,
};

/// The options of a server.
#[derive(Clone)]
pub struct Config {
    /// The data folder; created if absent.
    pub folder: PathBuf,
    /// The address; port 0 takes any free port.
    pub listen: SocketAddr,
    /// The operator's address, with the state of the server and its counts; port 0 takes any free port. `None`: there is none.
    pub admin_listen: Option<SocketAddr>,
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
            admin_listen: None,
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
    /// The operator's address in use, if there is one.
    pub admin_addr: Option<SocketAddr>,
    /// The token that opens the page at `/?token=...`.
    pub console_token: String,
    tls: Option<Tls>,
    live: Arc<Live>,
    stop_sms: Arc<Notify>,
    gateway: JoinHandle<()>,
    handle: Handle<SocketAddr>,
    task: JoinHandle<()>,
    /// Serves the operator's address.
    admin: Option<(Handle<SocketAddr>, JoinHandle<()>)>,
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
            log!(error, "the SMS gateway did not end in time and was ended; what it was sending is uncertain");
            gateway.abort();
        }
        self.handle.graceful_shutdown(Some(AT_END));
        self.task.await.ok();
        // The operator sees the state until the requests have ended.
        if let Some((handle, task)) = self.admin {
            handle.graceful_shutdown(Some(Duration::ZERO));
            task.await.ok();
        }
        // All processes that serve the folder share the marker, so only the last one marks the orderly stop.
        let Some(lock) = self.lock.and_then(folder::alone) else { return };
        let folder = self.folder;
        if let Ok(Err(error)) = self.db.on_store(move |store| Ok(copy::end(store, &folder))).await {
            log!(error, "ending in order failed", error = error);
        }
        drop(lock);
    }

    /// Whether the server answers no request, because its data may be a copy and its operator has not made a statement.
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// Keeps the database from growing, as a full disk does, or lets it grow again. For tests. False if that failed.
    #[doc(hidden)]
    pub async fn fill_disk(&self, is_full: bool) -> bool {
        self.db.write(move |tx| Ok(db::keep_size(tx, is_full)?)).await.is_ok()
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
    if let Some(addr) = config.admin_listen.filter(|addr| !addr.ip().is_loopback() && !config.insecure) {
        return Err(ServeError::AdminNotLoopback(addr));
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
        let ordered = match word {
            IfCopied::Moved => "moved",
            IfCopied::Restore => "restore",
        };
        log!(warn, "the data look like a copy, and are taken as was ordered", seen = seen.seen(), name = ordered);
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
    let (listener, addr) = bind(config.listen).await?;
    let for_operator = match config.admin_listen {
        Some(wanted) => Some(bind(wanted).await?),
        None => None,
    };
    let (metrics, restarts, connections) = (Metrics::default(), Restarts::default(), Connections::new(most));
    let (bodies, streams) = (InFlight::new(BODIES), InFlight::new(STREAMS));
    let counting = Counting {
        metrics: metrics.clone(),
        restarts: restarts.clone(),
        writing: db.writing.clone(),
        connections: connections.clone(),
        strangers: Arc::default(),
        bodies: bodies.clone(),
        streams: streams.clone(),
        guesses: Arc::default(),
    };
    let (strangers, guesses) = (counting.strangers.clone(), counting.guesses.clone());
    let admin_addr = for_operator.as_ref().map(|(_, addr)| *addr);
    let operator = Operator::new(db.clone(), config.now.clone(), counting, suspicion.is_some());
    // Called at the end, when nothing can fail any more. Until then the address is open and does not answer.
    let of_operator = restarts.clone();
    let watch = move || for_operator.map(|(listener, _)| serve_operator(listener, operator, of_operator));
    if let Some(seen) = suspicion {
        log!(
            error,
            "the data look like a copy. Devices are answered nothing until you say which it is. The folder was moved, and the server \
             that it came from is stopped for good: doorstep-server moved FOLDER. It was put back from a copy, or you do not know: \
             doorstep-server restore FOLDER",
            seen = seen.seen(),
            path = config.folder
        );
        let handle = Handle::new();
        let serving =
            serve(listener, handle.clone(), tls.as_ref(), http::waiting(config.versions, metrics), connections, restarts);
        return Ok(Running {
            addr,
            admin_addr,
            console_token: String::new(),
            tls,
            live: Live::new(),
            stop_sms: Arc::default(),
            gateway: tokio::spawn(async {}),
            handle,
            task: tokio::spawn(serving),
            admin: watch(),
            lock: None,
            db,
            folder: config.folder,
            shared: config.shared_folder,
            waits: true,
            loss: Arc::default(),
        });
    }
    let secret = random::bytes::<16>().ok_or(ServeError::Random)?;
    let console_token: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let to_project = Arc::new(Notify::new());
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
        verifier: Verifier::start().map_err(at_folder)?,
        now: config.now,
        keys,
        rules,
        versions: config.versions,
        passing: Passing::default(),
        in_flight: bodies,
        streams,
        strangers,
        guesses,
        storage,
        uploading: Arc::default(),
        console_token: console_token.as_str().into(),
        to_project,
        live: live.clone(),
        sms: Some(Arc::new(gateway.clone())),
        webhooks,
        metrics,
        loss: loss.clone(),
    };
    let stop_sms = gateway.stop.clone();
    let gateway = background::start_gateway(gateway, provided, &restarts);
    let loops = background::start(&app, &restarts);
    let handle = Handle::new();
    let serving = serve(listener, handle.clone(), tls.as_ref(), http::router(app), connections, restarts);
    let task = tokio::spawn(async move {
        serving.await;
        drop(loops);
    });
    let (folder, shared, waits, admin) = (config.folder, config.shared_folder, false, watch());
    Ok(Running {
        addr,
        admin_addr,
        console_token,
        tls,
        live,
        stop_sms,
        gateway,
        handle,
        task,
        admin,
        lock,
        db,
        folder,
        shared,
        waits,
        loss,
    })
}

/// Opens an address. Returns the address in use.
async fn bind(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let at = |source| ServeError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(at)?;
    let addr = listener.local_addr().map_err(at)?;
    Ok((listener, addr))
}

/// The largest number of connections at once to the operator's address.
const OPERATORS: usize = 16;

/// Serves the operator's address, within the limits of every address.
fn serve_operator(listener: TcpListener, operator: Operator, restarts: Restarts) -> (Handle<SocketAddr>, JoinHandle<()>) {
    let handle = Handle::new();
    let router = operator::router(operator);
    let serving = serve(listener, handle.clone(), None, router, Connections::new(OPERATORS), restarts);
    (handle, tokio::spawn(serving))
}

/// Answers requests until the handle stops it.
fn serve(
    listener: TcpListener,
    handle: Handle<SocketAddr>,
    tls: Option<&Tls>,
    router: axum::Router,
    all: Arc<Connections>,
    restarts: Restarts,
) -> impl Future<Output = ()> + Send + use<> {
    let mut server = Server::from_listener(listener).handle(handle);
    bound(server.http_builder());
    let acceptor = tls.map(Tls::acceptor);
    let router = router.layer(from_fn_with_state(all.clone(), connections::watch));
    async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let never = Notify::new();
        let looking = keep("unread_answers", &restarts, &never, || {
            let all = all.clone();
            async move {
                loop {
                    tokio::time::sleep(connections::LOOK).await;
                    all.end_unread();
                }
            }
        });
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
            log!(error, "serving ended", error = error);
        }
    }
}

/// Logs the result of the clock's check.
fn warn_of_clock(found: &clock::Found) {
    if let Some(newest) = found.set_back_from {
        log!(
            warn,
            "the clock was set back: a later time was noted here before. Nonces of then are void, devices ask for others by themselves",
            at = newest
        );
    }
    if let Some(clock::Doubt { newest, said }) = found.doubt {
        log!(
            warn,
            "the clock may be wrong: what it said at the start is far from the newest contact of any device. Whatever devices bring is \
             marked for review. If the clock is right: doorstep-server admin clock-is-right. If not: set it right and start again",
            said = said,
            newest = newest
        );
    }
}

/// How long the gateway, and then the requests, may take to end when the server stops.
const AT_END: Duration = Duration::from_secs(10);
