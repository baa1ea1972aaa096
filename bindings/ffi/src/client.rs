//! The client of a folder, as an object of the host: opened once, suspended and resumed with the app, shut down for good.

use std::{
    collections::HashMap,
    future::Future,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use doorstep_client::{Client, ClientError, Options, StoreKey, http::Roots};
use tokio::{sync::watch, task::AbortHandle};

use crate::{
    Cancel, Connectivity, DatabaseKey, DeviceClock, DeviceKey, DoorstepError, Location, SmsPlatform, calls,
    logging::{self, Level},
    platform::{HostClock, HostSigner, HostSms},
    runtime::{all_told, blocking, run, runtime, stopped, until},
};

/// Folders that are open in this process. Two clients on one folder would sync twice and miss each other's changes.
/// Each has a lock of its own, held while it is opened: that asks the host for keys, and may take its time.
static OPEN: Mutex<Option<HashMap<PathBuf, Slot>>> = Mutex::new(None);

type Slot = Arc<Mutex<Weak<DoorstepClient>>>;

/// How to open a client.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ClientConfig {
    /// The store's folder, of this app alone. It is made if it is not there.
    pub folder: String,
    /// Name and version of the app, for head office.
    #[uniffi(default = "")]
    pub app: String,
    /// The certificate authorities to trust, in PEM, and no others; without it, Mozilla's list.
    #[uniffi(default = None)]
    pub authorities_pem: Option<Vec<u8>>,
}

/// The platform's parts, as they were given when the client was opened. After a suspension the client is opened again with them.
pub(crate) struct Opening {
    config: ClientConfig,
    device_key: Option<Arc<dyn DeviceKey>>,
    database_key: Option<Arc<dyn DatabaseKey>>,
    pub(crate) connectivity: Option<Arc<dyn Connectivity>>,
    pub(crate) location: Option<Arc<dyn Location>>,
    clock: Option<Arc<dyn DeviceClock>>,
    sms: Option<Arc<dyn SmsPlatform>>,
}

impl Opening {
    /// Blocks on local storage.
    fn open(&self, folder: &Path) -> Result<Client, DoorstepError> {
        // An app never speaks plain HTTP to another machine: that word is the command line's alone.
        let mut options = Options::default();
        if let Some(host) = &self.database_key {
            options.key = Some(StoreKey::new(&host.key()?).map_err(ClientError::from)?);
            let host = host.clone();
            options.destroy_keys = Some(Arc::new(move || drop(host.erase())));
        }
        if let Some(host) = &self.clock {
            options.clock = Arc::new(HostClock::of(host.clone()));
        }
        if let Some(host) = &self.device_key {
            options.signer = Some(Arc::new(HostSigner::of(host.clone())));
        }
        if let Some(host) = &self.sms {
            options.sms = Some(Arc::new(HostSms(host.clone())));
        }
        if let Some(pem) = &self.config.authorities_pem {
            options.roots = Roots::Pem(pem.clone());
        }
        if !self.config.app.is_empty() {
            options.app = self.config.app.clone();
        }
        let client = Client::open(folder, options)?;
        if let Some(host) = &self.connectivity {
            client.set_conditions(host.surroundings()?.into());
        }
        Ok(client)
    }
}

/// A field client on one folder.
#[derive(uniffi::Object)]
pub struct DoorstepClient {
    folder: PathBuf,
    pub(crate) opening: Arc<Opening>,
    life: Mutex<Life>,
    /// One for all listeners, over suspensions.
    changed: Arc<watch::Sender<u64>>,
    /// Held while the store is opened or closed. A call that comes meanwhile waits for it, and gets the result.
    turn: tokio::sync::Mutex<()>,
    /// Parcels to be recorded again, of every opening.
    again: Mutex<Vec<String>>,
}

/// The client's state.
enum Life {
    Open(Running),
    /// The store is closed; whether it kept itself in sync, and listened for hints.
    Suspended(Option<bool>),
    Closed,
}

struct Running {
    client: Client,
    /// Raised when what waits for the network is to end.
    stop: watch::Sender<bool>,
    /// Keeping in sync by itself; and whether it listens for hints.
    in_sync: Option<(AbortHandle, bool)>,
    /// Passes on what the client says of changes.
    passing: AbortHandle,
}

/// Opens or creates the store in a folder; a damaged one is repaired first. The same folder gives the same client for as long as any
/// part of the process holds it, with what the platform gave the first time. Touches no network.
#[allow(clippy::too_many_arguments, reason = "a host names those that it has")]
#[uniffi::export(default(device_key = None, database_key = None, connectivity = None, location = None, clock = None, sms = None))]
pub async fn open_client(
    config: ClientConfig,
    device_key: Option<Arc<dyn DeviceKey>>,
    database_key: Option<Arc<dyn DatabaseKey>>,
    connectivity: Option<Arc<dyn Connectivity>>,
    location: Option<Arc<dyn Location>>,
    clock: Option<Arc<dyn DeviceClock>>,
    sms: Option<Arc<dyn SmsPlatform>>,
) -> Result<Arc<DoorstepClient>, DoorstepError> {
    blocking(move || DoorstepClient::open(Opening { config, device_key, database_key, connectivity, location, clock, sms })).await
}

/// Before a process ends whose runtime dies with it, such as Python's: shuts every client down, ends logging, and returns when no
/// thread of this library is within the host any more. Never within a listener or a sink.
#[uniffi::export]
pub fn end_process() {
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
    if let Ok(runtime) = runtime() {
        for slot in open.into_values() {
            let client = slot.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
            client.map(|client| runtime.block_on(client.end(true)));
        }
    }
    calls::no_more_calls();
    logging::stop_logging();
    all_told();
}

/// The folder without links and relative parts. It is made first, because only what exists has one; if that fails, opening
/// says why.
fn one_spelling(folder: &Path) -> PathBuf {
    doorstep_private::make_folder(folder).ok();
    std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

#[uniffi::export]
impl DoorstepClient {
    /// Closes the store for the time that the app is in the background: no file is open and no lock is held when this returns,
    /// so that iOS has no reason to end the process. Calls on local storage that are under way are finished first; calls
    /// that wait for the network end with `Suspended`. Suspending twice is fine.
    pub async fn suspend(self: Arc<Self>) -> Result<(), DoorstepError> {
        run(async move { self.end(false).await }).await
    }

    /// Opens the store again after a suspension; goes on keeping in sync if it did. Without a suspension it does nothing.
    pub async fn resume(self: Arc<Self>) -> Result<(), DoorstepError> {
        blocking(move || self.reopen()).await
    }

    /// Shuts down for good: like a suspension, without a way back. Listeners are told once more and then nothing. Twice is fine.
    /// The folder may be opened again afterwards.
    pub async fn shutdown(self: Arc<Self>) -> Result<(), DoorstepError> {
        run(async move { self.end(true).await }).await
    }

    /// Whether some caller shut it down. A listener that is told of a change asks this to learn whether that was the last change.
    pub fn is_closed(&self) -> bool {
        matches!(&*self.life(), Life::Closed)
    }

    /// The parcels that are to be recorded again: the store was damaged since the client was opened, and unsent records of them are
    /// lost.
    pub fn record_again(&self) -> Result<Vec<String>, DoorstepError> {
        Ok(self.again.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl DoorstepClient {
    /// On a thread for blocking work.
    fn open(opening: Opening) -> Result<Arc<Self>, DoorstepError> {
        let folder = one_spelling(Path::new(&opening.config.folder));
        let slot = {
            let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
            let open = open.get_or_insert_default();
            // One that is open, or being opened, is held by somebody.
            open.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.try_lock().is_ok_and(|client| client.strong_count() > 0));
            open.entry(folder.clone()).or_default().clone()
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = slot.upgrade() {
            if !client.is_over() {
                return Ok(client);
            }
            // Closed until its last file is: one store is not open twice.
            runtime()?.block_on(client.end(true))?;
        }
        let changed = Arc::new(watch::Sender::new(0));
        let running = Running::start(opening.open(&folder)?, &changed, None)?;
        let again = Mutex::new(running.record_again());
        let (closed, is_left_open) = (running.client.closed_to_others(), running.client.left_open_to_others().is_some());
        let (life, turn) = (Mutex::new(Life::Open(running)), tokio::sync::Mutex::default());
        let client = Arc::new(Self { folder, opening: Arc::new(opening), life, changed, turn, again });
        *slot = Arc::downgrade(&client);
        logging::log(Level::Info, "doorstep::client", "opened", &[]);
        if closed > 0 {
            let files = ("files", closed.into());
            logging::log(Level::Warn, "doorstep::client", "other accounts could read the store; they can not any more", &[files]);
        }
        if is_left_open {
            logging::log(
                Level::Warn,
                "doorstep::client",
                "other accounts may read what is in the store; that could not be changed",
                &[],
            );
        }
        Ok(client)
    }

    /// Shut down, or wiped by head office.
    fn is_over(&self) -> bool {
        match &*self.life() {
            Life::Open(running) => running.client.is_wiped(),
            Life::Suspended(_) => false,
            Life::Closed => true,
        }
    }

    /// On a thread for blocking work.
    fn reopen(&self) -> Result<(), DoorstepError> {
        let _turn = runtime()?.block_on(self.turn.lock());
        match &*self.life() {
            Life::Open(_) => return Ok(()),
            Life::Closed => return Err(DoorstepError::closed()),
            Life::Suspended(_) => {}
        }
        // Without the lock: opening asks the host for its keys.
        let mut running = Running::start(self.opening.open(&self.folder)?, &self.changed, None)?;
        self.again.lock().unwrap_or_else(PoisonError::into_inner).extend(running.record_again());
        {
            let mut life = self.life();
            // A wish that came meanwhile counts.
            if let Life::Suspended(in_sync) = &*life {
                running.keep(*in_sync)?;
            }
            *life = Life::Open(running);
        }
        self.tell();
        logging::log(Level::Info, "doorstep::client", "resumed", &[]);
        Ok(())
    }

    /// Ends everything that is under way. Returns when the store is closed, also if another caller closed it.
    async fn end(&self, for_good: bool) -> Result<(), DoorstepError> {
        let _turn = self.turn.lock().await;
        let running = {
            let mut life = self.life();
            let next = match &*life {
                Life::Closed => return Ok(()),
                _ if for_good => Life::Closed,
                Life::Open(running) => Life::Suspended(running.in_sync.as_ref().map(|(_, hints)| *hints)),
                Life::Suspended(in_sync) => Life::Suspended(*in_sync),
            };
            match std::mem::replace(&mut *life, next) {
                Life::Open(running) => Some(running),
                _ => None,
            }
        };
        if let Some(running) = running {
            running.drop_tasks();
            running.stop.send_replace(true);
            running.client.close().await;
        }
        // The last word to the listeners: what they read next says what has become of the client.
        self.tell();
        logging::log(Level::Info, "doorstep::client", if for_good { "shut down" } else { "suspended" }, &[]);
        Ok(())
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client while it is open, and the flag that ends what waits for the network.
    pub(crate) fn running(&self) -> Result<(Client, watch::Receiver<bool>), DoorstepError> {
        match &*self.life() {
            Life::Open(running) => Ok((running.client.clone(), running.stop.subscribe())),
            Life::Suspended(_) => Err(DoorstepError::suspended()),
            Life::Closed => Err(DoorstepError::closed()),
        }
    }

    /// Why a call ended that waited for the network.
    fn ended(&self) -> DoorstepError {
        match &*self.life() {
            Life::Closed => DoorstepError::closed(),
            _ => DoorstepError::suspended(),
        }
    }

    /// Runs a call on local storage on a thread of ours.
    pub(crate) async fn local<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Client) -> Result<T, DoorstepError> + Send + 'static,
    ) -> Result<T, DoorstepError> {
        let (client, _) = self.running()?;
        blocking(move || logging::told(work(&client))).await
    }

    /// Runs a call that waits for the network on our threads, until it ends, is cancelled or the client is closed.
    pub(crate) async fn remote<T: Send + 'static, F: Future<Output = Result<T, ClientError>> + Send>(
        self: Arc<Self>,
        cancel: Option<Arc<Cancel>>,
        work: impl FnOnce(Client) -> F + Send + 'static,
    ) -> Result<T, DoorstepError> {
        let (client, stop) = self.running()?;
        run(async move {
            tokio::select! {
                biased;
                () = until(stop) => Err(self.ended()),
                () = stopped(cancel) => Err(DoorstepError::cancelled()),
                result = work(client) => logging::told(result.map_err(DoorstepError::from)),
            }
        })
        .await
    }

    /// Starts or stops keeping in sync; `hints`: `None` stops.
    pub(crate) fn keep(&self, hints: Option<bool>) -> Result<(), DoorstepError> {
        match &mut *self.life() {
            Life::Open(running) => running.keep(hints),
            Life::Suspended(in_sync) => {
                *in_sync = hints;
                Ok(())
            }
            Life::Closed => Err(DoorstepError::closed()),
        }
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn tell(&self) {
        self.changed.send_modify(|version| *version += 1);
    }
}

impl Drop for DoorstepClient {
    /// Must not block: hosts drop on their cleaner thread. The store is closed when the last call under way has ended, on a thread for
    /// blocking work.
    fn drop(&mut self) {
        let life = std::mem::replace(&mut *self.life(), Life::Closed);
        if let Life::Open(running) = life {
            running.drop_tasks();
            running.stop.send_replace(true);
            if let Ok(runtime) = runtime() {
                runtime.spawn_blocking(move || drop(running));
            }
        }
    }
}

impl Running {
    fn start(client: Client, changed: &Arc<watch::Sender<u64>>, in_sync: Option<bool>) -> Result<Self, DoorstepError> {
        let (mut changes, changed) = (client.changes(), changed.clone());
        let passing = runtime()?.spawn(async move {
            while changes.changed().await.is_ok() {
                changed.send_modify(|version| *version += 1);
            }
        });
        let mut running = Self { client, stop: watch::Sender::new(false), in_sync: None, passing: passing.abort_handle() };
        running.keep(in_sync)?;
        Ok(running)
    }

    fn record_again(&self) -> Vec<String> {
        self.client.salvage().map(|salvage| salvage.again.clone()).unwrap_or_default()
    }

    fn keep(&mut self, hints: Option<bool>) -> Result<(), DoorstepError> {
        if let Some((task, _)) = self.in_sync.take() {
            task.abort();
        }
        if let Some(hints) = hints {
            let client = self.client.clone();
            let task = runtime()?.spawn(async move { client.stay_in_sync(hints).await });
            self.in_sync = Some((task.abort_handle(), hints));
        }
        Ok(())
    }

    fn drop_tasks(&self) {
        self.passing.abort();
        if let Some((task, _)) = &self.in_sync {
            task.abort();
        }
    }
}
