//! SQLite: opening a data folder's database, one writer thread with group commit, readers.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Instant,
};

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use rusqlite::{Connection, config::DbConfig};
use tokio::sync::oneshot;

use super::tx::{RolledBack, StoreError, Tx};
use crate::error::ApiError;

/// The name of the database's file in a data folder.
pub(crate) const DATABASE: &str = "doorstep-server.db";
/// The largest number of jobs in one commit, which bounds how long the first one waits.
const GROUP: usize = 100;
/// The largest number of waiting jobs. A further job is told to come back.
const QUEUE: usize = 1_000;
/// The number of prepared statements that a connection caches: more than the program has.
const STATEMENTS: usize = 512;

/// The path of a data folder's write-ahead log.
pub(crate) fn wal_of(folder: &Path) -> PathBuf {
    folder.join(format!("{DATABASE}-wal"))
}

/// An opened database.
pub(crate) struct Store(Connection);

impl Store {
    /// Opens the database of a data folder without migrating it, and creates an empty one if there is none. Closing it leaves the
    /// write-ahead log.
    pub(crate) fn connect(folder: &Path) -> Result<Self, StoreError> {
        let db = Connection::open(folder.join(DATABASE))?;
        // The last connection to close must not delete a write-ahead log that nobody has checked.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        db.busy_timeout(std::time::Duration::from_secs(10))?;
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;",
        )?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        // Without this setting a plan that depends on bound values is made anew whenever they change.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(Self(db))
    }

    /// Decides whether closing the database leaves the write-ahead log instead of moving it into the database's file.
    pub(crate) fn keep_log(&self, keep: bool) -> Result<(), StoreError> {
        self.0.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)?;
        Ok(())
    }

    /// Moves the write-ahead log into the database's file. False if another process uses the database; the log then stays.
    pub(crate) fn take_in_log(&self) -> Result<bool, StoreError> {
        let busy: bool = self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(!busy)
    }

    /// Runs `work` while no other process writes.
    pub(crate) fn alone<T, E: From<StoreError>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let say = |sql| self.0.execute_batch(sql).map_err(|error| E::from(StoreError::from(error)));
        say("BEGIN IMMEDIATE")?;
        let done = work();
        self.undo();
        done
    }

    /// Runs a query in one view of all tables.
    pub(crate) fn read<T, E: From<StoreError>>(&self, query: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.0.execute_batch("BEGIN DEFERRED").map_err(|error| E::from(StoreError::from(error)))?;
        let read = query(&Tx::new(&self.0));
        self.undo();
        read
    }

    /// Runs a job entirely or not at all. The result is durable when this returns.
    pub(crate) fn write<T, E: From<StoreError>>(&self, job: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let say = |sql| self.0.execute_batch(sql).map_err(|error| E::from(StoreError::from(error)));
        say("BEGIN IMMEDIATE")?;
        let written = job(&Tx::new(&self.0)).and_then(|written| say("COMMIT").map(|()| written));
        if written.is_err() {
            self.undo();
        }
        written
    }

    /// Rolls a transaction back, unless SQLite has already done so, as it does when the disk is full.
    fn undo(&self) {
        if !self.0.is_autocommit() {
            self.0.execute_batch("ROLLBACK").ok();
        }
    }

    /// The connection, for functions that only SQLite has.
    pub(super) fn sqlite(&self) -> &Connection {
        &self.0
    }
}

/// Answers a job, once the commit has succeeded or failed.
type Finish = Box<dyn FnOnce(Result<(), RolledBack>) + Send>;
/// Runs a job, or tells it why there is no transaction for it. Returns whether the job's changes stay.
type Job = Box<dyn FnOnce(Result<&Tx<'_>, RolledBack>) -> (bool, Finish) + Send>;

/// What the writer counts. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writing {
    queued: Gauge,
    commits: Histogram,
    failed: Counter,
    /// How many jobs were refused because the queue was full.
    pub full: Counter,
}

impl Writing {
    fn new() -> Self {
        // A commit takes a millisecond on a good disk, and seconds on a bad one.
        let seconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
        let (queued, failed, full) = (Gauge::default(), Counter::default(), Counter::default());
        Self { queued, commits: Histogram::new(seconds), failed, full }
    }

    /// Puts the counts on a page.
    pub(crate) fn register(&self, page: &mut Registry) {
        page.register("writer_queue", "Jobs that wait for the database's writer", self.queued.clone());
        page.register_with_unit("commit", "Time of a commit of the writer", Unit::Seconds, self.commits.clone());
        page.register(
            "commits_failed",
            "Commits that failed, such as on a full disk; their jobs were refused",
            self.failed.clone(),
        );
    }
}

/// One writer, several readers, shared by all requests.
#[derive(Clone)]
pub(crate) struct Db {
    folder: Arc<PathBuf>,
    jobs: mpsc::SyncSender<Job>,
    idle: Arc<Mutex<Vec<Store>>>,
    pub writing: Writing,
}

impl Db {
    /// Starts the writer thread on an opened database.
    pub(crate) fn start(folder: &Path, writer: Store) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::sync_channel(QUEUE);
        let writing = Writing::new();
        let counts = writing.clone();
        thread::Builder::new().name("doorstep-writer".into()).spawn(move || write_loop(writer, &queue, &counts))?;
        Ok(Self { folder: Arc::new(folder.to_owned()), jobs, idle: Arc::default(), writing })
    }

    /// Runs a job in the writer. The result comes only after the commit that makes it durable. A failed job is rolled back alone.
    /// A job must change nothing but the database, because an engine that rolls it back on account of another one may run it
    /// again.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&Tx<'_>) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (answer, waiting) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let run =
                |tx: &Tx<'_>| catch_unwind(AssertUnwindSafe(|| job(tx))).unwrap_or(Err(ApiError::Internal("a write panicked")));
            let result = tx.map_err(|lost| StoreError::from(lost).into()).and_then(run);
            let ok = result.is_ok();
            let finish: Finish = Box::new(move |committed| {
                // A job that failed by itself keeps its own error.
                let result = result.and_then(|done| committed.map(|()| done).map_err(|lost| StoreError::from(lost).into()));
                answer.send(result).ok();
            });
            (ok, finish)
        });
        self.writing.queued.inc();
        self.jobs.try_send(job).map_err(|error| {
            self.writing.queued.dec();
            match error {
                mpsc::TrySendError::Full(_) => {
                    self.writing.full.inc();
                    ApiError::Busy
                }
                mpsc::TrySendError::Disconnected(_) => ApiError::Internal("the writer has stopped"),
            }
        })?;
        waiting.await.map_err(|_| ApiError::Internal("the writer has stopped"))?
    }

    /// Runs a query on a reader, off the async threads, in one view of all tables.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Tx<'_>) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.on_store(move |store| store.read(query)).await
    }

    /// Runs `work` on the database itself, beside the writer, off the async threads.
    pub(crate) async fn on_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || {
            let idle = this.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let store = match idle {
                Some(store) => store,
                None => Store::connect(&this.folder)?,
            };
            let result = work(&store);
            this.idle.lock().unwrap_or_else(PoisonError::into_inner).push(store);
            result
        })
        .await
        .map_err(|_| ApiError::Internal("a read panicked"))?
    }
}

/// Group commit without a timer: the jobs that arrive while a commit is being synced share the next one.
fn write_loop(Store(db): Store, queue: &mpsc::Receiver<Job>, counts: &Writing) {
    let say = |sql| db.execute_batch(sql).map_err(RolledBack::from);
    while let Ok(first) = queue.recv() {
        let mut finishes = Vec::new();
        let mut whole = say("BEGIN IMMEDIATE");
        let mut next = Some(first);
        while let Some(job) = next {
            counts.queued.dec();
            let tx = Tx::new(&db);
            let place = whole.clone().and_then(|()| say("SAVEPOINT job"));
            let (ok, finish) = job(place.clone().map(|()| &tx));
            if place.is_ok() {
                // The engine rolls the whole transaction back by itself if the disk is full or fails, with the jobs before. A
                // savepoint without a transaction would begin another one.
                let ended = match (db.is_autocommit(), ok) {
                    (true, _) => Err(RolledBack::by_engine()),
                    (false, true) => say("RELEASE job"),
                    (false, false) => say("ROLLBACK TO job").and_then(|()| say("RELEASE job")),
                };
                whole = whole.and(ended);
            }
            finishes.push(finish);
            next = if whole.is_ok() && finishes.len() < GROUP { queue.try_recv().ok() } else { None };
        }
        let begun = Instant::now();
        let committed = whole.and_then(|()| say("COMMIT"));
        match committed {
            Ok(()) => counts.commits.observe(begun.elapsed().as_secs_f64()),
            Err(_) => {
                counts.failed.inc();
                if !db.is_autocommit() {
                    db.execute_batch("ROLLBACK").ok();
                }
            }
        }
        finishes.into_iter().for_each(|finish| finish(committed.clone()));
    }
}

/// Keeps the database from growing, as a full disk does, or lets it grow again. For tests.
pub(crate) fn keep_size(tx: &Tx<'_>, is_full: bool) -> Result<(), StoreError> {
    // A limit below the present size is the present size. The other value is the engine's own limit.
    let most = if is_full { "PRAGMA max_page_count = 1" } else { "PRAGMA max_page_count = 4294967294" };
    tx.sqlite().query_row(most, [], |_| Ok(()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use doorstep_protocol::ErrorCode;

    use super::*;
    use crate::{
        open::open,
        store::tx::{params, sql},
    };

    /// Stores a value of so many bytes.
    fn put(tx: &Tx<'_>, key: &str, bytes: usize) -> Result<(), ApiError> {
        tx.run(sql!("INSERT INTO meta (key, value) VALUES (?1, ?2)"), params![key, vec![0_u8; bytes]])?;
        Ok(())
    }

    async fn has(db: &Db, key: &'static str) -> bool {
        db.read(move |tx| Ok(tx.exists(sql!("SELECT 1 FROM meta WHERE key = ?1"), params![key])?)).await.unwrap()
    }

    #[tokio::test]
    async fn a_full_disk_refuses_every_job_of_its_commit_as_storage_and_the_next_one_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::start(folder.path(), open(folder.path()).unwrap()).unwrap();
        db.write(|tx| put(tx, "before", 10)).await.unwrap();
        db.write(|tx| Ok(keep_size(tx, true)?)).await.unwrap();
        // The first job holds the writer until the others wait, so that all are in one commit.
        let (go, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let held = db.write(move |tx| {
            wait.lock().unwrap().recv().ok();
            put(tx, "held", 10)
        });
        let large = db.write(|tx| put(tx, "large", 1_000_000));
        // A job that hides its failure must not go on outside of the transaction.
        let hiding = db.write(|tx| {
            let _ = put(tx, "hiding", 1_000_000);
            put(tx, "hidden", 10)
        });
        let after = db.write(|tx| put(tx, "after", 10));
        let release = async {
            tokio::task::yield_now().await;
            go.send(()).unwrap();
        };
        let (held, large, hiding, after, ()) = tokio::join!(held, large, hiding, after, release);
        for refused in [large, hiding] {
            assert_eq!(refused.unwrap_err().code(), ErrorCode::Storage);
        }
        // The answer of each of the others is the truth, whichever commit it was in.
        assert_eq!(held.is_ok(), has(&db, "held").await);
        assert_eq!(after.is_ok(), has(&db, "after").await);
        assert!(held.is_ok() || held.unwrap_err().code() == ErrorCode::Storage);
        for absent in ["large", "hiding", "hidden"] {
            assert!(!has(&db, absent).await, "{absent}");
        }
        assert!(has(&db, "before").await);
        assert!(db.writing.failed.get() > 0);

        db.write(|tx| Ok(keep_size(tx, false)?)).await.unwrap();
        db.write(|tx| put(tx, "large", 1_000_000)).await.unwrap();
        assert!(has(&db, "large").await);
    }
}
