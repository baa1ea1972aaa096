//! Passes deliveries to the receiver, and waits until they are durable.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use super::{
    deliver::Delivered,
    joiner::{Joined, Joiner, Whole},
};
use crate::{Event, Inbound, Notice, Raw, RawKind};

/// Passes deliveries on. The links of a provider share it.
#[derive(Clone)]
pub(super) struct Teller {
    pub(super) events: mpsc::Sender<Notice>,
    pub(super) joiner: Joiner,
    /// How long the receiver may take.
    pub(super) answer_within: Duration,
}

impl Teller {
    /// Passes a delivery on. Returns whether the SMSC may forget it.
    pub(super) async fn tell(&self, delivered: Delivered) -> bool {
        let part = match delivered {
            Delivered::Unread(unread) => return self.is_durable(Event::Unread(unread)).await,
            Delivered::Receipt(receipt) => return self.is_durable(Event::Receipt(receipt)).await,
            Delivered::Part(part) => part,
        };
        let Some(place) = part.place else {
            let text = part.coding.text(&part.bytes);
            let (coding, raw) = (Some(part.given), Raw { kind: RawKind::UserData, bytes: part.whole });
            let inbound = Inbound { from: part.from, to: part.to, text, id: None, coding, raw };
            return self.is_durable(Event::Inbound(inbound)).await;
        };
        match self.joiner.take(part, place) {
            Joined::Whole(whole) => self.settle(*whole).await,
            Joined::Held(hold) => hold.answer().await,
            Joined::Full => false,
        }
    }

    /// Reports incomplete messages whose segments have not come in time.
    pub(super) async fn tell_overdue(&self) {
        for whole in self.joiner.overdue(Instant::now()) {
            self.settle(whole).await;
        }
    }

    async fn settle(&self, whole: Whole) -> bool {
        let is_durable = self.is_durable(Event::Inbound(whole.inbound.clone())).await;
        whole.settle(is_durable);
        is_durable
    }

    async fn is_durable(&self, event: Event) -> bool {
        let (done, answer) = oneshot::channel();
        let told = async { self.events.send(Notice { event, done }).await.is_ok() && answer.await.unwrap_or(false) };
        timeout(self.answer_within, told).await.unwrap_or(false)
    }
}
