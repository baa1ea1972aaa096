//! `POST /v1/parcels`: the network's own system sends rows of the parcel list, one by one or a whole day's.
//!
//! A service token is good for this and for nothing else. Each row is taken or refused by itself, and the answer says which field
//! of a refused row is wrong, without a value of a person. README.md has the fields and an example.

mod row;

use std::{collections::BTreeSet, net::SocketAddr};

use axum::{
    extract::{ConnectInfo, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use doorstep_domain::{Day, DeviceId, NetworkCode, UnixMs, Waybill};
use doorstep_protocol::MAX_ENCODED;
use doorstep_rules::Pack;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use self::row::Fault;
use crate::{
    body::body_of,
    error::{ApiError, status_of},
    http::app::App,
    import::{self, RowError},
    log,
    packs::Rules,
    store::{service_tokens, tx::Tx},
};

/// The largest number of rows in one request. They are one transaction, for which the pushes of devices wait.
const MOST_ROWS: usize = 2_000;

/// The hash under which a token is stored.
pub(crate) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// What a request wants.
#[derive(Deserialize)]
pub(crate) struct Wish {
    /// The rows are all of their day: other rows of the day end.
    #[serde(default)]
    complete: bool,
    /// The day of rows that name none. Without it a known row keeps its day, and a new one has today's.
    day: Option<String>,
}

#[derive(Deserialize)]
struct Posted {
    rows: Vec<Map<String, Value>>,
}

/// What became of a request.
#[derive(Serialize)]
struct Answer {
    /// The number of rows that were taken.
    taken: usize,
    /// The number of other rows of the day that have ended, if the list is complete.
    ended: u64,
    /// The number of rows that named no day and kept one before today.
    #[serde(skip_serializing_if = "is_none")]
    kept_day: usize,
    /// Each row, in the order of the request.
    rows: Vec<Said>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// What became of a row.
#[derive(Serialize)]
struct Said {
    /// Its place in the request, from 0.
    row: usize,
    /// Its waybill, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    waybill: Option<Waybill>,
    taken: bool,
    #[serde(flatten)]
    fault: Option<Fault>,
}

/// Takes rows of the parcel list. Errors are JSON too, with the codes of the protocol.
pub(crate) async fn post(State(app): State<App>, Query(wish): Query<Wish>, request: Request) -> Response {
    match take(&app, wish, request).await {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(error) => {
            let code = error.code();
            let status = status_of(&code);
            if status.is_server_error() {
                log!(error, "parcels that were posted could not be taken", code = code, error = error);
            }
            let body = serde_json::json!({ "error": code.to_string(), "detail": error.to_string() });
            let mut response = json(status, &body);
            if let ApiError::SlowDown(seconds) = error {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

async fn take(app: &App, wish: Wish, request: Request) -> Result<Answer, ApiError> {
    let now = (app.now)();
    let hash = token_hash(bearer(request.headers()).ok_or(ApiError::Unauthorized)?);
    if !app.db.read(move |tx| Ok(service_tokens::is_known(tx, &hash)?)).await? {
        // A right token is heard at once, from any address. Guesses wait, as those of codes do.
        if let Some(ConnectInfo(source)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
            if let Some(seconds) = app.guesses.wait(source.ip(), now) {
                return Err(ApiError::SlowDown(seconds));
            }
            app.guesses.count(source.ip(), now);
        }
        return Err(ApiError::Unauthorized);
    }
    // A token has as many bodies at once as a device.
    let id = hash.first_chunk().copied().unwrap_or_default();
    let _place = app.in_flight.enter(DeviceId::new(id))?;
    let body = body_of(request, MAX_ENCODED).await?;
    // The reader's own message could repeat a value.
    let unreadable = |error: serde_json::Error| {
        ApiError::Malformed(format!("no {{\"rows\": [...]}} of objects, seen at line {} column {}", error.line(), error.column()))
    };
    let Posted { rows } = serde_json::from_slice(&body).map_err(unreadable)?;
    if wish.complete && rows.is_empty() {
        return Err(ApiError::Malformed("a complete list has rows".into()));
    }
    if rows.len() > MOST_ROWS {
        return Err(ApiError::Malformed(format!("more than {MOST_ROWS} rows")));
    }
    let day = wish.day.as_deref().map(str::parse::<Day>).transpose();
    let day = day.map_err(|_| ApiError::Malformed("day: not a day like 2026-03-02".into()))?;
    if wish.complete && day.is_none() {
        return Err(ApiError::Malformed("a complete list names its day: ?complete=true&day=2026-03-02".into()));
    }
    let rules = app.rules.clone();
    let answer = app.db.write(move |tx| {
        if !service_tokens::note_use(tx, &hash, now)? {
            return Err(ApiError::Unauthorized);
        }
        write(tx, &rules, &rows, (wish.complete, day), now)
    });
    let answer = answer.await?;
    app.to_project.notify_one();
    app.live.moved();
    log!(info, "parcels were posted", count = answer.taken);
    Ok(answer)
}

fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let body = serde_json::to_vec(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn write(
    tx: &Tx<'_>,
    rules: &Rules,
    rows: &[Map<String, Value>],
    (is_complete, day): (bool, Option<Day>),
    now: UnixMs,
) -> Result<Answer, ApiError> {
    let (_, book) = rules.book(tx)?;
    let pack = book.at(now);
    let mut answer = Answer { taken: 0, ended: 0, kept_day: 0, rows: Vec::with_capacity(rows.len()) };
    let mut named = BTreeSet::new();
    for (place, given) in rows.iter().enumerate() {
        let waybill = row::waybill(given);
        named.extend(waybill.clone());
        let fault = match take_row(tx, given, pack, (is_complete, day), now)? {
            Ok(kept_day) => {
                answer.kept_day += usize::from(kept_day);
                None
            }
            Err(fault) => Some(fault),
        };
        answer.taken += usize::from(fault.is_none());
        answer.rows.push(Said { row: place, waybill, taken: fault.is_none(), fault });
    }
    // A row whose waybill can not be read may be any parcel of the day.
    let is_whole = answer.rows.iter().all(|said| said.waybill.is_some());
    if let Some(day) = day.filter(|_| is_complete && is_whole) {
        let network: NetworkCode = pack.network.parse().map_err(|_| ApiError::Internal("network"))?;
        answer.ended = import::end_others(tx, &network, day, |waybill| named.contains(waybill), now)?;
    }
    Ok(answer)
}

/// Takes a row, or gives its fault. Says whether it kept a day before today. An error ends the request.
fn take_row(
    tx: &Tx<'_>,
    given: &Map<String, Value>,
    pack: &Pack,
    (is_complete, day): (bool, Option<Day>),
    now: UnixMs,
) -> Result<Result<bool, Fault>, ApiError> {
    let mut draft = match row::draft(given, pack) {
        Ok(draft) => draft,
        Err(fault) => return Ok(Err(fault)),
    };
    match (draft.details.day.flatten(), day) {
        (Some(named), Some(day)) if is_complete && named != day => {
            return Ok(Err(Fault::of("day", "is another day than the list's")));
        }
        (None, Some(day)) => draft.details.day = Some(Some(day)),
        _ => {}
    }
    Ok(Err(match import::import_row(tx, draft, pack, now) {
        Ok(row) => return Ok(Ok(row.kept_day)),
        Err(RowError::Outlet(field)) => Fault::of(field, "this outlet is not in the directory"),
        Err(RowError::Courier) => Fault::of("courier", "this account is not known"),
        Err(RowError::Draft(fault)) => row::fault(fault),
        Err(RowError::Database(error)) => return Err(error.into()),
        // As in the import of a file: the row comes again, and the others must not wait for it.
        Err(RowError::Api(_)) => {
            Fault { field: None, fault: "the parcel's case could not be written; send the row again".into() }
        }
    }))
}
