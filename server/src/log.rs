//! The server's own log: events on standard error, for the operator.
//!
//! An event has constant words and fields, and [`log!`](crate::log!) is the only way to make one. The macro takes the fields of
//! [`field`] and no others, so a waybill, a telephone number, a name or a text of a person has no way into the log. Events of
//! other crates are left out, because they carry headers and addresses.

use std::{fmt, io::Write, time::SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt},
    util::SubscriberInitExt,
};

#[doc(hidden)]
pub use tracing;
pub use tracing::Level;

/// The target of the server's events. Events of other crates have other targets.
#[doc(hidden)]
pub const TARGET: &str = "doorstep-server";

/// Logs an event: a level, constant words, and fields. `log!(warn, "a photo is missing", photo = id)`.
///
/// A field's value is taken by reference, and is computed only if the level is logged.
#[macro_export]
macro_rules! log {
    ($level:ident, $words:literal $(, $field:ident = $value:expr)* $(,)?) => {
        $crate::log::tracing::$level!(
            target: $crate::log::TARGET,
            message = $words,
            $($field = $crate::log::field::$field(&$value)),*
        )
    };
}

/// The fields that an event may have. Each takes values of its own type only.
#[doc(hidden)]
pub mod field {
    use std::{error::Error, fmt::Display, path::Path};

    use axum::extract::MatchedPath;
    use chrono::{DateTime, SecondsFormat};
    use doorstep_domain::{CaseId, DeviceId, PhotoId, UnixMs};
    use doorstep_protocol::ErrorCode;
    use tracing::field::{DisplayValue, display};

    /// The time of an entry, a contact or a clock.
    pub fn at(at: &UnixMs) -> DisplayValue<String> {
        let shown = DateTime::from_timestamp_millis(at.0).map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
        display(shown.unwrap_or_else(|| at.to_string()))
    }
    /// A case. Its id is a hash.
    pub fn case(case: &CaseId) -> DisplayValue<&CaseId> {
        display(case)
    }
    /// The code that a device was answered.
    pub fn code(code: &ErrorCode) -> DisplayValue<&ErrorCode> {
        display(code)
    }
    /// A number of things.
    pub fn count<N: Copy + TryInto<u64>>(count: &N) -> u64 {
        (*count).try_into().unwrap_or(u64::MAX)
    }
    /// A number of damaged things.
    pub fn damaged<N: Copy + TryInto<u64>>(damaged: &N) -> u64 {
        count(damaged)
    }
    /// A device.
    pub fn device(device: &DeviceId) -> DisplayValue<&DeviceId> {
        display(device)
    }
    /// An error. Errors name no values of people.
    pub fn error<E: Error + ?Sized>(error: &E) -> DisplayValue<&E> {
        display(error)
    }
    /// A number of missing things.
    pub fn missing<N: Copy + TryInto<u64>>(missing: &N) -> u64 {
        count(missing)
    }
    /// A duration in milliseconds.
    pub fn ms<N: Copy + TryInto<u64>>(ms: &N) -> u64 {
        count(ms)
    }
    /// The newest time that is known.
    pub fn newest(newest: &UnixMs) -> DisplayValue<String> {
        at(newest)
    }
    /// A constant name in the program: of a loop, a word of an option, a kind of finding.
    pub fn name(name: &&'static str) -> &'static str {
        name
    }
    /// A file or folder of the server.
    pub fn path<P: AsRef<Path> + ?Sized>(path: &P) -> DisplayValue<String> {
        display(path.as_ref().display().to_string())
    }
    /// A photo. Its id is a hash.
    pub fn photo(photo: &PhotoId) -> DisplayValue<&PhotoId> {
        display(photo)
    }
    /// A place in the source.
    pub fn place(place: &Option<&std::panic::Location<'_>>) -> DisplayValue<String> {
        display(place.map_or_else(String::new, ToString::to_string))
    }
    /// The reason for which a case is frozen: the words of an error.
    pub fn reason<R: Display + ?Sized>(reason: &R) -> DisplayValue<&R> {
        display(reason)
    }
    /// The time that a clock told.
    pub fn said(said: &UnixMs) -> DisplayValue<String> {
        at(said)
    }
    /// What is seen on a data folder that looks like a copy.
    pub fn seen(seen: &&'static str) -> &'static str {
        seen
    }
    /// A route: the pattern of an address, without its values.
    pub fn route(route: &MatchedPath) -> &str {
        route.as_str()
    }
    /// A duration in seconds.
    pub fn seconds<N: Copy + TryInto<u64>>(seconds: &N) -> u64 {
        count(seconds)
    }
    /// The reference under which an SMS is submitted.
    pub fn sms<'a>(reference: &&'a str) -> &'a str {
        reference
    }
    /// The status of an answer.
    pub fn status(status: &u16) -> u64 {
        u64::from(*status)
    }
}

/// Writes the log from now on, with events of `level` and more important ones, as text or as one JSON object a line. Panics are
/// logged with their place alone, because their words may hold values.
pub fn start(level: Level, as_json: bool) {
    let lines = Lines { level: level.into(), as_json, write: to_stderr };
    tracing_subscriber::registry().with(lines).try_init().ok();
    std::panic::set_hook(Box::new(|panic| log!(error, "a part of the program panicked", place = panic.location())));
}

/// Writes a line. Nothing happens if nobody can read it, because the terminal or the log's pipe is gone or the volume is full: a
/// server must go on serving then.
fn to_stderr(line: &str) {
    std::io::stderr().lock().write_all(line.as_bytes()).ok();
}

/// Writes each event as a line.
struct Lines<W> {
    level: LevelFilter,
    as_json: bool,
    write: W,
}

impl<S: Subscriber, W: Fn(&str) + 'static> Layer<S> for Lines<W> {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == TARGET && *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let level = event.metadata().level();
        let at = DateTime::<Utc>::from(SystemTime::now()).to_rfc3339_opts(SecondsFormat::Millis, true);
        let line = if self.as_json { said.json(&at, level) } else { said.text(&at, level) };
        (self.write)(&line);
    }
}

/// The words and fields of an event.
#[derive(Default)]
struct Said {
    words: String,
    fields: Vec<(&'static str, Value)>,
}

impl Said {
    fn text(self, at: &str, level: &Level) -> String {
        let mut line = format!("{at} {level:>5} {TARGET}: {}", self.words);
        for (name, value) in self.fields {
            line += &match value {
                // A value with a space, a quote or an end of line is quoted, so that a line stays one event.
                Value::String(text) if text.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '"') => {
                    format!(" {name}={text}")
                }
                other => format!(" {name}={other}"),
            };
        }
        line + "\n"
    }

    fn json(self, at: &str, level: &Level) -> String {
        let head = [("time", at.into()), ("level", level.as_str().to_lowercase().into()), ("message", self.words.into())];
        let object: Map<String, Value> =
            head.into_iter().chain(self.fields).map(|(name, value)| (name.to_owned(), value)).collect();
        format!("{}\n", Value::Object(object))
    }

    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(words)) => self.words = words,
            (name, value) => self.fields.push((name, value)),
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::{Arc, Mutex},
    };

    use super::*;

    /// What is logged while `work` runs.
    fn logged(level: Level, as_json: bool, work: impl FnOnce()) -> Vec<String> {
        let kept = Arc::<Mutex<Vec<String>>>::default();
        let to = kept.clone();
        let write = move |line: &str| to.lock().unwrap().push(line.to_owned());
        let lines = Lines { level: level.into(), as_json, write };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
        Arc::into_inner(kept).unwrap().into_inner().unwrap()
    }

    #[test]
    fn an_event_is_one_line_of_text_or_json_whatever_its_fields_hold() {
        let event = || {
            log!(warn, "a file is odd", path = Path::new("/a b/\nc"), count = 3_usize);
            log!(debug, "below the level");
        };
        let [text] = logged(Level::INFO, false, event).try_into().unwrap();
        let (at, rest) = text.split_once(' ').unwrap();
        assert!(DateTime::parse_from_rfc3339(at).is_ok(), "{text}");
        assert_eq!(rest, " WARN doorstep-server: a file is odd path=\"/a b/\\nc\" count=3\n");
        let [json] = logged(Level::INFO, true, event).try_into().unwrap();
        assert_eq!(json.find('\n'), Some(json.len() - 1), "{json}");
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&json["message"], &json["level"]), (&"a file is odd".into(), &"warn".into()));
        assert_eq!((&json["path"], &json["count"]), (&"/a b/\nc".into(), &3.into()));
    }

    #[test]
    fn events_of_other_crates_are_left_out() {
        let lines = logged(Level::DEBUG, false, || {
            tracing::error!(target: "h2::client", authorization = "Bearer secret", "a header");
            log!(debug, "our own");
        });
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with("DEBUG doorstep-server: our own\n"), "{lines:?}");
    }

    #[test]
    fn an_event_is_made_by_the_macro_only() {
        fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { sources(&path, found) } else { found.push(path) }
            }
        }
        let mut all = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
        let by_hand = |path: &&std::path::PathBuf| {
            let source = std::fs::read_to_string(path).unwrap();
            !path.ends_with("src/log.rs") && ["tracing::", "eprint"].iter().any(|word| source.contains(word))
        };
        assert_eq!(all.iter().filter(by_hand).collect::<Vec<_>>(), Vec::<&std::path::PathBuf>::new());
    }
}
