//! The operator's address: whether the server lives, whether it is ready, and what it counts. It is an address of its own, so
//! that no device and no stranger reads it.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{sync::Semaphore, time::timeout};

use crate::{clock::NowFn, error::ApiError, gauges, log, metrics::Counting, store::db::Db};

/// The longest wait for the writer's answer. A server whose writer takes longer is not ready.
const WRITER: Duration = Duration::from_secs(2);
/// The longest wait for the values that the database has. The page then comes without them.
const READER: Duration = Duration::from_secs(5);

/// The state of the operator's address.
#[derive(Clone)]
pub(crate) struct Operator {
    pub db: Db,
    pub now: NowFn,
    pub counting: Arc<Counting>,
    /// Whether the server waits for its operator, because its data may be a copy.
    pub waits: bool,
    /// One job waits for the writer, and one read for the database, however many probes ask.
    writer: Arc<Semaphore>,
    reader: Arc<Semaphore>,
}

impl Operator {
    pub(crate) fn new(db: Db, now: NowFn, counting: Counting, waits: bool) -> Self {
        let one = || Arc::new(Semaphore::new(1));
        Self { db, now, counting: Arc::new(counting), waits, writer: one(), reader: one() }
    }

    /// Runs `work` alone, in a task that goes on after the time limit: a further caller waits for it and starts no second one.
    async fn alone<T: Send + 'static>(
        turn: &Arc<Semaphore>,
        limit: Duration,
        work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Option<T> {
        let done = async {
            let permit = turn.clone().acquire_owned().await.ok()?;
            let work = tokio::spawn(async move {
                let done = work.await;
                drop(permit);
                done
            });
            match work.await.ok()? {
                Ok(done) => Some(done),
                Err(error) => {
                    log!(warn, "a probe of the operator's address failed", error = error);
                    None
                }
            }
        };
        timeout(limit, done).await.ok().flatten()
    }
}

/// The routes of the operator's address.
pub(crate) fn router(operator: Operator) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(operator)
}

/// Whether devices are answered, and whether the writer takes a job.
async fn readyz(State(operator): State<Operator>) -> (StatusCode, &'static str) {
    if operator.waits {
        return (StatusCode::SERVICE_UNAVAILABLE, "waits for its operator: the data may be a copy\n");
    }
    let db = operator.db.clone();
    // The job writes nothing, so its commit costs no write to the disk.
    match Operator::alone(&operator.writer, WRITER, async move { db.write(|_| Ok(())).await }).await {
        Some(()) => (StatusCode::OK, "ok\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the database's writer does not answer\n"),
    }
}

async fn metrics(State(operator): State<Operator>) -> Result<Response, ApiError> {
    let (db, now) = (operator.db.clone(), (operator.now)());
    let read = async move { db.read(move |tx| gauges::read(tx, now)).await };
    let gauges = Operator::alone(&operator.reader, READER, read).await;
    let page = operator.counting.page(gauges.as_ref())?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response())
}
