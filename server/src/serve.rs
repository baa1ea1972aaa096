//! Starting and stopping.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use doorstep_domain::UnixMs;
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot},
    task::JoinHandle,
};

use crate::{
    ServeError,
    db::{self, Db},
    http::{self, App},
    project,
};

/// Where a server reads the time. An argument, so that a demo can play a day in seconds.
pub type NowFn = Arc<dyn Fn() -> UnixMs + Send + Sync>;

/// How to serve.
pub struct Config {
    /// The data folder; made if it is not there.
    pub folder: PathBuf,
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether an address other than loopback is meant.
    pub insecure: bool,
    /// The clock.
    pub now: NowFn,
}

/// A running server.
pub struct Running {
    /// The address in use.
    pub addr: SocketAddr,
    /// Opens the page at `/?token=...`.
    pub console_token: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Stops accepting, finishes what is in flight, returns when done.
    pub async fn stop(self) {
        self.stop.send(()).ok();
        self.task.await.ok();
    }
}

/// Starts a server. When it returns, requests are answered.
pub async fn start(config: Config) -> Result<Running, ServeError> {
    if !config.listen.ip().is_loopback() && !config.insecure {
        return Err(ServeError::NotLoopback(config.listen));
    }
    let at_folder = |source| ServeError::Folder { folder: config.folder.clone(), source };
    let writer = db::open(&config.folder)?;
    let db = Db::start(&config.folder, writer).map_err(at_folder)?;
    let listener = TcpListener::bind(config.listen).await.map_err(|source| ServeError::Listen { addr: config.listen, source })?;
    let addr = listener.local_addr().map_err(|source| ServeError::Listen { addr: config.listen, source })?;
    let secret = db::random::<16>().ok_or(ServeError::Random)?;
    let console_token: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let to_project = Arc::new(Notify::new());
    // What a killed process left behind is projected first.
    to_project.notify_one();
    let app = App {
        db: db.clone(),
        now: config.now.clone(),
        console_token: console_token.as_str().into(),
        to_project: to_project.clone(),
    };
    let now = config.now;
    let projector = tokio::spawn(async move {
        loop {
            to_project.notified().await;
            if let Err(error) = project::catch_up(&db, now()).await {
                eprintln!("doorstep-server: projecting failed: {error}");
            }
        }
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let served = axum::serve(listener, http::router(app)).with_graceful_shutdown(async {
            // A dropped handle is not a wish to stop.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        });
        if let Err(error) = served.await {
            eprintln!("doorstep-server: serving ended: {error}");
        }
        projector.abort();
    });
    Ok(Running { addr, console_token, stop, task })
}
