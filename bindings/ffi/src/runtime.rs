//! The library's own threads, started once and never stopped.
//!
//! UniFFI lets the host's executor poll an exported future: a store call inside one would run on Android's main thread or
//! block Python's event loop. So work is spawned here and the host awaits its end only. Dropping the host's future detaches
//! the work, it does not stop it: what was begun is finished.

use std::{future::Future, sync::OnceLock};

use doorstep_client::ClientError;
use tokio::runtime::{Builder, Runtime};

use crate::DoorstepError;

static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();

/// The runtime; an error where no thread can be started.
pub fn runtime() -> Result<&'static Runtime, DoorstepError> {
    let start = || Builder::new_multi_thread().worker_threads(2).thread_name("doorstep").enable_all().build().ok();
    RUNTIME.get_or_init(start).as_ref().ok_or_else(DoorstepError::internal)
}

/// Runs work on our threads. The only place where an exported function waits.
pub async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, ClientError>> + Send + 'static,
) -> Result<T, DoorstepError> {
    match runtime()?.spawn(work).await {
        Ok(result) => Ok(result?),
        // A panic in the work. Nothing is lost by it: every write is a transaction.
        Err(_) => Err(DoorstepError::internal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_functions_wait_only_here() {
        for source in [include_str!("client.rs"), include_str!("error.rs"), include_str!("records.rs")] {
            for line in source.lines().filter(|line| line.contains(".await")) {
                assert!(line.contains("run("), "{line}");
            }
        }
    }

    #[test]
    fn a_panic_in_our_work_is_an_error_of_the_call() {
        let work = async { Err::<(), _>(ClientError::Internal(if true { panic!("on purpose") } else { "" })) };
        let result = runtime().unwrap().block_on(run(work));
        assert!(matches!(result, Err(DoorstepError::Storage { .. })));
    }
}
