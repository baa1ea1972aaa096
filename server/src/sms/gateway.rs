//! The gateway's loop: claims due messages, records their submission, submits them, and records the outcome. It also receives
//! receipts and replies.

use std::{fs::File, ops::ControlFlow, panic::AssertUnwindSafe, path::Path, sync::Arc, time::Duration};

use doorstep_domain::{CaseId, EntryKey, UnixMs};
use doorstep_gateway::{Event, GatewayConfig, Http, LinkState, Log, Notice, Outgoing, Provider, Smpp, Submitted, Webhooks};
use futures_util::FutureExt;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{answers, claim, claim::Claimed, held, receipt, settle};
use crate::{
    ServeError, clock::NowFn, error::ApiError, folder::SMS_LOCK, keys::Keys, live::Live, log, packs::Rules, store::db::Db,
    store::tx::Tx,
};

/// The largest number of messages that are being submitted at once.
const MOST: usize = 64;
/// The largest number of messages that one write claims, so that other writers get their turn.
const CHUNK: usize = 16;
/// The interval at which the outbox is checked without a notification.
const LOOK: Duration = Duration::from_millis(500);
/// The pause after the database failed.
const TROUBLE: Duration = Duration::from_secs(5);

/// A provider with the channels that come with it.
pub(crate) struct Provided {
    pub provider: Arc<dyn Provider>,
    pub events: mpsc::Receiver<Notice>,
    pub link: Option<watch::Receiver<LinkState>>,
    /// The HTTP calls of the provider, if it makes any.
    pub webhooks: Option<Webhooks>,
    /// The service number without an extension.
    pub service: String,
    /// The number of digits that may be appended to the service number.
    pub extension_digits: u32,
    /// Whether the provider really sends.
    pub sends: bool,
}

/// Starts the provider that the configuration names.
pub(crate) fn provide(config: GatewayConfig) -> Result<Provided, ServeError> {
    let (notices, events) = mpsc::channel(256);
    let fault = |fault: doorstep_gateway::ConfigError| ServeError::Sms(fault.to_string());
    Ok(match config {
        GatewayConfig::Log => {
            let provider = Arc::new(Log::new(|reference, segments| {
                log!(info, "an SMS is due and is not sent: no gateway is configured", sms = reference, count = segments);
            }));
            // A log receives nothing: its channel stays open and silent.
            drop(notices);
            Provided { provider, events, link: None, webhooks: None, service: String::new(), extension_digits: 0, sends: false }
        }
        GatewayConfig::Smpp(smpp) => {
            let (service, extension_digits) = (smpp.source_addr.clone(), smpp.extension_digits);
            let provider = Smpp::start(*smpp, notices).map_err(fault)?;
            let link = Some(provider.link());
            Provided { provider: Arc::new(provider), events, link, webhooks: None, service, extension_digits, sends: true }
        }
        GatewayConfig::Http(http) => {
            let (service, extension_digits) = (http.sender.clone(), http.extension_digits);
            let webhooks = Webhooks::load(&http).map_err(fault)?;
            let provider = Arc::new(Http::start(*http).map_err(fault)?);
            // This provider calls back over HTTP and sends no notices.
            drop(notices);
            Provided { provider, events, link: None, webhooks, service, extension_digits, sends: true }
        }
    })
}

/// The state of the loop.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub db: Db,
    pub keys: Keys,
    pub rules: Rules,
    pub now: NowFn,
    /// Woken when a push may have left a message to the gateway.
    pub due: Arc<Notify>,
    /// Woken when entries were written.
    pub to_project: Arc<Notify>,
    pub live: Arc<Live>,
    pub service: Arc<str>,
    pub extension_digits: u32,
    /// Whether the provider really sends.
    pub sends: bool,
    /// The data folder. Among all servers on it, one is the gateway.
    pub folder: Arc<Path>,
    /// Woken when the server stops: running submissions are waited for, and no new one begins.
    pub stop: Arc<Notify>,
}

/// A claimed message that was surely not taken, and when it is tried again.
struct Waiting {
    message: (CaseId, EntryKey, i64),
    at: Instant,
}

impl Gateway {
    /// Runs until the server stops. If it panics it can run again on the same provider: what was being submitted is uncertain
    /// then, as after a crash.
    pub async fn run(&self, provided: &mut Provided) -> ControlFlow<()> {
        let Provided { provider, events, link, .. } = provided;
        // The lock lives as long as this run, and ends with a process that dies.
        let Some(_only_one) = self.only_one().await else { return ControlFlow::Break(()) };
        while let Err(error) = self.write(|tx, this| settle::recover(tx, &this.keys, &this.rules, (this.now)())).await {
            log!(error, "looking at the SMS that were under way failed", error = error);
            tokio::time::sleep(TROUBLE).await;
        }
        let mut under_way: JoinSet<(Claimed, Submitted)> = JoinSet::new();
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut look_at = Instant::now();
        let mut hears = true;
        loop {
            tokio::select! {
                notice = events.recv(), if hears => match notice {
                    Some(notice) => self.hear(notice).await,
                    None => hears = false,
                },
                Some(done) = under_way.join_next() => {
                    if let Ok((message, outcome)) = done {
                        self.settle(message, outcome, &mut waiting).await;
                    }
                }
                () = self.stop.notified() => {
                    // Receipts that arrive now are not acknowledged, so the provider sends them again.
                    provider.stop().await;
                    while let Some(done) = under_way.join_next().await {
                        if let Ok((message, outcome)) = done {
                            self.settle(message, outcome, &mut waiting).await;
                        }
                    }
                    return ControlFlow::Break(());
                }
                () = self.due.notified() => look_at = Instant::now(),
                () = link_moved(link) => look_at = Instant::now(),
                () = sleep_until(look_at) => {
                    look_at = Instant::now() + LOOK;
                    let bound = is_bound(link.as_ref());
                    let looked = match self.end_leases().await {
                        Ok(()) if bound => self.look(provider, &mut under_way, &mut waiting).await,
                        other => other,
                    };
                    if let Err(error) = looked {
                        log!(error, "claiming SMS failed", error = error);
                        look_at = Instant::now() + TROUBLE;
                    } else if under_way.len() < MOST && !under_way.is_empty() {
                        // More messages may be due.
                        look_at = Instant::now() + Duration::from_millis(20);
                    }
                }
            }
        }
    }

    /// Waits until no other server on the data folder is the gateway; `None` if this server stops before.
    async fn only_one(&self) -> Option<File> {
        loop {
            let path = self.folder.join(SMS_LOCK);
            let lock = doorstep_private::options().create(true).truncate(false).write(true).open(&path);
            match lock.map(|file| (file.try_lock(), file)) {
                Ok((Ok(()), file)) => return Some(file),
                Ok((Err(_), _)) => {}
                Err(error) => log!(error, "the lock of the SMS gateway can not be used", path = path, error = error),
            }
            tokio::select! {
                () = self.stop.notified() => return None,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&Tx<'_>, &Self) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let this = self.clone();
        self.db.write(move |tx| job(tx, &this)).await
    }

    /// Marks messages as uncertain whose device did not report before its lease ended. Works without a gateway too.
    async fn end_leases(&self) -> Result<(), ApiError> {
        // While SMS are held, devices may still repeat reports from after the copy was made.
        let end = |tx: &Tx<'_>, this: &Self| match held::is_held(tx)? {
            true => Ok(false),
            false => settle::end_leases(tx, &this.keys, &this.rules, (this.now)()),
        };
        if self.write(end).await? {
            self.notify();
        }
        Ok(())
    }

    /// Claims due messages and submits them.
    async fn look(
        &self,
        provider: &Arc<dyn Provider>,
        under_way: &mut JoinSet<(Claimed, Submitted)>,
        waiting: &mut Vec<Waiting>,
    ) -> Result<(), ApiError> {
        let now = Instant::now();
        let held: Vec<_> = waiting.iter().filter(|wait| wait.at <= now).map(|wait| wait.message.clone()).collect();
        if !held.is_empty() {
            self.write(move |tx, this| settle::release(tx, &held, (this.now)())).await?;
            waiting.retain(|wait| wait.at > now);
        }
        let how = (MOST.saturating_sub(under_way.len()).min(CHUNK), self.extension_digits, self.sends);
        if how.0 == 0 {
            return Ok(());
        }
        let claim = move |tx: &Tx<'_>, this: &Self| match held::is_held(tx)? {
            true => Ok(vec![]),
            false => claim::claim(tx, &this.keys, &this.rules, how, (this.now)()),
        };
        let mut ready = self.write(claim).await?;
        if !ready.is_empty() {
            self.notify();
        }
        if !self.sends {
            // The log provider prints them as not sent, and their cases say that they wait.
            for message in &ready {
                provider.submit(&outgoing(message, (self.now)())).await;
            }
            return Ok(());
        }
        if ready.is_empty() {
            return Ok(());
        }
        for message in &mut ready {
            message.pieces = provider.pieces(&outgoing(message, (self.now)()));
        }
        let held = loop {
            let claimed = ready.clone();
            match self.write(move |tx, this| settle::submitting(tx, &this.keys, claimed.clone(), (this.now)())).await {
                Ok(held) => break held,
                Err(error) => {
                    log!(error, "saying that SMS are being submitted failed", error = error);
                    tokio::time::sleep(TROUBLE).await;
                }
            }
        };
        for message in held {
            let (provider, outgoing) = (provider.clone(), outgoing(&message, (self.now)()));
            under_way.spawn(async move {
                let outcome = submit(&*provider, &outgoing).await;
                (message, outcome)
            });
        }
        Ok(())
    }

    /// Records the outcome of a submission. Tries until the database accepts it, because without it the message would be uncertain.
    async fn settle(&self, message: Claimed, outcome: Submitted, waiting: &mut Vec<Waiting>) {
        loop {
            let (claimed, became) = (message.clone(), outcome.clone());
            let settled = self.write(move |tx, this| settle::settle(tx, &this.keys, &claimed, &became, (this.now)())).await;
            match settled {
                Ok(again) => {
                    self.notify();
                    let message = (message.case, message.entry, message.fence);
                    waiting.extend(again.map(|after| Waiting { message, at: Instant::now() + after }));
                    return;
                }
                Err(error) => {
                    log!(error, "noting what became of an SMS failed", error = error);
                    tokio::time::sleep(TROUBLE).await;
                }
            }
        }
    }

    /// Records a provider's event, and acknowledges it only when it is durable.
    pub async fn hear(&self, notice: Notice) {
        let taken = self.record(vec![notice.event.clone()]).await;
        if let Err(error) = &taken {
            log!(error, "keeping what the SMS provider told failed", error = error);
        }
        notice.acknowledge(taken.is_ok());
    }

    /// Makes events durable, all or none.
    pub async fn record(&self, events: Vec<Event>) -> Result<(), ApiError> {
        let service = self.service.clone();
        self.write(move |tx, this| {
            events.iter().try_for_each(|event| match event {
                Event::Receipt(receipt) => receipt::take_receipt(tx, &this.keys, receipt, (this.now)()),
                Event::Unread(unread) => {
                    log!(warn, "a receipt of the SMS provider can not be read; admin sms receipts lists it", reason = unread.why);
                    receipt::keep_unread(tx, unread, (this.now)())
                }
                Event::Inbound(inbound) => answers::take_inbound(tx, &this.keys, &this.rules, (inbound, &service), (this.now)()),
            })
        })
        .await?;
        self.notify();
        Ok(())
    }

    fn notify(&self) {
        self.to_project.notify_one();
        self.live.moved();
    }
}

/// Submits a message. A submission that panics is uncertain, because the provider may have taken the message before.
async fn submit(provider: &dyn Provider, outgoing: &Outgoing) -> Submitted {
    let submitted = AssertUnwindSafe(async { provider.submit(outgoing).await }).catch_unwind().await;
    submitted.unwrap_or(Submitted::Uncertain { why: "the submission panicked", ids: vec![] })
}

fn outgoing(message: &Claimed, now: UnixMs) -> Outgoing {
    let left = message.until.0.saturating_sub(now.0).clamp(0, MOST_VALIDITY_MS);
    Outgoing {
        reference: message.reference.clone(),
        to: message.to.clone(),
        text: message.text.clone(),
        segments: message.segments.clone(),
        validity: Duration::from_millis(left.unsigned_abs()).max(LEAST_VALIDITY),
        extension: Some(message.extension.clone()).filter(|extension| !extension.is_empty()),
    }
}

/// The operator tries to deliver until the message's end, but at least and at most for these times.
const LEAST_VALIDITY: Duration = Duration::from_secs(10 * 60);
const MOST_VALIDITY_MS: i64 = 24 * 3_600_000;

fn is_bound(link: Option<&watch::Receiver<LinkState>>) -> bool {
    link.is_none_or(|link| matches!(&*link.borrow(), LinkState::Bound))
}

/// Returns when the link was made or lost; never returns if there is none.
async fn link_moved(link: &mut Option<watch::Receiver<LinkState>>) {
    let moved = match link {
        Some(link) => link.changed().await.is_ok(),
        None => false,
    };
    if !moved {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{future::ready, pin::Pin};

    use doorstep_gateway::Submitting;
    use doorstep_rules::sms::Segments;

    use super::*;

    /// A provider with a fault.
    struct Broken;

    impl Provider for Broken {
        fn submit<'a>(&'a self, message: &'a Outgoing) -> Submitting<'a> {
            panic!("a fault at {}", message.reference)
        }
        fn stop(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(ready(()))
        }
    }

    #[tokio::test]
    async fn a_message_whose_submission_panics_is_uncertain_and_does_not_stay_under_way() {
        let (to, text) = ("13812345600".to_owned(), "您好".to_owned());
        let (segments, validity) = (Segments::of(&text), Duration::from_secs(60));
        let message = Outgoing { reference: "r1".to_owned(), to, text, segments, validity, extension: None };
        assert!(matches!(submit(&Broken, &message).await, Submitted::Uncertain { .. }));
    }
}
