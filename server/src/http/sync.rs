//! The route of a sync: turns a request's bytes into an exchange, and its answer into bytes.

use axum::{
    extract::{Request, State},
    response::Response,
};
use data_encoding::HEXLOWER;
use doorstep_domain::IN_FLIGHT_MS;
use doorstep_protocol::{MAX_ENCODED, MAX_REQUEST, RENEWAL_HEADER, SyncRequest, decode, open};

use super::{
    app::App,
    request::{of_token, proto_of, reach_of, reads_of, sealed, spoken_of},
};
use crate::{
    body::body_of,
    contact::DeviceClock,
    enrol::Device,
    error::ApiError,
    exchange::{self, Asked},
    verify::{MAX_BATCH, Verified, verify},
};

pub(super) async fn sync(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    // The time of receipt is when the headers arrive, not the last byte: a slow upload must not make acts look later.
    let now = (app.now)();
    let reach = reach_of(&app, request.headers())?;
    let spoken = spoken_of(request.headers());
    let (proto, reads) = (proto_of(app.versions, request.headers()), reads_of(app.versions, request.headers()));
    let clock = DeviceClock::of(request.headers());
    let renewal = request.headers().get(RENEWAL_HEADER).and_then(|value| HEXLOWER.decode(value.as_bytes()).ok());
    let device = of_token(&app, request.headers(), renewal).await?;
    let place = app.in_flight.enter(device.id)?;
    let body = body_of(request, MAX_ENCODED).await?;
    // A device that holds its body back could date later acts to the arrival of its headers. A smaller body comes in time.
    if (app.now)().since(now) > IN_FLIGHT_MS {
        return Err(ApiError::TooLarge);
    }
    let who = device.clone();
    // Inflating, decoding and verifying a large batch takes milliseconds, too long for the async threads and for the writer.
    // The body's place among those in flight goes with it: a device that ends its requests early must not fill the queue.
    let read = move || read(&body, &who).map(|(request, batch)| (request, batch, place));
    let (request, batch, _place) = app.verifier.run(read).await?;
    let asked = Asked { now, device, spoken, reach, proto, reads, clock, request, batch };
    sealed(&exchange::exchange(&app, asked).await?)
}

/// Reads and verifies a request's body.
pub(crate) fn read(body: &[u8], device: &Device) -> Result<(SyncRequest, Option<Verified>), ApiError> {
    let mut request: SyncRequest = decode(&open(body, MAX_REQUEST)?)?;
    if request.device != device.id {
        return Err(ApiError::Install);
    }
    if request.chain.is_some_and(|end| end.batch > MAX_BATCH) {
        return Err(ApiError::Malformed("number of a batch out of range".into()));
    }
    request.pull.iter_mut().for_each(|pull| pull.cursor = pull.cursor.min(i64::MAX as u64));
    let batch = verify(&mut request, device)?;
    Ok((request, batch))
}
