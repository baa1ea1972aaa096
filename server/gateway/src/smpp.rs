//! SMPP 3.4 as an ESME: one transceiver link, which is remade whenever it ends.
//!
//! `rusmpp` writes and reads the PDUs; the link itself is our own. `rusmppc`, the client beside it, has no window and an
//! unbounded queue, ends a link at one PDU that it can not read, can not tell whether a submit was written before the end of a
//! link, and enables logging that shows numbers and texts.

mod deliver;
mod delivery;
mod dest;
mod gsm7;
mod joiner;
mod link;
mod pdu;
mod receipt;
mod session;
mod shift;
mod status;
mod tell;
mod text;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    select,
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, interval, sleep, sleep_until, timeout_at},
};

use self::{
    joiner::Joiner,
    link::{Dialer, NoLink},
    pdu::{Unfit, pieces, submits},
    session::{Job, Part, Session, Stop},
    status::{Verdict, shown, verdict},
    tell::Teller,
};
use crate::{ConfigError, Fault, Notice, Outgoing, Provider, SmppConfig, Submitted, Submitting, pace::Pace};

/// A gateway to an SMSC.
pub struct Smpp {
    config: Arc<SmppConfig>,
    pace: Pace,
    window: Arc<Semaphore>,
    /// The reference that ties the segments of a message together.
    reference: AtomicU8,
    state: watch::Receiver<LinkState>,
    jobs: watch::Receiver<Option<mpsc::Sender<Job>>>,
    stopping: watch::Sender<bool>,
    /// The number of messages that are being submitted.
    messages: Arc<AtomicUsize>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

/// The state of the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// The link is being made for the first time.
    Connecting,
    /// The link is bound, and messages can go.
    Bound,
    /// There is no link.
    Down {
        /// The reason, without anything personal.
        why: &'static str,
        /// The SMSC's status, if it refused the bind.
        code: Option<u32>,
        /// The pause before the next try.
        after: Duration,
    },
    /// The provider was stopped.
    Stopped,
}

impl Smpp {
    /// Starts the link. Events go to `events`; the SMSC gets its answer once the receiver has acknowledged them. Must be called
    /// inside a tokio runtime. Fails if a file that the configuration names can not be used.
    pub fn start(config: SmppConfig, events: mpsc::Sender<Notice>) -> Result<Self, ConfigError> {
        let config = Arc::new(config);
        let dialer = Dialer::new(config.clone())?;
        let (state_sender, state) = watch::channel(LinkState::Connecting);
        let (jobs_sender, jobs) = watch::channel(None);
        let (stopping, is_stopping) = watch::channel(false);
        let messages = Arc::new(AtomicUsize::new(0));
        let stop = Stop { is_stopping, messages: messages.clone() };
        let teller = Teller { events, joiner: Joiner::default(), answer_within: config.response_seconds };
        let supervisor = Supervisor { config: config.clone(), dialer, teller, state: state_sender, jobs: jobs_sender, stop };
        Ok(Self {
            pace: Pace::new(config.per_second, config.throttle_seconds),
            window: Arc::new(Semaphore::new(config.window.try_into().unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS))),
            // The reference starts at random, so that after a restart it hits no unfinished message on a phone.
            reference: AtomicU8::new(random().to_be_bytes()[0]),
            state,
            jobs,
            stopping,
            messages,
            supervisor: Mutex::new(Some(tokio::spawn(supervisor.run()))),
            config,
        })
    }

    /// The state of the link, and its changes.
    pub fn link(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }

    async fn hand_over(&self, message: &Outgoing) -> Submitted {
        let _under_way = UnderWay::new(&self.messages);
        let reference = self.reference.fetch_add(1, Ordering::Relaxed);
        let parts = match submits(&self.config, message, reference) {
            Ok(parts) => parts,
            Err(Unfit(field)) => return unfit(field),
        };
        let mut ids = Vec::with_capacity(parts.len());
        // The first accepted segment sets this limit for the others.
        let mut until = None;
        for part in parts {
            loop {
                let sent = self.part(part.clone(), until).await;
                let (code, why, after) = match sent {
                    Sent::Part(Part::Answered { status: 0, id }) => {
                        self.pace.fine();
                        until.get_or_insert_with(|| Instant::now() + self.config.rest_seconds);
                        ids.push(id);
                        break;
                    }
                    Sent::Part(Part::Answered { status, .. }) => match verdict(status) {
                        Verdict::Later => (shown(status), "the SMSC says later", self.pace.too_much(Duration::ZERO)),
                        Verdict::Refused(fault) if ids.is_empty() => {
                            return Submitted::Refused { fault, code: shown(status) };
                        }
                        Verdict::Refused(_) => return Submitted::Partial { ids, code: shown(status) },
                    },
                    Sent::Part(Part::Lost(why)) => return Submitted::Uncertain { why, ids },
                    Sent::Part(Part::NotWritten) => ("no link".to_owned(), "the link ended before it was written", self.retry()),
                    Sent::Held(left) => ("held".to_owned(), "the SMSC said later", left),
                    Sent::NoLink => ("no link".to_owned(), "not connected", self.retry()),
                };
                // This segment was not taken. The caller may submit the message again if it was the first; a later one is tried again here.
                let Some(until) = until else { return Submitted::NotSent { after, why } };
                let again = Instant::now() + after;
                if again >= until || *self.state.borrow() == LinkState::Stopped {
                    return Submitted::Partial { ids, code };
                }
                sleep_until(again).await;
            }
        }
        Submitted::Accepted { ids }
    }

    async fn part(&self, submit: rusmpp::pdus::SubmitSm, until: Option<Instant>) -> Sent {
        // Without a link neither the window nor the pace is worth waiting for.
        if self.jobs.borrow().is_none() || (until.is_none() && *self.stopping.borrow()) {
            return Sent::NoLink;
        }
        if let Some(left) = self.pace.held() {
            return Sent::Held(left);
        }
        let place = async {
            let permit = self.window.clone().acquire_owned().await;
            (permit, self.pace.turn().await)
        };
        let place = match until {
            Some(until) => timeout_at(until, place).await,
            None => Ok(place.await),
        };
        let permit = match place {
            Ok((_, Err(left))) => return Sent::Held(left),
            Ok((Ok(permit), Ok(()))) => permit,
            Ok((Err(_), _)) | Err(_) => return Sent::NoLink,
        };
        let Some(jobs) = self.jobs.borrow().clone() else { return Sent::NoLink };
        let (answer, answered) = oneshot::channel();
        if jobs.send(Job { submit, answer, permit }).await.is_err() {
            return Sent::NoLink;
        }
        Sent::Part(answered.await.unwrap_or(Part::Lost("the link's task ended")))
    }

    fn retry(&self) -> Duration {
        match &*self.state.borrow() {
            LinkState::Down { after, .. } => *after,
            LinkState::Connecting | LinkState::Bound | LinkState::Stopped => self.config.reconnect_seconds,
        }
    }
}

/// Counts a message while it is being submitted.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn new(messages: &'a AtomicUsize) -> Self {
        messages.fetch_add(1, Ordering::SeqCst);
        Self(messages)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

enum Sent {
    Part(Part),
    Held(Duration),
    NoLink,
}

fn unfit(field: &str) -> Submitted {
    let fault = match field {
        "number" => Fault::Number,
        "service number" => Fault::Account,
        _ => Fault::Text,
    };
    Submitted::Refused { fault, code: format!("{field} does not fit into SMPP") }
}

impl Provider for Smpp {
    fn submit<'a>(&'a self, message: &'a Outgoing) -> Submitting<'a> {
        Box::pin(self.hand_over(message))
    }

    fn pieces(&self, message: &Outgoing) -> Option<usize> {
        Some(pieces(message).count())
    }

    fn stop(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.stopping.send_replace(true);
        let supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move {
            if let Some(supervisor) = supervisor {
                supervisor.await.ok();
            }
        })
    }
}

struct Supervisor {
    config: Arc<SmppConfig>,
    dialer: Dialer,
    teller: Teller,
    state: watch::Sender<LinkState>,
    jobs: watch::Sender<Option<mpsc::Sender<Job>>>,
    stop: Stop,
}

impl Supervisor {
    async fn run(self) {
        let mut stopping = self.stop.is_stopping.clone();
        let teller = self.teller.clone();
        let overdue = async move {
            let mut tick = interval(Duration::from_secs(10));
            loop {
                tick.tick().await;
                teller.tell_overdue().await;
            }
        };
        select! {
            () = self.links() => {}
            () = overdue => {}
            // The provider was dropped.
            _ = async { while stopping.changed().await.is_ok() {} } => {}
        }
        self.jobs.send_replace(None);
        self.state.send_replace(LinkState::Stopped);
    }

    async fn links(&self) {
        let first = self.config.reconnect_seconds;
        let most = first * 60;
        let mut pause = first;
        let mut stopping = self.stop.is_stopping.clone();
        loop {
            let dialled = select! {
                dialled = self.dialer.dial() => dialled,
                // Before the bind there is nothing to wait for.
                _ = stopping.wait_for(|is_stopping| *is_stopping) => return,
            };
            let (why, code) = match dialled {
                Ok(link) => {
                    let began = Instant::now();
                    let (jobs, queue) = mpsc::channel(1);
                    self.jobs.send_replace(Some(jobs));
                    self.state.send_replace(LinkState::Bound);
                    let end = Session::new(&self.config, self.teller.clone(), self.stop.clone()).run(link, queue).await;
                    self.jobs.send_replace(None);
                    if began.elapsed() >= first {
                        pause = first;
                    }
                    (end, None)
                }
                Err(NoLink::Unreachable(why)) => (why, None),
                Err(NoLink::BindRefused(status)) => {
                    // Accounts are locked after a few wrong passwords.
                    pause = most;
                    ("the SMSC refused the bind", Some(status))
                }
            };
            if *stopping.borrow() {
                return;
            }
            let after = jittered(pause);
            self.state.send_replace(LinkState::Down { why, code, after });
            select! {
                () = sleep(after) => {}
                _ = stopping.wait_for(|is_stopping| *is_stopping) => return,
            }
            pause = (pause * 2).min(most);
        }
    }
}

/// Three to five quarters of the pause, so that many servers that lost one SMSC do not return at the same moment.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.75 + f64::from(random()) / f64::from(u32::MAX) / 2.0)
}

fn random() -> u32 {
    // The value only spreads load; without randomness the middle will do.
    getrandom::u32().unwrap_or(u32::MAX / 2)
}
