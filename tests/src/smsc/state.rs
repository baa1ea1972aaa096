//! What the connections of an SMSC share: what it still answers, what it has seen, and who is bound.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    pdu::Deliver,
    script::{Answer, BindAnswer, SmscOptions},
    seen::Seen,
};

/// What a connection's writer is told.
pub enum Out {
    Bytes(Vec<u8>),
    Cut,
}

pub struct Shared {
    pub options: SmscOptions,
    pub state: Mutex<State>,
    pub changed: watch::Sender<u64>,
}

pub struct State {
    pub answers: VecDeque<Answer>,
    pub binds: VecDeque<BindAnswer>,
    pub next_id: u64,
    pub next_sequence: u32,
    pub next_connection: u64,
    pub seen: Seen,
    /// The connections that are bound, in the order of binding.
    pub bound: Vec<(u64, mpsc::UnboundedSender<Out>)>,
    pub all: Vec<(u64, mpsc::UnboundedSender<Out>)>,
    pub held: Vec<(mpsc::UnboundedSender<Out>, Vec<u8>)>,
    pub delivering: HashMap<u32, (u64, oneshot::Sender<u32>)>,
}

/// A delivery on its way: its end is what the ESME answered.
pub struct Delivery(oneshot::Receiver<u32>);

impl Delivery {
    /// The status of the answer; `None` if the link ended without one.
    pub async fn answer(self) -> Option<u32> {
        tokio::time::timeout(Duration::from_secs(20), self.0).await.expect("a delivery is answered or its link ends").ok()
    }
}

impl Shared {
    pub fn state(&self) -> MutexGuard<'_, State> {
        // An assertion that failed while it looked shall not hide behind the next one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what was seen, and wakes those who wait.
    pub fn see<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.changed.send_modify(|count| *count += 1);
        changed
    }

    /// To the connection that bound last.
    pub fn deliver(&self, deliver: &Deliver<'_>) -> Delivery {
        let mut state = self.state();
        let sequence = state.next_sequence;
        state.next_sequence += 1;
        let (answered, answer) = oneshot::channel();
        let (connection, out) = state.bound.last().expect("an ESME is bound").clone();
        state.delivering.insert(sequence, (connection, answered));
        out.send(Out::Bytes(deliver.bytes(sequence))).ok();
        Delivery(answer)
    }
}
