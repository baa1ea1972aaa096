//! The library's own threads, started once and never stopped.
//!
//! UniFFI lets the host's executor poll an exported future: a store call inside one would run on Android's main thread or
//! block Python's event loop. So work is spawned here and the host awaits its end only. Dropping the host's future detaches
//! the work, it does not stop it: what was begun is finished. Swift's cancellation does not arrive here at all (uniffi#2887),
//! so a host that wants to stop something gives it a [`Cancel`].

//!
//! A host is told of a call's end on one thread of its own. It is the only one that does so, which makes it possible to wait
//! until nobody is within the host any more: Python aborts a process whose other threads come back to it too late. What a host
//! goes on with on that very thread must not block: it would wait for itself (Kotlin: no `Unconfined`; the façade sees to it).

use std::{
    future::{Future, pending},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
        mpsc::{Sender, channel, sync_channel},
    },
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::{oneshot, watch},
};

use crate::DoorstepError;

static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();

/// The runtime; an error where no thread can be started.
pub(crate) fn runtime() -> Result<&'static Runtime, DoorstepError> {
    let start = || Builder::new_multi_thread().worker_threads(2).thread_name("doorstep").enable_all().build().ok();
    RUNTIME.get_or_init(start).as_ref().ok_or_else(DoorstepError::internal)
}

/// Something to do on the thread that tells hosts.
type Telling = Box<dyn FnOnce() + Send>;

static TELLER: OnceLock<Option<Sender<Telling>>> = OnceLock::new();

/// The thread that tells hosts; an error where it can not be started.
fn teller() -> Result<&'static Sender<Telling>, DoorstepError> {
    let start = || {
        let (tellings, queue) = channel::<Telling>();
        // A host that panics in the telling must not keep the others from being told.
        let work = move || queue.into_iter().for_each(|tell| drop(catch_unwind(AssertUnwindSafe(tell))));
        std::thread::Builder::new().name("doorstep-tell".to_owned()).spawn(work).ok().map(|_| tellings)
    };
    TELLER.get_or_init(start).as_ref().ok_or_else(DoorstepError::internal)
}

/// Returns when every host has been told of what had ended before, and is out of the telling.
pub(crate) fn all_told() {
    let (done, wait) = sync_channel(1);
    // Fails only if the thread is gone: then nobody is told any more.
    if teller().is_ok_and(|teller| teller.send(Box::new(move || done.send(()).unwrap_or_default())).is_ok()) {
        wait.recv().ok();
    }
}

/// Runs work on our threads. The only place where an exported function waits.
pub(crate) async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, DoorstepError>> + Send + 'static,
) -> Result<T, DoorstepError> {
    let (runtime, teller) = (runtime()?, teller()?);
    let (end, ended) = oneshot::channel();
    let work = runtime.spawn(work);
    runtime.spawn(async move {
        // A panic in the work. Nothing is lost by it: every write is a transaction.
        let result = work.await.unwrap_or_else(|_| Err(DoorstepError::internal()));
        teller.send(Box::new(move || drop(end.send(result)))).ok();
    });
    ended.await.unwrap_or_else(|_| Err(DoorstepError::internal()))
}

/// Runs work that blocks, on local storage or in the host, on a thread for such work.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DoorstepError> + Send + 'static,
) -> Result<T, DoorstepError> {
    let (runtime, teller) = (runtime()?, teller()?);
    let (end, ended) = oneshot::channel();
    // Without a detour over the async threads: what local storage has to say does not wait for what the network keeps busy.
    runtime.spawn_blocking(move || {
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(DoorstepError::internal()));
        teller.send(Box::new(move || drop(end.send(result)))).ok();
    });
    ended.await.unwrap_or_else(|_| Err(DoorstepError::internal()))
}

/// Stops calls that wait for the network. One may serve several calls, also later ones: it does not come back.
#[derive(uniffi::Object)]
pub struct Cancel(watch::Sender<bool>);

#[uniffi::export]
impl Cancel {
    /// A fresh one.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(false)))
    }

    /// Stops what was given this: those calls end with `Cancelled`. Twice is fine.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

/// Returns when the call is to stop; without anything to stop it, never.
pub(crate) async fn stopped(cancel: Option<Arc<Cancel>>) {
    match cancel {
        Some(cancel) => until(cancel.0.subscribe()).await,
        None => pending().await,
    }
}

/// Returns when the flag is up; never, if nobody can raise it any more.
pub(crate) async fn until(mut flag: watch::Receiver<bool>) {
    if flag.wait_for(|up| *up).await.is_err() {
        pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_our_work_is_an_error_of_the_call() {
        fn work() -> Result<(), DoorstepError> {
            if true { panic!("on purpose") } else { Ok(()) }
        }
        let runtime = runtime().unwrap();
        assert!(matches!(runtime.block_on(run(async { work() })), Err(DoorstepError::Internal { .. })));
        assert!(matches!(runtime.block_on(blocking(work)), Err(DoorstepError::Internal { .. })));
    }

    #[test]
    fn exported_functions_wait_only_for_our_own_threads() {
        let sources = [
            include_str!("client.rs"),
            include_str!("session.rs"),
            include_str!("parcels.rs"),
            include_str!("cases.rs"),
            include_str!("attempts.rs"),
            include_str!("photos.rs"),
            include_str!("sms.rs"),
            include_str!("sync.rs"),
            include_str!("rules.rs"),
        ];
        for source in sources {
            // Hosts poll the exported functions. This library polls everything else itself.
            let exported = source.split("#[uniffi::export").skip(1).map(|export| export.split("\n}\n").next().unwrap());
            for (block, (place, _)) in exported.flat_map(|block| block.match_indices(".await").map(move |at| (block, at))) {
                let before = &block[..place];
                let opened = before.rfind("async move").map_or("", |start| &before[start..]);
                let is_on_our_threads = opened.matches('{').count() > opened.matches('}').count();
                assert!(is_on_our_threads || SPAWN.contains(&called(before)), "{}", &before[before.len().saturating_sub(200)..]);
            }
        }
    }

    /// Calls that spawn what they are given.
    const SPAWN: [&str; 5] = ["local", "remote", "blocking", "run", "look_around"];

    /// The name of the call that ends here.
    fn called(text: &str) -> &str {
        let text = text.trim_end();
        let mut depth = 0;
        let open = text.char_indices().rev().find_map(|(place, c)| {
            depth += i32::from(c == ')') - i32::from(c == '(');
            (depth == 0).then_some(place)
        });
        let before = &text[..open.unwrap_or(0)];
        &before[before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |place| place + 1)..]
    }
}
