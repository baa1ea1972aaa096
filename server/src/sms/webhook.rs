//! An HTTP provider's calls: receipts and customers' replies. A call is answered with 200 once it is durable, and the provider
//! repeats a call without a 200.

use axum::{
    extract::{Query, Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use doorstep_gateway::{Event, Heard, MAX_WEBHOOK, Raw, RawKind, Unread, WebhookError, Webhooks, json_of_form};
use serde::Deserialize;

use crate::{body::body_of, error::ApiError, http::app::App};

/// A token in the address, for providers that can not send a header.
#[derive(Deserialize)]
pub(crate) struct Token {
    token: Option<String>,
}

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NotConfigured => Self::NotFound,
            WebhookError::TooLarge => Self::TooLarge,
            WebhookError::NotJson | WebhookError::NoList => Self::Malformed(error.to_string()),
        }
    }
}

/// Receives the provider's receipts.
pub(crate) async fn receipts(State(app): State<App>, Query(token): Query<Token>, request: Request) -> Result<Response, ApiError> {
    receive(app, token, request, |hooks, body| Ok(events(hooks.receipts(body)?, Event::Receipt))).await
}

/// Receives customers' replies to the provider's number.
pub(crate) async fn inbound(State(app): State<App>, Query(token): Query<Token>, request: Request) -> Result<Response, ApiError> {
    receive(app, token, request, |hooks, body| Ok(events(hooks.inbound(body)?, Event::Inbound))).await
}

fn events<T>(heard: Heard<T>, event: fn(T) -> Event) -> Vec<Event> {
    heard.items.into_iter().map(event).chain(heard.unread.into_iter().map(Event::Unread)).collect()
}

/// Reads a call into its events.
type Read = fn(&Webhooks, &[u8]) -> Result<Vec<Event>, WebhookError>;

async fn receive(app: App, Token { token }: Token, request: Request, read: Read) -> Result<Response, ApiError> {
    // Without webhooks the address does not exist.
    let (Some(gateway), Some(hooks)) = (app.sms.as_ref(), app.webhooks.as_ref()) else { return Err(ApiError::NotFound) };
    let token = bearer(request.headers()).or(token).ok_or(ApiError::Unauthorized)?;
    if !hooks.allows(&token) {
        return Err(ApiError::Unauthorized);
    }
    let is_form = is_form(request.headers());
    let body = body_of(request, MAX_WEBHOOK).await?;
    let events = match read(hooks, &if is_form { json_of_form(&body) } else { body.to_vec() }) {
        Ok(events) => events,
        Err(WebhookError::NotConfigured) => return Err(WebhookError::NotConfigured.into()),
        Err(error) => {
            // The provider gives up in the end, so the call is kept for a person, and refused.
            let raw = Raw { kind: RawKind::Http, bytes: body.to_vec() };
            gateway.record(vec![Event::Unread(Unread { raw, why: "malformed" })]).await?;
            return Err(error.into());
        }
    };
    gateway.record(events).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], "{}").into_response())
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(str::to_owned)
}
