//! Logging to the platform and to a size-capped file for support.
//!
//! Redaction is by type: a line is a fixed text and fields that are numbers or fixed words. No text that came from a person, a
//! parcel or a server has a type that a line could hold, so none can be logged by mistake; and no dependency can log at all. (A
//! general logging framework takes any text: its lines would have to be cleaned afterwards.) Lines go through a bounded queue to
//! one thread; when it is full they are dropped and counted, never waited for.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
    sync::{
        Arc, Mutex, Once, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{SystemTime, UNIX_EPOCH},
};

use doorstep_client::ErrorCode;

use crate::{DoorstepError, runtime::blocking};

/// Lines that wait for the thread.
const MOST_WAITING: usize = 1024;
/// Least cap of the file, in bytes.
const LEAST_CAP: u64 = 4096;

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, uniffi::Enum)]
pub enum Level {
    /// For finding a fault.
    Debug,
    /// What happens in a day.
    Info,
    /// A failure that is tried again, or that the person is told of.
    Warn,
    /// A fault of this library.
    Error,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// What is logged, and where to.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LogConfig {
    /// The least grave level that is logged.
    pub level: Level,
    /// Which parts: `doorstep::sync` for one, `doorstep` for all. Empty: all.
    #[uniffi(default = [])]
    pub targets: Vec<String>,
    /// A file for support. When it is full it is kept once beside itself, with `.1` after its name.
    #[uniffi(default = None)]
    pub file: Option<String>,
    /// Most bytes of the two files together, 8 KiB at the least.
    #[uniffi(default = 1_000_000)]
    pub file_bytes: u64,
}

/// One line. No field of it can hold a person's data.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LogRecord {
    /// When: milliseconds since 1970.
    pub at_ms: i64,
    /// How grave.
    pub level: Level,
    /// Which part: `doorstep::sync`.
    pub target: String,
    /// What happened, with numbers and codes.
    pub text: String,
    /// Lines that were dropped before this one because the queue was full.
    pub dropped: u32,
}

/// Takes lines for the platform's own log: Logcat, os_log. Called on one thread of its own, one line at a time; what it throws is
/// ignored. It may not log back.
#[uniffi::export(foreign)]
pub trait LogSink: Send + Sync {
    /// One line.
    fn log(&self, record: LogRecord) -> Result<(), DoorstepError>;
}

/// What a line may hold beside its fixed text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field {
    Count(u64),
    Word(&'static str),
}

impl From<u64> for Field {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<&'static str> for Field {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

enum Item {
    Line(LogRecord),
    Flush(SyncSender<()>),
}

struct Logger {
    level: Level,
    targets: Vec<String>,
    queue: SyncSender<Item>,
    thread: Option<JoinHandle<()>>,
}

static LOGGER: Mutex<Option<Logger>> = Mutex::new(None);
static DROPPED: AtomicU64 = AtomicU64::new(0);
static HOOK: Once = Once::new();

/// Sets up logging, before anything else; without it nothing is logged. The last call counts: what was set up before ends after
/// its last line. Panics of this library are logged with their place, never with their text.
#[uniffi::export(default(sink = None))]
pub fn init_logging(config: LogConfig, sink: Option<Arc<dyn LogSink>>) -> Result<(), DoorstepError> {
    let file = match &config.file {
        Some(path) => Some(CappedFile::open(PathBuf::from(path), config.file_bytes / 2)?),
        None => None,
    };
    let (queue, lines) = sync_channel(MOST_WAITING);
    let thread = std::thread::Builder::new().name("doorstep-log".to_owned());
    let thread = thread.spawn(move || work(&lines, file, sink.as_deref())).map_err(|_| DoorstepError::internal())?;
    *logger() = Some(Logger { level: config.level, targets: config.targets, queue, thread: Some(thread) });
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let place = panic.location();
            let line = place.map_or(0, |place| u64::from(place.line()));
            log(Level::Error, "doorstep::panic", "panicked", &[("line", line.into())]);
            before(panic);
        }));
    });
    Ok(())
}

/// Returns when every line so far is in the file and with the sink: before a support bundle is made.
#[uniffi::export]
pub async fn flush_logs() -> Result<(), DoorstepError> {
    blocking(|| {
        let queue = logger().as_ref().map(|logger| logger.queue.clone());
        let Some(queue) = queue else { return Ok(()) };
        let (done, wait) = sync_channel(1);
        // Both fail only if the thread is gone: then there is nothing to wait for.
        if queue.send(Item::Flush(done)).is_ok() {
            wait.recv().ok();
        }
        Ok(())
    })
    .await
}

/// Ends logging and returns when the sink has had its last line.
pub(crate) fn stop_logging() {
    let Some(Logger { queue, thread, .. }) = logger().take() else { return };
    drop(queue);
    thread.map(JoinHandle::join);
}

fn logger() -> std::sync::MutexGuard<'static, Option<Logger>> {
    LOGGER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Logs a line. Never waits.
#[allow(clippy::disallowed_methods, reason = "the edge: a line's own time")]
pub(crate) fn log(level: Level, target: &'static str, text: &'static str, fields: &[(&'static str, Field)]) {
    let logger = logger();
    let Some(logger) = logger.as_ref().filter(|logger| logger.takes(level, target)) else { return };
    let mut line = text.to_owned();
    for (name, field) in fields {
        line.push_str(&match field {
            Field::Count(count) => format!(" {name}={count}"),
            Field::Word(word) => format!(" {name}={word}"),
        });
    }
    let at_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
    let dropped = DROPPED.swap(0, Ordering::Relaxed);
    let record =
        LogRecord { at_ms, level, target: target.to_owned(), text: line, dropped: u32::try_from(dropped).unwrap_or(u32::MAX) };
    if logger.queue.try_send(Item::Line(record)).is_err() {
        DROPPED.fetch_add(dropped + 1, Ordering::Relaxed);
    }
}

/// Logs a call that failed, by its code.
pub(crate) fn told<T>(result: Result<T, DoorstepError>) -> Result<T, DoorstepError> {
    if let Err(error) = &result {
        // A code from a server is not ours to log: one that this version knows is.
        let mut known = ErrorCode::ALL.iter().map(ErrorCode::as_str).chain(CODES.iter().copied());
        let word = known.find(|known| *known == error.code()).unwrap_or("other");
        let level = if matches!(error, DoorstepError::Internal { .. }) { Level::Error } else { Level::Warn };
        log(level, "doorstep::call", "failed", &[("code", word.into())]);
    }
    result
}

/// Codes that a line may name, beside those of the protocol.
const CODES: &[&str] = &[
    "not_enrolled",
    "no_rules",
    "locked",
    "offline_too_long",
    "wiped",
    "not_encrypted",
    "no_encryption",
    "key_size",
    "no_network",
    "damaged",
    "wrong_file",
    "too_new",
    "in_use",
    "disk_full",
    "storage",
    "waybill",
    "code",
    "text_too_long",
    "photo",
    "photo_file",
    "server_address",
    "certificates",
    "device_key",
    "device_key_lost",
    "address_name",
    "address_refused",
    "address_silent",
    "address_cut",
    "address_tls",
    "address_stranger",
    "address_not_found",
    "address_version",
    "no_words",
    "internal",
    "host",
    "cancelled",
    "suspended",
    "closed",
    "rights",
    "reason_unknown",
    "pin_wrong",
    "pin_locked",
    "no_case",
    "taken_back",
    "case_ended",
    "parcel_elsewhere",
    "not_notified",
    "not_listed",
    "key_wrong",
    "key_missing",
];

impl Logger {
    fn takes(&self, level: Level, target: &str) -> bool {
        let named =
            |wanted: &String| target == wanted || target.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with("::"));
        level >= self.level && (self.targets.is_empty() || self.targets.iter().any(named))
    }
}

fn work(lines: &Receiver<Item>, mut file: Option<CappedFile>, sink: Option<&dyn LogSink>) {
    for item in lines {
        match item {
            Item::Line(record) => {
                if let Some(file) = &mut file {
                    file.write(&record);
                }
                if let Some(sink) = sink {
                    sink.log(record).ok();
                }
            }
            Item::Flush(done) => drop(done.send(())),
        }
    }
}

/// A file that is begun anew when it is full, with the one before kept beside it.
struct CappedFile {
    path: PathBuf,
    file: File,
    len: u64,
    cap: u64,
}

impl CappedFile {
    fn open(path: PathBuf, cap: u64) -> Result<Self, DoorstepError> {
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|_| DoorstepError::write_file())?;
        let len = file.metadata().map_or(0, |data| data.len());
        Ok(Self { path, file, len, cap: cap.max(LEAST_CAP) })
    }

    /// A line that can not be written is lost: logging must not keep anybody from working.
    fn write(&mut self, record: &LogRecord) {
        let dropped = if record.dropped > 0 { format!(" ({} dropped)", record.dropped) } else { String::new() };
        let line = format!("{} {} {} {}{dropped}\n", record.at_ms, record.level.as_str(), record.target, record.text);
        if self.len + line.len() as u64 > self.cap {
            let mut kept = self.path.clone().into_os_string();
            kept.push(".1");
            std::fs::rename(&self.path, kept).ok();
            match OpenOptions::new().create(true).append(true).open(&self.path) {
                Ok(file) => (self.file, self.len) = (file, 0),
                Err(_) => return,
            }
        }
        if self.file.write_all(line.as_bytes()).is_ok() {
            self.len += line.len() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> LogRecord {
        LogRecord { at_ms: 1, level: Level::Info, target: "doorstep::sync".into(), text: text.into(), dropped: 0 }
    }

    #[test]
    fn a_file_stays_below_its_cap_and_has_the_newest_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doorstep.log");
        let mut file = CappedFile::open(path.clone(), 0).unwrap();
        for n in 0..1_000 {
            file.write(&record(&format!("line {n}")));
        }
        let size = |path: &std::path::Path| path.metadata().unwrap().len();
        let kept = folder.path().join("doorstep.log.1");
        assert!(size(&path) <= LEAST_CAP && size(&kept) <= LEAST_CAP, "{} {}", size(&path), size(&kept));
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("line 999\n"));
        // The lines of an earlier process count too.
        let again = CappedFile::open(path.clone(), 0).unwrap();
        assert_eq!(again.len, size(&path));
    }

    #[test]
    fn targets_are_names_with_all_that_is_below_them() {
        let (queue, _lines) = sync_channel(1);
        let logger = Logger { level: Level::Info, targets: vec!["doorstep::sync".into()], queue, thread: None };
        assert!(logger.takes(Level::Info, "doorstep::sync"));
        assert!(logger.takes(Level::Warn, "doorstep::sync::photos"));
        assert!(!logger.takes(Level::Warn, "doorstep::syncing"));
        assert!(!logger.takes(Level::Warn, "doorstep::client"));
        assert!(!logger.takes(Level::Debug, "doorstep::sync"));
    }
}
