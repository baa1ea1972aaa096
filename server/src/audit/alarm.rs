//! The server's background audit, and the faults that it has found.

use std::time::Duration;

use doorstep_domain::UnixMs;
use serde::Serialize;

use super::{fault::Looked, look::Look};
use crate::{
    error::ApiError,
    store::{
        db::Db,
        log_faults,
        meta::{self, Meta},
        tx::Tx,
    },
};

pub use crate::store::log_faults::Alarm;

/// The pause between two pages, so that the audit never delays devices' requests.
const PAUSE: Duration = Duration::from_millis(50);

/// The faults of all audits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarms {
    /// When the newest completed audit began; `None` if none was completed.
    pub looked_at: Option<UnixMs>,
    /// The faults, oldest first.
    pub faults: Vec<Alarm>,
}

/// Reads the faults that audits of the log have found.
pub(crate) fn alarms(tx: &Tx<'_>) -> Result<Alarms, ApiError> {
    let looked_at = meta::get(tx, Meta::LogLooked)?.map(i64::from_be_bytes).map(UnixMs);
    Ok(Alarms { looked_at, faults: log_faults::all(tx)? })
}

/// Audits all of the log slowly, on a reader connection. Faults are stored and visible page by page, so an audit that fails
/// midway loses none.
pub(crate) async fn over_time(db: &Db, now: UnixMs) -> Result<Looked, ApiError> {
    let mut look = db.read(|tx| Look::begin(tx, None)).await?;
    let mut known = 0;
    let error = loop {
        let (next, more) = db
            .read(move |tx| {
                let more = look.page(tx);
                Ok((look, more))
            })
            .await?;
        look = next;
        let found = look.faults_after(known).iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|_| ApiError::Internal("a fault as JSON"))?;
        known += found.len();
        // A failure to store faults ends the audit, and the faults are still returned.
        if !found.is_empty()
            && let Err(error) = db.write(move |tx| save(tx, &found, now)).await
        {
            break Some(error);
        }
        match more {
            Ok(true) => tokio::time::sleep(PAUSE).await,
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    let error = match error {
        None => db.write(move |tx| Ok(meta::set(tx, Meta::LogLooked, &now.0.to_be_bytes())?)).await.err(),
        error => error,
    };
    Ok(look.into_looked(error.as_ref()))
}

fn save(tx: &Tx<'_>, found: &[String], now: UnixMs) -> Result<(), ApiError> {
    for fault in found {
        log_faults::save(tx, fault, now)?;
    }
    Ok(())
}
