//! A first record, with no network at all: open a client on an empty folder, record a failed delivery, show the list.
//!
//!     cargo run -p doorstep-client --example first_record
//!
//! An app does the middle part with `Client::enrol(server, code)`: it brings the person, the rules and the day's parcels. There is no server
//! here, so the example puts a person and the rules into the store by hand.

use std::error::Error;

use doorstep_client::{Act, Attempt, Client, Clock, Filter, Options, Recording, SystemClock};
use doorstep_domain::{Author, DeviceId, InstallId, Role};
use doorstep_protocol::{Publication, RefKind, Reference, Signed, Token, encode};
use doorstep_rules::{FIRST_PACK, words};
use doorstep_store::{Enrolment, Session, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let now = SystemClock::new().read().wall;

    // What enrolling would bring.
    let mut store = Store::open(folder.path())?;
    let author = Author { user: "c101".parse()?, role: Role::Courier, outlet: "0412".parse()? };
    let token = Token { secret: "of no server".to_owned(), expires_ms: now.0 };
    let session = Session { server: "http://127.0.0.1:1".to_owned(), server_key: vec![4; 65], token };
    let (device, install, name) = (DeviceId::new([1; 16]), InstallId::new([1; 16]), "李建军".to_owned());
    store.enrol(&Enrolment { device, install, author, name, session }, now)?;
    let rules =
        Publication { network: "QH".to_owned(), version: 1, published_ms: 0, valid_from_ms: 0, toml: FIRST_PACK.to_vec() };
    let signed = Signed { body: encode(&rules)?, sig: vec![] };
    store.take_refs(RefKind::Pack, &Reference { version: 1, packs: vec![(rules, signed)], ..Reference::default() }, now)?;
    drop(store);

    // From here on it is what an app does.
    let client = Client::open(folder.path(), Options::default())?;
    let nobody = Act::Fail(Attempt::of("DF-NOBODY".parse()?));
    let outcome = client.record(&Recording::of("QH310000000017", nobody)?, &[])?;
    // Durable now, whatever happens to this process. Nobody else has it yet.
    for view in &outcome.cases {
        let (state, next) = (words(view.judgement.state.as_str()), words(view.judgement.next_step.as_str()));
        println!("{}: {}, next: {}", view.case.facts.waybill, state.en, next.en);
    }

    // The list needs no document: a row has what a screen shows, and the earliest deadline comes first.
    for row in client.cases(&Filter::default())? {
        println!("{}  [{}]  {}  attempts: {}, unsent: {}", row.waybill, row.state, row.reason, row.attempts, row.unsent);
    }
    let status = client.status()?;
    println!("to be sent: {}", status.unsent.len());
    Ok(())
}
