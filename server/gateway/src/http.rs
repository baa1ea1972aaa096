//! A provider that takes one JSON document for each message over HTTPS.
//!
//! Each message has its own connection: on a reused one, a request that the server did not read before closing looks like one
//! that was taken. No redirects, no retries, no proxy.

pub(crate) mod answer;
pub(crate) mod template;
mod webhook;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::{
    Client, Response,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use tokio::{sync::Semaphore, time::timeout};

use self::{
    answer::{Said, said},
    template::{Filling, Template},
};
use crate::{ConfigError, Fault, HttpConfig, Outgoing, Provider, Secret, Submitted, Submitting, pace::Pace, tls::client_config};

pub use webhook::{Heard, MAX_WEBHOOK, WebhookError, Webhooks, json_of_form};

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// A gateway to an HTTP provider. [`Webhooks`] reads the provider's calls.
pub struct Http {
    config: HttpConfig,
    client: Client,
    template: Template,
    pace: Pace,
    window: Arc<Semaphore>,
    is_stopping: AtomicBool,
}

impl Http {
    /// Prepares the gateway without sending. Fails if a file that the configuration names can not be used.
    pub fn start(config: HttpConfig) -> Result<Self, ConfigError> {
        let template = Template::parse(&config.body).map_err(|fault| ConfigError::Value { key: "http.body", fault })?;
        let client = client(&config)?;
        Ok(Self {
            client,
            template,
            pace: Pace::new(config.per_second, config.throttle_seconds),
            window: Arc::new(Semaphore::new(config.window.try_into().unwrap_or(1))),
            is_stopping: AtomicBool::new(false),
            config,
        })
    }

    async fn hand_over(&self, message: &Outgoing) -> Submitted {
        let Some(number) = message.number() else {
            return Submitted::Refused { fault: Fault::Number, code: "not a number".to_owned() };
        };
        if let Some(after) = self.pace.held() {
            return Submitted::NotSent { after, why: "the provider said later" };
        }
        let Ok(_place) = self.window.acquire().await else { return self.stopping() };
        if let Err(after) = self.pace.turn().await {
            return Submitted::NotSent { after, why: "the provider said later" };
        }
        if self.is_stopping.load(Ordering::SeqCst) {
            return self.stopping();
        }
        let sender = format!("{}{}", self.config.sender, message.extension.as_deref().unwrap_or(""));
        let Outgoing { text, reference, segments, .. } = message;
        let body = self.template.fill(Filling { number, text, reference, sender: &sender, segments: segments.count() });
        match self.client.post(&self.config.url).body(body).send().await {
            Ok(response) => self.answered(response).await,
            // Before there is a connection no byte of the document is sent.
            Err(fault) if fault.is_connect() => self.later(Duration::ZERO, "no connection"),
            Err(fault) if fault.is_builder() => Submitted::Refused { fault: Fault::Refused, code: "no request".to_owned() },
            Err(fault) if fault.is_timeout() => Submitted::Uncertain { why: "no answer in time", ids: vec![] },
            Err(_) => Submitted::Uncertain { why: "the connection was cut", ids: vec![] },
        }
    }

    async fn answered(&self, mut response: Response) -> Submitted {
        let status = response.status().as_u16();
        let asked =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|value| value.parse().ok());
        let asked = Duration::from_secs(asked.unwrap_or(0).min(3600));
        let mut body = Some(Vec::new());
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    let has_room = body.as_ref().is_some_and(|body| body.len() + chunk.len() <= MAX_ANSWER);
                    match &mut body {
                        Some(body) if has_room => body.extend(chunk),
                        _ => {
                            body = None;
                            break;
                        }
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    body = None;
                    break;
                }
            }
        }
        match said(&self.config, status, body.as_deref()) {
            Said::Busy(why) => self.later(asked, why),
            Said::Done(submitted) => {
                if matches!(submitted, Submitted::Accepted { .. }) {
                    self.pace.fine();
                }
                submitted
            }
        }
    }

    fn later(&self, asked: Duration, why: &'static str) -> Submitted {
        Submitted::NotSent { after: self.pace.too_much(asked), why }
    }

    fn stopping(&self) -> Submitted {
        Submitted::NotSent { after: self.config.throttle_seconds, why: "stopping" }
    }
}

impl Provider for Http {
    fn submit<'a>(&'a self, message: &'a Outgoing) -> Submitting<'a> {
        Box::pin(self.hand_over(message))
    }

    fn stop(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.is_stopping.store(true, Ordering::SeqCst);
        Box::pin(async {
            // Running requests end by themselves within their time limit.
            let all = self.window.acquire_many(self.config.window);
            timeout(self.config.response_seconds * 2, all).await.ok();
            self.window.close();
        })
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that makes a client for providers")]
fn client(config: &HttpConfig) -> Result<Client, ConfigError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let read = |(name, file): (&String, &std::path::PathBuf)| Ok((name.clone(), Secret::read("http.header_files", file)?));
    let from_files = config.header_files.iter().map(read).collect::<Result<Vec<_>, ConfigError>>()?;
    let given = config.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    for (name, secret) in given.chain(from_files) {
        let header = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(secret.bare()).ok());
        let fault =
            || ConfigError::Value { key: "http.headers", fault: format!("has no HTTP header in {name:?}; check name and value") };
        let (name, mut value) = header.ok_or_else(fault)?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Client::builder()
        .tls_backend_preconfigured(client_config("http.ca_file", config.ca_file.as_deref())?)
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0)
        .http1_only()
        .no_proxy()
        .timeout(config.response_seconds)
        .connect_timeout(config.response_seconds / 2)
        .build()
        .map_err(|_| ConfigError::Value { key: "http", fault: "no HTTP client can be made of it".to_owned() })
}
