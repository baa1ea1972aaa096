//! Handing out proofs of authorship: the signed batches of a case, for a device that may read it.

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use doorstep_domain::CaseId;
use doorstep_protocol::{Batch, Leaf, MAX_ENCODED, MAX_INFLATED, Proof, Proofs, Spoken, decode};
use rusqlite::params;

use crate::{
    enrol::Device,
    error::ApiError,
    http::{App, cbor, device, spoken_of},
    store::tx::Tx,
};

/// The proofs of a case that one of the device's scopes holds.
pub(crate) async fn give(State(app): State<App>, headers: HeaderMap, Path(case): Path<String>) -> Result<Response, ApiError> {
    let device = device(&app, &headers).await?;
    if spoken_of(&headers) != Spoken::Version3 {
        return Err(ApiError::Version);
    }
    let case: CaseId = case.parse().map_err(|_| ApiError::NotFound)?;
    // Opening many batches is as much work as taking one.
    let _place = app.in_flight.enter(device.id)?;
    let proofs = app.db.read(move |db| if may_read(db, &device, &case)? { of(db, &case) } else { Err(ApiError::NotFound) });
    cbor(&proofs.await?)
}

fn may_read(db: &Tx<'_>, device: &Device, case: &CaseId) -> Result<bool, ApiError> {
    let mut query = db.prepare_cached("SELECT 1 FROM doc_scope WHERE case_id = ?1 AND scope = ?2 AND has = 1")?;
    for scope in device.scopes() {
        if query.exists(params![case.as_bytes(), scope.to_string()])? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn of(db: &Tx<'_>, case: &CaseId) -> Result<Proofs, ApiError> {
    let mut query = db.prepare_cached(
        "SELECT body, sending, sig, public_key FROM (SELECT DISTINCT pushed_by, batch FROM change WHERE case_id = ?1 AND batch > 0)
           JOIN envelope ON install = pushed_by AND number = batch JOIN device ON device.id = envelope.device
         WHERE version >= 3 ORDER BY envelope.received_at DESC",
    )?;
    let mut rows = query.query([case.as_bytes()])?;
    let (mut proofs, mut room) = (Vec::new(), MAX_ENCODED);
    while let Some(row) = rows.next()? {
        let body = doorstep_protocol::open(&row.get::<_, Vec<u8>>(0)?, MAX_INFLATED)?;
        let batch: Batch = decode(&body)?;
        // What does not rebuild brought nothing.
        let of_case = batch.docs.iter().filter(|doc| doc.doc == *case);
        let changes = of_case.filter_map(|doc| doorstep_document::pack::restore(&doc.pack).ok()).flatten();
        let changes: Vec<u8> = changes.flat_map(|(hash, _)| *hash.as_bytes()).collect();
        let digests: Vec<Leaf> = batch.docs.iter().map(|doc| Leaf(doc.digest)).collect();
        let (sending, sig, key) = (row.get::<_, Vec<u8>>(1)?, row.get(2)?, row.get(3)?);
        let size = digests.len() * 34 + changes.len() + batch.header.len() + sending.len() + 256;
        // The newest come first; of the rest the server says nothing.
        let Some(left) = room.checked_sub(size) else { break };
        room = left;
        proofs.push(Proof { key, header: batch.header, sending, sig, digests, changes });
    }
    let mut query = db.prepare_cached("SELECT hash FROM change WHERE case_id = ?1 AND batch = 0 ORDER BY n")?;
    let own = query.query_map([case.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(Proofs { proofs, own: own.concat() })
}
