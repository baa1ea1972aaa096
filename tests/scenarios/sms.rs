//! The customer's SMS with a real server, real clients, and an SMSC on loopback.

mod crash;
mod gateway;
mod http;
mod network;
mod numbers;
mod phone;
mod receipts;
mod torn;
mod turns;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use doorstep_client::{Act, Client, Dispatched, OutgoingSms, Recording, SmsResult, SmsSender, SmsWish};
use doorstep_domain::{EntryKey, SmsFault, SmsReport, SmsState, SmsWay};
use doorstep_rules::{Flag, Message};
use doorstep_server::GatewayConfig;
use doorstep_tests::{
    Device, LinkMode, World, on,
    smsc::{Smsc, SmscOptions},
    waybill,
};

/// A phone's radio: with or without service, and what it was given.
#[derive(Default)]
pub struct Radio {
    service: AtomicBool,
    refuses: Mutex<Option<SmsFault>>,
    given: Mutex<Vec<OutgoingSms>>,
}

impl Radio {
    pub fn new(service: bool) -> Arc<Self> {
        let radio = Self::default();
        radio.service.store(service, Ordering::Relaxed);
        Arc::new(radio)
    }

    pub fn has_service(&self, service: bool) {
        self.service.store(service, Ordering::Relaxed);
    }

    pub fn given(&self) -> Vec<OutgoingSms> {
        self.given.lock().unwrap().clone()
    }

    /// The reference of the only message that it was given.
    pub fn only(&self) -> String {
        let given = self.given();
        assert_eq!(given.len(), 1);
        given[0].reference.clone()
    }
}

impl SmsSender for Radio {
    fn can_send(&self) -> bool {
        self.service.load(Ordering::Relaxed)
    }

    fn send(&self, message: &OutgoingSms) -> Result<(), SmsFault> {
        if let Some(fault) = *self.refuses.lock().unwrap() {
            return Err(fault);
        }
        self.given.lock().unwrap().push(message.clone());
        Ok(())
    }
}

/// The configuration of a gateway to an SMSC.
pub fn smpp(smsc: &Smsc, more: &str) -> GatewayConfig {
    let toml = format!(
        "provider = \"smpp\"\n[smpp]\nhost = \"127.0.0.1\"\nport = {}\nsystem_id = \"doorstep\"\npassword = \"secret\"\n\
         source_addr = \"10690001\"\ntls = false\nper_second = 10000\nreconnect_seconds = 0.05\nthrottle_seconds = 0.05\n{more}",
        smsc.addr().port()
    );
    GatewayConfig::parse(&toml).unwrap()
}

pub async fn smsc() -> Smsc {
    Smsc::start(SmscOptions { password: "secret".into(), ..SmscOptions::default() }).await
}

/// An SMS by the template, queued.
pub fn sms(n: u32) -> Recording {
    on(waybill(n), Act::Sms { wish: SmsWish::default(), state: None, fault: None })
}

/// The report that an SMS is left to the first that gets a lease.
pub fn offered(waybill: String, of: EntryKey) -> Recording {
    let (state, way, holder, fault, at, words) = (SmsState::Offered, SmsWay::Phone, None, None, None, None);
    on(waybill, Act::SmsReport(SmsReport { of, state, round: 0, way, holder, fault, at, words }))
}

/// A failed delivery with its SMS, queued.
pub fn fail_and_write(device: &Device, n: u32) {
    device.fail(n, "DF-NOBODY").unwrap();
    device.client.record(&sms(n), &[]).unwrap();
}

/// The only SMS of a case, as a device sees it.
pub fn only(client: &Client, n: u32) -> Message {
    let messages = all(client, n);
    assert_eq!(messages.len(), 1);
    messages[0].clone()
}

pub fn all(client: &Client, n: u32) -> Vec<Message> {
    client.case(&waybill(n)).unwrap().unwrap().judgement.messages
}

pub fn flags(client: &Client, n: u32) -> Vec<Flag> {
    client.case(&waybill(n)).unwrap().unwrap().judgement.flags
}

/// Syncs until the only SMS of a case has come so far.
pub async fn until(device: &Device, n: u32, state: SmsState) -> Message {
    for _ in 0..200 {
        device.client.sync().await.unwrap();
        let message = only(&device.client, n);
        if message.state == state {
            return message;
        }
        // Until the server hints that something moved; at most a second.
        device.client.wait_for_hint(1).await.unwrap();
    }
    panic!("never {state:?}: {:?}", only(&device.client, n).state);
}
