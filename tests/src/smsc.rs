//! An SMSC in this process, on a free port of loopback: what it answers is scripted, what it got is kept byte by byte.
//!
//! It writes and reads PDUs by hand and shares no code with the gateway, so that a fault there is not hidden by the same one here.

mod certificate;
mod connection;
mod pdu;
mod script;
mod seen;
mod state;

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

pub use certificate::Certificate;
pub use pdu::{DELIVER_SM, hex, tlv, utf16};
pub use script::{Answer, BindAnswer, Ids, Receipts, SmscOptions};
pub use seen::{Message, Seen, Submit};
pub use state::Delivery;

use self::{
    pdu::{Deliver, ENQUIRE_LINK, UNBIND, plain},
    state::{Out, Shared, State},
};

/// An SMSC. Ends when dropped.
pub struct Smsc {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Smsc {
    /// Starts one.
    pub async fn start(options: SmscOptions) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), options).await
    }

    /// Starts one where another one was.
    pub async fn start_at(addr: SocketAddr, options: SmscOptions) -> Self {
        let listener = TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let tls = options.tls.as_ref().map(|certificate| TlsAcceptor::from(certificate.server.clone()));
        let state = State {
            answers: VecDeque::new(),
            binds: VecDeque::new(),
            next_id: 2587,
            next_sequence: 1,
            next_connection: 1,
            seen: Seen::default(),
            bound: Vec::new(),
            all: Vec::new(),
            held: Vec::new(),
            delivering: HashMap::new(),
        };
        let shared = Arc::new(Shared { options, state: Mutex::new(state), changed: watch::Sender::new(0) });
        let of_task = shared.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection::serve(stream, tls.clone(), of_task.clone()));
            }
        });
        Self { addr, shared, accepting }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What the next submits get, one each; then [`Answer::Ok`] again.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.state().answers.extend(answers);
    }

    /// What the next binds get, one each; then [`BindAnswer::Ok`] again.
    pub fn script_binds(&self, answers: impl IntoIterator<Item = BindAnswer>) {
        self.shared.state().binds.extend(answers);
    }

    /// Forgets what was scripted for binds: from now on they succeed.
    pub fn let_bind(&self) {
        self.shared.state().binds.clear();
    }

    /// Looks at what was seen so far.
    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.shared.state().seen)
    }

    /// Waits until something was seen; fails after 20 seconds.
    pub async fn until(&self, what: &str, mut is_seen: impl FnMut(&Seen) -> bool) {
        let mut changed = self.shared.changed.subscribe();
        let wait = async {
            while !is_seen(&self.shared.state().seen) {
                changed.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("not seen: {what}"));
    }

    /// Answers what was held, in the order of coming.
    pub fn release(&self) {
        let mut state = self.shared.state();
        for (out, bytes) in std::mem::take(&mut state.held) {
            state.seen.unanswered -= 1;
            out.send(Out::Bytes(bytes)).ok();
        }
    }

    /// Sends a receipt of a message, by the id in decimal.
    pub fn receipt(&self, id: &str, stat: &str, err: &str) -> Delivery {
        let id = id.parse().expect("the id in decimal");
        self.deliver(&Deliver::receipt(&self.shared.options.receipt_ids.spell(id), stat, err))
    }

    /// Delivers a receipt from the number that the message went to.
    pub fn receipt_to(&self, number: &str, id: &str, stat: &str, err: &str) -> Delivery {
        let id = id.parse().expect("the id in decimal");
        let receipt = Deliver::receipt(&self.shared.options.receipt_ids.spell(id), stat, err);
        self.deliver(&Deliver { from: number, ..receipt })
    }

    /// Sends a customer's message: ASCII if it is, else UCS-2.
    pub fn inbound(&self, from: &str, to: &str, text: &str) -> Delivery {
        self.deliver(&Deliver::text(from, to, text))
    }

    /// Sends one segment of a customer's message, UCS-2.
    pub fn inbound_part(&self, from: &str, to: &str, text: &str, (reference, of, number): (u8, u8, u8)) -> Delivery {
        self.deliver(&Deliver::part(from, to, text, (reference, of, number)))
    }

    /// Sends a `deliver_sm` with any coding and bytes.
    pub fn inbound_bytes(&self, from: &str, to: &str, esm_class: u8, data_coding: u8, bytes: &[u8]) -> Delivery {
        self.delivery((from, to), (esm_class, data_coding), bytes, &[])
    }

    /// Sends a `deliver_sm` with any class, coding, bytes and optional fields.
    pub fn delivery(&self, (from, to): (&str, &str), (esm_class, data_coding): (u8, u8), bytes: &[u8], tlvs: &[u8]) -> Delivery {
        let (bytes, tlvs) = (bytes.to_vec(), tlvs.to_vec());
        self.deliver(&Deliver { from, to, esm_class, data_coding, bytes, tlvs, is_data: false })
    }

    /// Sends a `data_sm`, whose text is an optional field too.
    pub fn data(&self, (from, to): (&str, &str), (esm_class, data_coding): (u8, u8), tlvs: &[u8]) -> Delivery {
        let (bytes, tlvs) = (Vec::new(), tlvs.to_vec());
        self.deliver(&Deliver { from, to, esm_class, data_coding, bytes, tlvs, is_data: true })
    }

    /// Sends a receipt without a text: only the fields beside it.
    pub fn receipt_fields(&self, id: &str, state: u8) -> Delivery {
        self.deliver(&Deliver::fields(id, state))
    }

    fn deliver(&self, deliver: &Deliver<'_>) -> Delivery {
        self.shared.deliver(deliver)
    }

    /// Sends bytes as they are to every bound connection.
    pub fn raw(&self, bytes: &[u8]) {
        for (_, out) in &self.shared.state().bound {
            out.send(Out::Bytes(bytes.to_vec())).ok();
        }
    }

    /// Asks the ESME whether it lives.
    pub fn enquire_link(&self) {
        self.raw(&plain(ENQUIRE_LINK, 0, 77_777));
    }

    /// Unbinds; the ESME ends the connection.
    pub fn unbind(&self) {
        self.raw(&plain(UNBIND, 0, 88_888));
    }

    /// Ends every connection at once.
    pub fn cut(&self) {
        for (_, out) in std::mem::take(&mut self.shared.state().all) {
            out.send(Out::Cut).ok();
        }
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}
