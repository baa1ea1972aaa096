//! A gateway on an SMSC of this process.

use std::{sync::Arc, time::Duration};

use doorstep_gateway::{Event, GatewayConfig, LinkState, Notice, Outgoing, Provider, Smpp, SmppConfig, Submitted};
use doorstep_rules::sms::Segments;
use doorstep_tests::smsc::{Smsc, SmscOptions};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

pub const NUMBER: &str = "8613800000001";

pub struct Gate {
    pub smsc: Smsc,
    pub smpp: Arc<Smpp>,
    pub events: mpsc::Receiver<Notice>,
}

/// A configuration for an SMSC; `more` is TOML of the table `[smpp]`, and wins over what is here.
pub fn config(smsc: &Smsc, more: &str) -> SmppConfig {
    match GatewayConfig::parse(&toml(smsc.addr().port(), more)).unwrap() {
        GatewayConfig::Smpp(config) => *config,
        other => panic!("{other:?}"),
    }
}

/// The configuration as TOML.
pub fn toml(port: u16, more: &str) -> String {
    let mut keys = vec![
        "host = \"127.0.0.1\"".to_owned(),
        format!("port = {port}"),
        "system_id = \"doorstep\"".to_owned(),
        "password = \"secret\"".to_owned(),
        "source_addr = \"10690001\"".to_owned(),
        "tls = false".to_owned(),
        "per_second = 10000".to_owned(),
        "reconnect_seconds = 0.02".to_owned(),
        "throttle_seconds = 0.02".to_owned(),
        "response_seconds = 20".to_owned(),
    ];
    for line in more.lines() {
        let key = line.split(" = ").next().unwrap();
        keys.retain(|known| !known.starts_with(&format!("{key} = ")));
        keys.push(line.to_owned());
    }
    format!("provider = \"smpp\"\n[smpp]\n{}\n", keys.join("\n"))
}

impl Gate {
    /// A bound gateway on a plain SMSC.
    pub async fn new(more: &str) -> Self {
        Self::with(SmscOptions::default(), more).await
    }

    /// A bound gateway.
    pub async fn with(options: SmscOptions, more: &str) -> Self {
        let smsc = Smsc::start(options).await;
        let gate = Self::on(smsc, more);
        gate.bound().await;
        gate
    }

    /// A gateway that is still making its link.
    pub fn on(smsc: Smsc, more: &str) -> Self {
        let (sender, events) = mpsc::channel(16);
        let smpp = Arc::new(Smpp::start(config(&smsc, more), sender).unwrap());
        Self { smsc, smpp, events }
    }

    pub async fn bound(&self) {
        self.until(|state| *state == LinkState::Bound).await;
    }

    pub async fn until(&self, is_wanted: impl FnMut(&LinkState) -> bool) -> LinkState {
        let mut link = self.smpp.link();
        timeout(Duration::from_secs(20), link.wait_for(is_wanted)).await.expect("the link changes").unwrap().clone()
    }

    pub async fn submit(&self, text: &str) -> Submitted {
        let message = outgoing(NUMBER, text);
        timeout(Duration::from_secs(20), Provider::submit(&*self.smpp, &message)).await.expect("a submit ends")
    }

    /// Submits in a task of its own.
    pub fn submitting(&self, to: &str, text: &str) -> JoinHandle<Submitted> {
        let (smpp, message) = (self.smpp.clone(), outgoing(to, text));
        tokio::spawn(async move { Provider::submit(&*smpp, &message).await })
    }

    pub async fn notice(&mut self) -> Notice {
        timeout(Duration::from_secs(20), self.events.recv()).await.expect("an event comes").unwrap()
    }

    /// The next event, which is then durable.
    pub async fn event(&mut self) -> Event {
        let notice = self.notice().await;
        let event = notice.event.clone();
        notice.acknowledge(true);
        event
    }
}

pub fn outgoing(to: &str, text: &str) -> Outgoing {
    Outgoing {
        reference: "r1".to_owned(),
        to: to.to_owned(),
        text: text.to_owned(),
        segments: Segments::of(text),
        validity: Duration::from_secs(86_400),
        extension: None,
    }
}

/// The ids of what was accepted.
pub fn accepted(submitted: Submitted) -> Vec<String> {
    match submitted {
        Submitted::Accepted { ids } => ids,
        other => panic!("{other:?}"),
    }
}
