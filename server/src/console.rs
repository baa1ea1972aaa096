//! The plain pages of head office: the list of cases by whose turn it is; one case is in `case`.

mod case;
mod list;
mod page;
mod photo;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use doorstep_domain::PhotoId;

pub(crate) use self::{case::case, list::list};

use self::page::{allowed, refused};
use crate::{error::ApiError, http::app::App, photos};

pub(crate) async fn photo(State(app): State<App>, Path(sha): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !allowed(&app, &headers) {
        return Ok(refused());
    }
    let id: PhotoId = sha.parse().map_err(|_| ApiError::NotFound)?;
    photos::respond(&app.db, &app.storage, id, &headers, None).await
}
