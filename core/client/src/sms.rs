//! Dispatches SMS to customers by the phone or the gateway. Each step is durable before it is taken.

use std::sync::{PoisonError, atomic::Ordering};

use doorstep_domain::{Body, CaseId, ChangeHash, EntryKey, Number, SmsFault, SmsState, Waybill};
use doorstep_protocol::{LeaseRequest, LeaseResponse, decode};
use doorstep_rules::{
    Message,
    sms::{Ability, Segments, Step, next},
};
use doorstep_store::{Act, CaseView, Recording, Segment, SmsStep, StoreError};
use doorstep_sync::Failure;

use crate::{
    Client, ClientError, OutgoingSms, Refusal, SmsPreview, SmsResult, SmsWish,
    command::{preview_sms, report},
    drive::{Asking, Host},
    http::packed,
    inner::{InHand, Inner},
};

/// The result of dispatching the messages of this device once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dispatched {
    /// Number of messages handed to the platform.
    pub sent: u32,
    /// Number of messages left to the gateway.
    pub offered: u32,
    /// Number of messages settled without being sent: expired, covered, uncertain.
    pub settled: u32,
}

/// Time after an answer during which the server counts as reachable, milliseconds.
const REACH_MS: u64 = 60_000;
/// Most steps of one message in one run. Each step is durable and none repeats; a case that changes meanwhile is read again.
const MOST_STEPS: u32 = 8;

/// The id of a try for the platform: case, entry, number of the try.
fn reference(case: &CaseId, entry: &EntryKey, round: u32) -> String {
    format!("{case}:{entry}:{round}")
}

fn read_reference(text: &str) -> Option<(CaseId, EntryKey, u32)> {
    let mut fields = text.split(':');
    let parsed = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    fields.next().is_none().then_some(parsed)
}

impl Inner {
    /// Whether the server has answered a short time ago.
    pub(crate) fn is_online(&self) -> bool {
        let (now, at) = (self.clock.read().mono_ms, self.transport.online_at.load(Ordering::Relaxed));
        at > 0 && now.saturating_sub(at - 1) <= REACH_MS
    }

    fn in_hand(&self) -> std::sync::MutexGuard<'_, InHand> {
        self.sms.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// The SMS to a recipient as it would be sent now, with its segments and what it would lack to count.
    pub fn preview_sms(&self, waybill: &str, wish: &SmsWish) -> Result<SmsPreview, ClientError> {
        let now = self.unlocked()?;
        let wall = self.inner.clock.read().wall;
        let mut store = self.inner.store();
        let who = store.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        let book = store.book()?.ok_or(ClientError::Refused(Refusal::NoPack))?;
        preview_sms(&mut store, (&who, &book), (&Waybill::parse(waybill)?, wish), (wall, now))
    }

    /// The cases with SMS that must still be sent or settled.
    pub fn open_messages(&self) -> Result<Vec<CaseView>, ClientError> {
        let now = self.unlocked()?;
        Ok(self.inner.store().open_messages(now)?)
    }

    /// Dispatches every SMS of this device as far as possible now: leaves it to the gateway if one is reachable, hands it to the
    /// phone if there is cellular service, and reports messages whose sending was interrupted. It is called after every sync; the
    /// app must call it when the platform reports that cellular service has come back. It works while the device is locked.
    pub fn dispatch_sms(&self) -> Result<Dispatched, ClientError> {
        let mut done = Dispatched::default();
        let mut failed = None;
        // Only one run at a time in this process. A step that another process took is not repeated, see `SmsStep`.
        let _turn = self.inner.sms.dispatching.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.inner.now()?;
        let views = self.inner.store().open_messages(now)?;
        for view in views {
            for message in &view.judgement.messages {
                // A failure of one message must not stop the others.
                if let Err(error) = self.move_on(&view, &message.entry, &mut done) {
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(done), Err)
    }

    fn move_on(&self, view: &CaseView, entry: &EntryKey, done: &mut Dispatched) -> Result<(), ClientError> {
        let waybill = &view.case.facts.waybill;
        for _ in 0..MOST_STEPS {
            // Read the heads before the case: a step is taken only if nothing has changed since.
            let heads = self.inner.store().heads(&view.id)?;
            let Some((fresh, message)) = self.message(waybill, entry)? else { return Ok(()) };
            let step = |round, (state, fault)| {
                let decided = SmsStep { heads: heads.clone(), entry: entry.clone(), round, parts: 0 };
                self.write(waybill, entry, round, (state, fault), Some(decided))
            };
            // Hand over at most once in a run: a phone that reports that it can send, but cannot, is asked again in the next run.
            let (taken, count, is_last) = match self.next_step(&fresh, &message)? {
                Step::Wait => return Ok(()),
                Step::Offer(round) => (step(round, (SmsState::Offered, None)), &mut done.offered, false),
                Step::Settle(round, SmsState::Uncertain, fault) => {
                    // The platform's results from before this process died are stored.
                    let parts = self.inner.store().segments(&view.id, entry, round)?;
                    let known = whole(&parts, Some(SmsFault::Generic)).unwrap_or((SmsState::Uncertain, fault));
                    (step(round, known), &mut done.settled, false)
                }
                Step::Settle(round, state, fault) => (step(round, (state, fault)), &mut done.settled, false),
                Step::Send(round) => (self.send(&fresh, entry, round, heads), &mut done.sent, true),
            };
            match taken {
                Ok(()) => {
                    *count += 1;
                    if is_last {
                        return Ok(());
                    }
                }
                Err(ClientError::Store(StoreError::CaseMoved)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn message(&self, waybill: &Waybill, entry: &EntryKey) -> Result<Option<(CaseView, Message)>, ClientError> {
        let now = self.inner.now()?;
        let Some(view) = self.inner.store().case(waybill, now)? else { return Ok(None) };
        let message = view.judgement.messages.iter().find(|message| message.entry == *entry).cloned();
        Ok(message.map(|message| (view, message)))
    }

    fn next_step(&self, view: &CaseView, message: &Message) -> Result<Step, ClientError> {
        let now = self.inner.now()?;
        let (tags, gateway, book) = {
            let mut store = self.inner.store();
            (store.tags()?, store.has_gateway()?, store.book()?)
        };
        let Some(book) = book else { return Ok(Step::Wait) };
        let in_hand = self.inner.in_hand().contains(&(view.id, message.entry.clone(), message.round));
        let phone = self.inner.sms.sender.as_ref().is_some_and(|sender| sender.can_send());
        let can = Ability { tags: &tags, online: self.inner.is_online(), gateway, phone, in_hand };
        let ended = view.judgement.state == doorstep_rules::State::Closed;
        Ok(next(message, &view.judgement.messages, book.at(now), ended, &can, now))
    }

    /// Hands a message to the platform. `submitting` is durable first, so that a later crash leaves the message uncertain, not
    /// unsent.
    fn send(&self, view: &CaseView, entry: &EntryKey, round: u32, heads: Vec<ChangeHash>) -> Result<(), ClientError> {
        let (Some(sender), Some(recorded)) = (self.inner.sms.sender.clone(), view.case.entry(entry)) else { return Ok(()) };
        let Body::Sms(sms) = &recorded.entry.body else { return Ok(()) };
        let waybill = &view.case.facts.waybill;
        let (Some(to), Some(text)) = (sms.to.text(), sms.text.text()) else {
            return self.tell(waybill, entry, round, SmsState::Failed, Some(SmsFault::NullPdu));
        };
        let Ok(number) = Number::for_sms(to) else {
            // An earlier version of the app recorded it. The digits that are left of such a text are a stranger's number.
            return self.tell(waybill, entry, round, SmsState::Failed, Some(SmsFault::Number));
        };
        let parcel = self.inner.store().parcel(waybill)?;
        let now = self.inner.now()?;
        // The number may have ended while the message waited.
        if parcel.is_some_and(|parcel| parcel.is_ended_number(to, now)) {
            return self.tell(waybill, entry, round, SmsState::Expired, None);
        }
        let parts = Segments::of(text).parts;
        let in_hand = (view.id, entry.clone(), round);
        self.inner.in_hand().insert(in_hand.clone());
        let sending = SmsStep { heads, entry: entry.clone(), round, parts: parts.len() };
        if let Err(error) = self.write(waybill, entry, round, (SmsState::Submitting, None), Some(sending)) {
            self.inner.in_hand().remove(&in_hand);
            return Err(error);
        }
        let message =
            OutgoingSms { reference: reference(&view.id, entry, round), to: number.dialled(), text: text.to_owned(), parts };
        if let Err(fault) = sender.send(&message) {
            self.inner.in_hand().remove(&in_hand);
            self.tell(waybill, entry, round, SmsState::Failed, Some(fault))?;
        }
        Ok(())
    }

    /// Takes the platform's result for an SMS. A repeated or outdated result has no effect.
    pub fn sms_result(&self, reference: &str, result: SmsResult) -> Result<(), ClientError> {
        let (case, entry, round) = read_reference(reference).ok_or(ClientError::Internal("no reference of an SMS"))?;
        let Some(waybill) = self.waybill_of(&case)? else { return Ok(()) };
        let Some((view, message)) = self.message(&waybill, &entry)? else { return Ok(()) };
        let segment =
            |n: u32, state| Ok::<_, ClientError>(self.inner.store().take_segment(&case, &entry, round, n as usize, state)?);
        let whole = match result {
            SmsResult::HandedOver => Some((SmsState::HandedOver, None)),
            SmsResult::Cancelled => Some((SmsState::Cancelled, None)),
            SmsResult::PartSent(n) => whole(&segment(n, Segment::Sent)?, None),
            SmsResult::PartDelivered(n) => whole(&segment(n, Segment::Delivered)?, None),
            SmsResult::PartFailed(n, fault) => {
                let state = if fault.is_before_sending() { Segment::NotSent } else { Segment::Failed };
                whole(&segment(n, state)?, Some(fault))
            }
        };
        let Some((state, fault)) = whole else { return Ok(()) };
        self.inner.in_hand().remove(&(case, entry.clone(), round));
        let is_said = view.case.timeline.iter().any(|recorded| match &recorded.entry.body {
            Body::SmsReport(said) => said.of == entry && said.round == round && said.state >= state,
            _ => false,
        });
        // Skip a repeated result, or one of an earlier try unless that try has left after all.
        if is_said || (message.round > round && !state.has_left()) {
            return Ok(());
        }
        self.tell(&waybill, &entry, round, state, fault)
    }

    fn waybill_of(&self, case: &CaseId) -> Result<Option<Waybill>, ClientError> {
        let now = self.inner.now()?;
        Ok(self.inner.store().case_by_id(case, now)?.map(|view| view.case.facts.waybill))
    }

    /// Offers a message of this device to other senders, if nobody has begun to send it.
    fn give_up(&self, view: &CaseView, entry: &EntryKey) -> Result<(), ClientError> {
        let waybill = &view.case.facts.waybill;
        let _turn = self.inner.sms.dispatching.lock().unwrap_or_else(PoisonError::into_inner);
        let (heads, tags) = {
            let store = self.inner.store();
            (store.heads(&view.id)?, store.tags()?)
        };
        let Some((_, message)) = self.message(waybill, entry)? else { return Ok(()) };
        if message.state != SmsState::Queued || !tags.contains(&entry.tag) {
            return Ok(());
        }
        let decided = SmsStep { heads, entry: entry.clone(), round: message.round, parts: 0 };
        self.write(waybill, entry, message.round, (SmsState::Offered, None), Some(decided))
    }

    fn tell(
        &self,
        waybill: &Waybill,
        entry: &EntryKey,
        round: u32,
        state: SmsState,
        fault: Option<SmsFault>,
    ) -> Result<(), ClientError> {
        self.write(waybill, entry, round, (state, fault), None)
    }

    fn write(
        &self,
        waybill: &Waybill,
        entry: &EntryKey,
        round: u32,
        (state, fault): (SmsState, Option<SmsFault>),
        taking: Option<SmsStep>,
    ) -> Result<(), ClientError> {
        let told = Act::SmsReport(report(entry.clone(), state, round, fault));
        self.record_unasked(&Recording::on(waybill.clone(), told), &[], taking).map(drop)
    }

    /// Asks the server for the lease of an SMS, so that this device may send a message whose attempt another device recorded, or
    /// that it has offered to the gateway. The lease comes as an entry; [`Client::dispatch_sms`] then sends the message.
    pub async fn lease_sms(&self, waybill: &str) -> Result<(), ClientError> {
        self.unlocked()?;
        let waybill = self.inner.store().main_number(&Waybill::parse(waybill)?)?;
        let now = self.inner.now()?;
        let view = self.inner.store().case(&waybill, now)?;
        let view = match view {
            Some(view) => view,
            None => return Err(ClientError::Refused(self.why_nothing(waybill.as_str())?)),
        };
        let open = view.judgement.messages.iter().rev().find(|message| message.is_open());
        let message = open.ok_or(ClientError::Refused(Refusal::NoLease { why: "no_message".into() }))?;
        let who = self.identity()?.ok_or(ClientError::Refused(Refusal::NotEnrolled))?;
        self.give_up(&view, &message.entry)?;
        // The server leases only messages that it has.
        self.sync().await?;
        let mut host = Host::new(&self.inner)?;
        let request = LeaseRequest { case: view.id, entry: message.entry.to_string(), install: who.install };
        let answer = host.call(&Asking::post("/v1/sms/lease", packed(&request)?)).await.map_err(ClientError::Network)?;
        let answer: LeaseResponse = answer.and_then(|bytes| decode(&bytes).ok()).ok_or(ClientError::Network(Failure::Network))?;
        match answer {
            LeaseResponse { until_ms: Some(_), .. } => self.sync().await.map(drop),
            LeaseResponse { why, .. } => Err(ClientError::Refused(Refusal::NoLease { why: why.unwrap_or_default() })),
        }
    }
}

/// The state of a message by the states of its segments; `None` if it is not decided yet. If a segment certainly has not left,
/// the message is tried again only if no segment has left.
fn whole(parts: &[Segment], fault: Option<SmsFault>) -> Option<(SmsState, Option<SmsFault>)> {
    let count = |is: fn(&Segment) -> bool| parts.iter().filter(|part| is(part)).count();
    let failed = count(|part| *part < Segment::HandedOver);
    let waiting = count(|part| *part == Segment::HandedOver);
    let surely_not = count(|part| *part == Segment::NotSent);
    match parts.iter().min()? {
        Segment::Delivered => Some((SmsState::Delivered, None)),
        Segment::Sent => Some((SmsState::Sent, None)),
        Segment::HandedOver => None,
        _ if failed + waiting < parts.len() => Some((SmsState::Failed, Some(SmsFault::Partial))),
        _ if waiting > 0 => None,
        _ if surely_not == parts.len() => Some((SmsState::Failed, fault)),
        // Some segments may have left.
        _ => Some((SmsState::Failed, Some(fault.filter(|fault| !fault.is_before_sending()).unwrap_or(SmsFault::Generic)))),
    }
}
