//! The loops that run beside the requests: the projector, the tidier, the measurer of photos, the teller of moves, and the SMS
//! gateway. Each is kept alive by [`supervise`](crate::supervise).

use std::{future::Future, ops::ControlFlow, sync::Arc, time::Duration};

use doorstep_domain::UnixMs;
use tokio::{
    sync::{Mutex, Notify},
    task::{JoinHandle, JoinSet},
};

use crate::{
    audit,
    clock::NowFn,
    error::ApiError,
    http::app::App,
    live::Live,
    log,
    packs::Rules,
    photos::{Scrub, Storage, measure_missed, scrub},
    project, row_ends,
    sms::{self, Gateway, Provided},
    store::db::Db,
    supervise::{Restarts, keep},
};

/// The interval of the checks of storage and log.
const TIDY: Duration = Duration::from_secs(24 * 3_600);

/// Starts the loops that end with the server. They end when the set is dropped.
pub(crate) fn start(app: &App, restarts: &Restarts) -> JoinSet<()> {
    let mut loops = JoinSet::new();
    let (db, rules, now, woken) =
        (app.db.clone(), app.rules.clone(), app.now.clone(), (app.to_project.clone(), app.live.clone()));
    run(&mut loops, "projector", restarts, move || project(db.clone(), rules.clone(), now.clone(), woken.clone()));
    let (db, storage, rules, now) = (app.db.clone(), app.storage.clone(), app.rules.clone(), app.now.clone());
    run(&mut loops, "tidier", restarts, move || tidy(db.clone(), storage.clone(), rules.clone(), now.clone()));
    let (db, storage) = (app.db.clone(), app.storage.clone());
    run(&mut loops, "measurer", restarts, move || measure(db.clone(), storage.clone()));
    let (db, live) = (app.db.clone(), app.live.clone());
    run(&mut loops, "teller", restarts, move || {
        let (db, live) = (db.clone(), live.clone());
        async move { live.announce(&db).await }
    });
    loops
}

fn run<F>(loops: &mut JoinSet<()>, name: &'static str, restarts: &Restarts, begin: impl FnMut() -> F + Send + 'static)
where
    F: Future<Output = ControlFlow<()>> + Send + 'static,
{
    let restarts = restarts.clone();
    loops.spawn(async move { keep(name, &restarts, &Notify::new(), begin).await });
}

/// Starts the SMS gateway. It ends when its `stop` is notified.
pub(crate) fn start_gateway(gateway: Gateway, provided: Provided, restarts: &Restarts) -> JoinHandle<()> {
    let (stop, restarts) = (gateway.stop.clone(), restarts.clone());
    // The provider outlives a run that panics.
    let provided = Arc::new(Mutex::new(provided));
    tokio::spawn(async move {
        let begin = || {
            let (gateway, provided) = (gateway.clone(), provided.clone());
            async move { gateway.run(&mut *provided.lock().await).await }
        };
        keep("sms_gateway", &restarts, &stop, begin).await;
    })
}

/// Projects whenever it is woken. It ends when projecting fails, and is started again: so cases do not stay behind until the next
/// push.
async fn project(db: Db, rules: Rules, now: NowFn, (to_project, live): (Arc<Notify>, Arc<Live>)) -> ControlFlow<()> {
    loop {
        // At the start, changes are projected that a killed process or a failed run has left.
        match project::catch_up(&db, &rules, now()).await {
            Ok(true) => live.moved(),
            Ok(false) => {}
            Err(error) => {
                log!(error, "projecting failed", error = error);
                return ControlFlow::Continue(());
            }
        }
        to_project.notified().await;
    }
}

/// Once a day measures the stored photos that never were. It ends when the database fails, and is started again.
async fn measure(db: Db, storage: Storage) -> ControlFlow<()> {
    let mut days = tokio::time::interval(TIDY);
    loop {
        days.tick().await;
        match measure_missed(&db, &storage).await {
            Ok(0) => {}
            Ok(count) => log!(warn, "stored photos could not be read to be measured", count = count),
            Err(error) => {
                log!(error, "measuring stored photos failed", error = error);
                return ControlFlow::Continue(());
            }
        }
    }
}

/// Ends rows of the parcel list that are due, in short transactions.
async fn end_rows(db: &Db, rules: &Rules, now: UnixMs) -> Result<(), ApiError> {
    let known = rules.clone();
    let rows = db.read(move |tx| Ok(known.book(tx)?.1.at(now).rows())).await?;
    let mut after = Some(String::new());
    while let Some(from) = after {
        after = db.write(move |tx| row_ends::end_due(tx, rows, &from, now)).await?;
    }
    db.write(move |tx| row_ends::forget_lost(tx, now)).await
}

/// Once a day drops expired rows, ends rows of the parcel list, asks again for photos that storage has lost, and audits the log.
async fn tidy(db: Db, storage: Storage, rules: Rules, now: NowFn) -> ControlFlow<()> {
    let mut days = tokio::time::interval(TIDY);
    loop {
        days.tick().await;
        let at = now();
        if let Err(error) = db.write(move |tx| sms::prune(tx, at)).await {
            log!(error, "dropping old ids of SMS failed", error = error);
        }
        if let Err(error) = end_rows(&db, &rules, at).await {
            log!(error, "ending rows of the parcel list failed", error = error);
        }
        match scrub(&db, &storage, Scrub::default(), now()).await {
            Ok(found) if found.missing + found.damaged > 0 => log!(
                warn,
                "storage lacks photos or has damaged ones; their devices are asked for them",
                missing = found.missing,
                damaged = found.damaged
            ),
            Ok(_) => {}
            Err(error) => log!(error, "looking at storage failed", error = error),
        }
        match audit::over_time(&db, now()).await {
            Ok(looked) => {
                let faults = looked.faults.len() as u64 + looked.more_faults;
                if faults > 0 {
                    log!(
                        error,
                        "the stored log is not what was signed. Keep the data folder as it is, and a copy of it, then see: \
                         doorstep-server admin verify-log --found",
                        count = faults
                    );
                }
                if let Some(error) = looked.unfinished {
                    log!(error, "looking over the log did not come to its end", reason = error);
                }
            }
            Err(error) => log!(error, "looking over the log failed", error = error),
        }
    }
}
