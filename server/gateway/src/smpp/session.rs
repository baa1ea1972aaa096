//! A bound link at work, until it ends.
//!
//! At the end of a link, the knowledge about a submit depends on where it was. In the queue, nothing of it was written. While it
//! was being written, it counts as written if the connection took a byte. Written and unanswered, its outcome is unknown.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rusmpp::{CommandId, CommandStatus, Pdu, pdus::SubmitSm};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    select,
    sync::{OwnedSemaphorePermit, mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{
    deliver::{Delivered, delivered},
    delivery::Delivery,
    link::Link,
    pdu::{Frames, Incoming, bytes_of, delivery_resp},
    tell::Teller,
};
use crate::{Raw, RawKind, SmppConfig, Unread};

/// The largest number of deliveries that wait for their acknowledgement. Further ones are answered "later".
const MOST_DELIVERIES: usize = 64;
/// The largest number of our answers and requests that wait to be written. With more, the SMSC asks without reading.
const MOST_REPLIES: usize = 1024;

/// The outcome of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Answered { status: u32, id: String },
    NotWritten,
    Lost(&'static str),
}

/// A segment to submit. The permit is its place in the window until it is answered or lost.
pub(super) struct Job {
    pub(super) submit: SubmitSm,
    pub(super) answer: oneshot::Sender<Part>,
    pub(super) permit: OwnedSemaphorePermit,
}

struct Flight {
    answer: oneshot::Sender<Part>,
    _permit: OwnedSemaphorePermit,
    deadline: Instant,
    is_touched: bool,
}

/// The unanswered segments, by sequence number.
struct Flights {
    last: u32,
    by_sequence: HashMap<u32, Flight>,
}

/// Bytes to write that are no submit.
enum Reply {
    Bytes(Vec<u8>),
    /// The last bytes before the link ends.
    Last(Vec<u8>),
}

/// Why a link ended, for a log or a page of operators.
pub(super) type End = &'static str;

/// Tells a link when its provider stops.
#[derive(Clone)]
pub(super) struct Stop {
    /// True when the provider stops. The sender is gone when the provider was dropped.
    pub(super) is_stopping: watch::Receiver<bool>,
    /// The number of messages that are being submitted. A link that leaves waits for their later segments.
    pub(super) messages: Arc<AtomicUsize>,
}

pub(super) struct Session<'a> {
    pub(super) config: &'a SmppConfig,
    pub(super) teller: Teller,
    pub(super) stop: Stop,
    flights: Arc<Mutex<Flights>>,
}

impl<'a> Session<'a> {
    pub(super) fn new(config: &'a SmppConfig, teller: Teller, stop: Stop) -> Self {
        // The bind had number 1.
        let flights = Arc::new(Mutex::new(Flights { last: 1, by_sequence: HashMap::new() }));
        Self { config, teller, stop, flights }
    }

    /// Works until the link ends, and reports the outcome of every submit.
    pub(super) async fn run(self, link: Link, mut jobs: mpsc::Receiver<Job>) -> End {
        let Link { mut frames, mut writer } = link;
        let (replies, mut replied) = mpsc::channel(MOST_REPLIES);
        let end = select! {
            end = self.read(&mut frames, replies) => end,
            end = self.write(&mut writer, &mut jobs, &mut replied) => end,
        };
        jobs.close();
        while let Some(job) = jobs.recv().await {
            job.answer.send(Part::NotWritten).ok();
        }
        for (_, flight) in self.flights().by_sequence.drain() {
            let part = if flight.is_touched { Part::Lost(end) } else { Part::NotWritten };
            flight.answer.send(part).ok();
        }
        // Closes TLS; the peer may be gone.
        timeout(Duration::from_secs(1), writer.shutdown()).await.ok();
        end
    }

    fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sequence(&self) -> u32 {
        let mut flights = self.flights();
        flights.last = if flights.last >= 0x7fff_ffff { 1 } else { flights.last + 1 };
        flights.last
    }

    async fn write<W: AsyncWrite + Unpin>(
        &self,
        writer: &mut W,
        jobs: &mut mpsc::Receiver<Job>,
        replied: &mut mpsc::Receiver<Reply>,
    ) -> End {
        const CUT: End = "the link was cut";
        loop {
            select! {
                biased;
                Some(reply) = replied.recv() => {
                    let (Reply::Bytes(bytes) | Reply::Last(bytes)) = &reply;
                    if writer.write_all(bytes).await.is_err() || writer.flush().await.is_err() {
                        return CUT;
                    }
                    if matches!(reply, Reply::Last(_)) {
                        return "the SMSC unbound";
                    }
                }
                Some(job) = jobs.recv() => {
                    if self.submit(writer, job).await.is_err() {
                        return CUT;
                    }
                }
                else => std::future::pending().await,
            }
        }
    }

    async fn submit<W: AsyncWrite + Unpin>(&self, writer: &mut W, job: Job) -> std::io::Result<()> {
        let sequence = self.sequence();
        let bytes = bytes_of(CommandStatus::EsmeRok, sequence, job.submit);
        let deadline = Instant::now() + self.config.response_seconds;
        // TLS may send a part of a record and then fail, so from here on the outcome is unknown.
        let is_touched = self.config.tls;
        let flight = Flight { answer: job.answer, _permit: job.permit, deadline, is_touched };
        self.flights().by_sequence.insert(sequence, flight);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let written = writer.write(rest).await?;
            if written == 0 {
                return Err(std::io::ErrorKind::WriteZero.into());
            }
            if let Some(flight) = self.flights().by_sequence.get_mut(&sequence) {
                flight.is_touched = true;
            }
            rest = rest.get(written..).unwrap_or_default();
        }
        writer.flush().await
    }

    async fn read<R: AsyncRead + Unpin>(&self, frames: &mut Frames<R>, replies: mpsc::Sender<Reply>) -> End {
        let mut reader =
            Reader { session: self, replies, deliveries: JoinSet::new(), heard: Instant::now(), asked: None, leaving: None };
        let SmppConfig { enquire_seconds, response_seconds, .. } = self.config;
        let step = (*enquire_seconds).min(*response_seconds) / 8;
        let mut tick = interval(step.clamp(Duration::from_millis(5), Duration::from_millis(250)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = self.stop.is_stopping.clone();
        loop {
            let step = select! {
                incoming = frames.next() => match incoming {
                    Ok(Some(incoming)) => reader.take(incoming).and_then(|()| reader.leave()),
                    Ok(None) if reader.leaving.is_some() => Err("stopped"),
                    Ok(None) => Err("the SMSC ended the link"),
                    Err(fault) if fault.kind() == std::io::ErrorKind::InvalidData => Err("the SMSC sent what is no SMPP"),
                    Err(_) => Err("the link was cut"),
                },
                _ = tick.tick() => reader.look(),
                Some(_) = reader.deliveries.join_next() => reader.leave(),
                changed = stopping.changed() => if changed.is_ok() { reader.look() } else { Err("dropped") },
            };
            if let Err(end) = step {
                return end;
            }
        }
    }
}

struct Reader<'s, 'a> {
    session: &'s Session<'a>,
    replies: mpsc::Sender<Reply>,
    deliveries: JoinSet<()>,
    /// When the SMSC was last heard.
    heard: Instant,
    /// When the unanswered enquire_link was sent.
    asked: Option<Instant>,
    /// When this side began to leave, and whether it has sent the unbind.
    leaving: Option<(Instant, bool)>,
}

impl Reader<'_, '_> {
    fn reply(&self, status: CommandStatus, sequence: u32, pdu: impl Into<Pdu>) -> Result<(), End> {
        self.say(Reply::Bytes(bytes_of(status, sequence, pdu)))
    }

    fn say(&self, reply: Reply) -> Result<(), End> {
        self.replies.try_send(reply).map_err(|_| "the SMSC asks without reading the answers")
    }

    fn answered(&self, sequence: u32, part: Part) {
        let flight = self.session.flights().by_sequence.remove(&sequence);
        if let Some(flight) = flight {
            flight.answer.send(part).ok();
        }
    }

    fn take(&mut self, incoming: Incoming) -> Result<(), End> {
        self.heard = Instant::now();
        self.asked = None;
        let command = match incoming {
            Incoming::Command(command) => command,
            Incoming::Delivery { kind, sequence, body } => return self.deliver(kind, sequence, body),
            Incoming::Malformed { command, sequence } => return self.malformed(command, sequence),
        };
        let sequence = command.sequence_number();
        match command.id() {
            CommandId::SubmitSmResp | CommandId::GenericNack => {
                let status = u32::from(command.status());
                let id = match command.pdu() {
                    Some(Pdu::SubmitSmResp(answer)) => answer.message_id().as_str().to_owned(),
                    _ => String::new(),
                };
                // A nack is a refusal, whatever its status.
                let is_nack = command.id() == CommandId::GenericNack && status == 0;
                self.answered(sequence, Part::Answered { status: if is_nack { 0xff } else { status }, id });
                Ok(())
            }
            CommandId::EnquireLink => self.reply(CommandStatus::EsmeRok, sequence, Pdu::EnquireLinkResp),
            CommandId::Unbind => self.say(Reply::Last(bytes_of(CommandStatus::EsmeRok, sequence, Pdu::UnbindResp))),
            CommandId::UnbindResp => Err("stopped"),
            CommandId::AlertNotification | CommandId::Outbind => Ok(()),
            other if u32::from(other) & 0x8000_0000 != 0 => Ok(()),
            _ => self.reply(CommandStatus::EsmeRinvcmdid, sequence, Pdu::GenericNack),
        }
    }

    fn malformed(&self, command: u32, sequence: u32) -> Result<(), End> {
        match CommandId::from(command) {
            CommandId::SubmitSmResp => {
                self.answered(sequence, Part::Lost("the SMSC's answer could not be read"));
                Ok(())
            }
            _ if command & 0x8000_0000 != 0 => Ok(()),
            _ => self.reply(CommandStatus::EsmeRinvcmdlen, sequence, Pdu::GenericNack),
        }
    }

    fn deliver(&mut self, kind: RawKind, sequence: u32, body: Vec<u8>) -> Result<(), End> {
        if self.deliveries.len() >= MOST_DELIVERIES {
            return self.reply(CommandStatus::EsmeRxTAppn, sequence, delivery_resp(kind));
        }
        let (teller, replies) = (self.session.teller.clone(), self.replies.clone());
        let Some(delivery) = Delivery::read(kind, &body) else {
            // The SMSC may not send this again, so it is kept, and the SMSC learns that it was wrong.
            let unread = Unread { raw: Raw { kind, bytes: body }, why: "malformed" };
            self.deliveries.spawn(async move {
                teller.tell(Delivered::Unread(unread)).await;
            });
            return self.reply(CommandStatus::EsmeRxPAppn, sequence, delivery_resp(kind));
        };
        let delivered = delivered(delivery);
        self.deliveries.spawn(async move {
            let status = if teller.tell(delivered).await { CommandStatus::EsmeRok } else { CommandStatus::EsmeRxTAppn };
            replies.send(Reply::Bytes(bytes_of(status, sequence, delivery_resp(kind)))).await.ok();
        });
        Ok(())
    }

    /// Checks the time limits: overdue answers, a silent link, a stop.
    fn look(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let SmppConfig { enquire_seconds, response_seconds, .. } = self.session.config;
        let is_late = self.session.flights().by_sequence.values().any(|flight| flight.deadline <= now);
        if is_late {
            return Err("a submit was not answered in time");
        }
        match self.asked {
            Some(asked) if now - asked >= *response_seconds => return Err("the SMSC does not answer"),
            None if now - self.heard >= *enquire_seconds => {
                self.asked = Some(now);
                self.reply(CommandStatus::EsmeRok, self.session.sequence(), Pdu::EnquireLink)?;
            }
            _ => {}
        }
        self.leave()
    }

    /// Leaves if the provider stops and no message is being submitted any more, or after too long a wait.
    fn leave(&mut self) -> Result<(), End> {
        if !*self.session.stop.is_stopping.borrow() {
            return Ok(());
        }
        let now = Instant::now();
        let response_seconds = self.session.config.response_seconds;
        let (since, has_said) = *self.leaving.get_or_insert((now, false));
        let has_messages = self.session.stop.messages.load(Ordering::SeqCst) > 0;
        let is_idle = !has_messages && self.session.flights().by_sequence.is_empty() && self.deliveries.is_empty();
        if has_said {
            return if now - since >= response_seconds { Err("stopped") } else { Ok(()) };
        }
        if is_idle || now - since >= response_seconds {
            self.leaving = Some((now, true));
            self.reply(CommandStatus::EsmeRok, self.session.sequence(), Pdu::Unbind)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
