//! Moments that all of the log knows of.

use doorstep_domain::UnixMs;

use super::tx::{StoreError, Tx, params, sql};

/// The newest moment at which anything came; `None`: nothing ever did.
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
