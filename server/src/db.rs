//! The database: opening, migrating, one writer thread with group commit, readers.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, config::DbConfig, params};
use tokio::sync::oneshot;

use crate::{
    ServeError,
    copy::{self, DATABASE, Marker},
    error::ApiError,
    facts, folder, link, packs, sound,
};

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_version_3.sql"),
    include_str!("../migrations/0003_finding_gap.sql"),
    include_str!("../migrations/0004_listing.sql"),
    include_str!("../migrations/0005_keys_and_clocks.sql"),
    include_str!("../migrations/0006_sms_key.sql"),
    include_str!("../migrations/0007_formats.sql"),
    include_str!("../migrations/0008_log.sql"),
];
/// The step that makes the table `link`; `link::begin` runs with it.
const LINKS: u32 = 7;
/// Most jobs in one commit: bounds how long the first one waits.
const GROUP: usize = 100;
/// Most jobs that wait; the next one is told to come back.
const QUEUE: usize = 1_000;

/// Opens the database of a data folder, creating and migrating it. A new one gets a history id and the first rule pack. One whose
/// write-ahead log is missing or damaged is left as it is.
pub(crate) fn open(folder: &Path) -> Result<Connection, ServeError> {
    sound::log_is_there(folder)?;
    let db = sound::named(folder, || {
        let db = make(folder)?;
        alone(&db, || sound::log_is_whole(folder))?;
        migrate(db)
    })?;
    // The log of a server that runs, or was killed, stays: whether it is there is asked at the next start.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, Marker::read(folder).running)?;
    Ok(db)
}

/// The same for whoever has been told what is wrong and goes on: a damaged write-ahead log is kept beside it before SQLite passes
/// over what it can not read. Returns where.
pub(crate) fn open_as_it_is(folder: &Path) -> Result<(Connection, Option<PathBuf>), ServeError> {
    sound::named(folder, || {
        let db = make(folder)?;
        let kept = alone(&db, || match sound::log_is_whole(folder) {
            Err(ServeError::WalDamaged { file, .. }) => {
                copy::keep_beside(&file).map(Some).map_err(|source| ServeError::Folder { folder: folder.to_owned(), source })
            }
            other => other.map(|()| None),
        })?;
        Ok((migrate(db)?, kept))
    })
}

/// Does something while no other process writes.
fn alone<T>(db: &Connection, work: impl FnOnce() -> Result<T, ServeError>) -> Result<T, ServeError> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    let done = work();
    db.execute_batch("ROLLBACK")?;
    done
}

fn make(folder: &Path) -> Result<Connection, ServeError> {
    folder::keep_private(folder)?;
    Ok(connect(folder)?)
}

/// The write-ahead log of a data folder.
pub(crate) fn wal_of(folder: &Path) -> PathBuf {
    folder.join(format!("{DATABASE}-wal"))
}

fn migrate(mut db: Connection) -> Result<Connection, ServeError> {
    loop {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version as usize > MIGRATIONS.len() {
            return Err(ServeError::TooNew { found: version, known: MIGRATIONS.len() as u32 });
        }
        let Some(step) = MIGRATIONS.get(version as usize) else { break };
        tx.execute_batch(step)?;
        if version == 0 {
            let history = random::<16>().ok_or(ServeError::Random)?;
            tx.execute("INSERT INTO meta (key, value) VALUES ('history', ?1)", params![history.as_slice()])?;
            let keys = Keys::fresh().ok_or(ServeError::Random)?;
            for (name, value) in [("signing_key", &keys.pkcs8), ("nonce_key", &keys.nonce), ("install", &keys.install)] {
                tx.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", params![name, value])?;
            }
            tx.execute(
                "INSERT INTO reference (kind, version, body)
                 VALUES ('parcels', 1, x''), ('outlets', 1, x''), ('pack', 1, x''), ('policy', 1, ?1)",
                params![doorstep_rules::FIRST_POLICY],
            )?;
        }
        if version == LINKS {
            link::begin(&tx).map_err(|_| ServeError::Links)?;
        }
        if version as usize + 1 == MIGRATIONS.len()
            && !tx.query_row("SELECT EXISTS (SELECT 1 FROM pack)", [], |row| row.get::<_, bool>(0))?
        {
            // A new one begins with the first rule pack, signed with its key. Only now its table is as this program writes it.
            let signing = crate::keys::Keys::read(&tx).map_err(|_| ServeError::Keys)?;
            packs::first(&tx, &signing).map_err(|_| ServeError::Keys)?;
        }
        tx.pragma_update(None, "user_version", version + 1)?;
        tx.commit()?;
    }
    // A server that kept no history of its list begins with the rows that it has.
    let begins = "SELECT NOT EXISTS (SELECT 1 FROM listing) AND EXISTS (SELECT 1 FROM parcel)";
    if db.query_row(begins, [], |row| row.get(0))? {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        facts::begin(&tx).map_err(|_| ServeError::Listing)?;
        tx.commit()?;
    }
    Ok(db)
}

fn connect(folder: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(folder.join(DATABASE))?;
    // Whoever closes last must not be the one who drops a log that nobody has looked at.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;",
    )?;
    db.set_prepared_statement_cache_capacity(64);
    // A plan that looks at bound values is made anew whenever they change.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(db)
}

/// What a new log begins with.
struct Keys {
    pkcs8: Vec<u8>,
    nonce: Vec<u8>,
    install: Vec<u8>,
}

impl Keys {
    fn fresh() -> Option<Self> {
        Some(Self { pkcs8: crate::keys::generate()?, nonce: random::<32>()?.to_vec(), install: random::<16>()?.to_vec() })
    }
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).ok().map(|()| bytes)
}

type Finish = Box<dyn FnOnce(bool) + Send>;
type Job = Box<dyn FnOnce(&Connection) -> (bool, Finish) + Send>;

/// One writer, several readers, shared by all requests.
#[derive(Clone)]
pub(crate) struct Db {
    folder: Arc<PathBuf>,
    jobs: mpsc::SyncSender<Job>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Db {
    /// Starts the writer thread on an opened database.
    pub(crate) fn start(folder: &Path, writer: Connection) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::sync_channel(QUEUE);
        thread::Builder::new().name("doorstep-writer".into()).spawn(move || write_loop(writer, &queue))?;
        Ok(Self { folder: Arc::new(folder.to_owned()), jobs, idle: Arc::default() })
    }

    /// Runs a job in the writer; the result comes back only after the commit that makes it durable. A job that fails is
    /// rolled back alone.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (answer, waiting) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            let result = catch_unwind(AssertUnwindSafe(|| job(db))).unwrap_or(Err(ApiError::Internal("a write panicked")));
            let ok = result.is_ok();
            let finish: Finish = Box::new(move |committed| {
                let result = if ok && !committed { Err(ApiError::Internal("the commit failed")) } else { result };
                answer.send(result).ok();
            });
            (ok, finish)
        });
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => ApiError::Busy,
            mpsc::TrySendError::Disconnected(_) => ApiError::Internal("the writer has stopped"),
        })?;
        waiting.await.map_err(|_| ApiError::Internal("the writer has stopped"))?
    }

    /// Runs a query on a reader, off the async threads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || {
            let idle = this.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let db = match idle {
                Some(db) => db,
                None => connect(&this.folder)?,
            };
            let result = query(&db);
            this.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            result
        })
        .await
        .map_err(|_| ApiError::Internal("a read panicked"))?
    }
}

/// Group commit without a timer: whatever queued up while the last commit was being synced goes into the next one.
fn write_loop(db: Connection, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut finishes = Vec::new();
        let begun = db.execute_batch("BEGIN IMMEDIATE").is_ok();
        let mut next = Some(first);
        while let Some(job) = next {
            let (ok, finish) = if begun && db.execute_batch("SAVEPOINT job").is_ok() { job(&db) } else { refuse(job) };
            if !ok {
                db.execute_batch("ROLLBACK TO job").ok();
            }
            db.execute_batch("RELEASE job").ok();
            finishes.push(finish);
            next = if finishes.len() < GROUP { queue.try_recv().ok() } else { None };
        }
        let committed = begun && db.execute_batch("COMMIT").is_ok();
        if begun && !committed {
            db.execute_batch("ROLLBACK").ok();
        }
        finishes.into_iter().for_each(|finish| finish(committed));
    }
}

/// Without a transaction a job must not run; dropping it closes its answer's channel.
fn refuse(job: Job) -> (bool, Finish) {
    drop(job);
    (false, Box::new(|_| {}))
}

/// The version of a kind of reference rows.
pub(crate) fn ref_version(db: &Connection, kind: &str) -> rusqlite::Result<u64> {
    Ok(db
        .prepare_cached("SELECT version FROM reference WHERE kind = ?1")?
        .query_row([kind], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}
