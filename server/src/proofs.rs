//! Serves proofs of authorship: the signed batches of a case, for a device that may read it.

use std::ops::ControlFlow;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use doorstep_domain::CaseId;
use doorstep_protocol::{Batch, Leaf, MAX_ENCODED, MAX_INFLATED, Proof, Proofs, Spoken, decode};

use crate::{
    enrol::Device,
    error::ApiError,
    http::{
        app::App,
        request::{cbor, device, spoken_of},
    },
    store::{
        proofs::{self, SignedBatch},
        tx::Tx,
    },
};

/// Responds with the proofs of a case that one of the device's scopes holds.
pub(crate) async fn respond(State(app): State<App>, headers: HeaderMap, Path(case): Path<String>) -> Result<Response, ApiError> {
    let device = device(&app, &headers).await?;
    if spoken_of(&headers) != Spoken::Version3 {
        return Err(ApiError::Version);
    }
    let case: CaseId = case.parse().map_err(|_| ApiError::NotFound)?;
    // Opening many batches is as much work as receiving one.
    let _place = app.in_flight.enter(device.id)?;
    let proofs = app.db.read(move |tx| if may_read(tx, &device, &case)? { of(tx, &case) } else { Err(ApiError::NotFound) });
    cbor(&proofs.await?)
}

fn may_read(tx: &Tx<'_>, device: &Device, case: &CaseId) -> Result<bool, ApiError> {
    for scope in device.scopes() {
        if proofs::is_in_scope(tx, case, &scope.to_string())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn of(tx: &Tx<'_>, case: &CaseId) -> Result<Proofs, ApiError> {
    let (mut given, mut room) = (Vec::new(), MAX_ENCODED);
    proofs::each_batch(tx, case, |SignedBatch { body, sending, sig, key }| {
        let body = doorstep_protocol::open_stored(&body, MAX_INFLATED)?;
        let batch: Batch = decode(&body)?;
        // A pack that does not rebuild has brought no change.
        let of_case = batch.docs.iter().filter(|doc| doc.doc == *case);
        let changes = of_case.filter_map(|doc| doorstep_document::pack::restore(&doc.pack).ok()).flatten();
        let changes: Vec<u8> = changes.flat_map(|(hash, _)| *hash.as_bytes()).collect();
        let digests: Vec<Leaf> = batch.docs.iter().map(|doc| Leaf(doc.digest)).collect();
        let size = digests.len() * 34 + changes.len() + batch.header.len() + sending.len() + 256;
        // The newest batches come first; older ones that do not fit are left out.
        let Some(left) = room.checked_sub(size) else { return Ok(ControlFlow::Break(())) };
        room = left;
        given.push(Proof { key, header: batch.header, sending, sig, digests, changes });
        Ok::<_, ApiError>(ControlFlow::Continue(()))
    })?;
    let own = proofs::own_changes(tx, case)?.iter().flat_map(|hash| *hash.as_bytes()).collect();
    Ok(Proofs { proofs: given, own })
}
