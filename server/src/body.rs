//! Reads the bodies of requests.

use axum::{body::Bytes, extract::Request, http::header};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::{error::ApiError, timeouts::STALL};

/// Reads a body of at most `limit` bytes. Call it only after the device is authenticated, so that a stranger can not make the
/// server hold bytes.
pub(crate) async fn body_of(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(ApiError::TooLarge);
    }
    let mut frames = request.into_body().into_data_stream();
    let mut body = Vec::new();
    while let Some(frame) = timeout(STALL, frames.next()).await.map_err(|_| ApiError::Stalled)? {
        let frame = frame.map_err(|_| ApiError::Stalled)?;
        if body.len() + frame.len() > limit {
            return Err(ApiError::TooLarge);
        }
        body.extend_from_slice(&frame);
    }
    Ok(body.into())
}
