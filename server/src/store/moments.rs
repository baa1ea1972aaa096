//! Times that concern the whole log.

use doorstep_domain::UnixMs;

use super::tx::{StoreError, Tx, params, sql};

/// The newest time of receipt; `None` if nothing was ever received.
pub(crate) fn newest(tx: &Tx<'_>) -> Result<Option<UnixMs>, StoreError> {
    tx.one(
        sql!(
            "SELECT max(at) FROM (SELECT max(received_at) AS at FROM change UNION ALL SELECT max(received_at) FROM quarantine
               UNION ALL SELECT max(received_at) FROM envelope UNION ALL SELECT max(seen_at) FROM device) AS moment"
        ),
        params![],
        |row| row.get(0),
    )
}
