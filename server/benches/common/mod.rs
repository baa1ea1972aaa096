//! A data folder with a list of parcels and one courier's phone, and the phone's signed batches as they come over the network.
#![allow(dead_code, reason = "each bench uses a part")]

use std::path::Path;

use doorstep_document::{Change, NewEntry, Position, pack};
use doorstep_domain::*;
use doorstep_protocol::{
    Batch, FeedPage, Header, Link, Pull, PushDoc, Scope, Sending, Signed, SyncRequest, SyncResponse, decode, encode, open, seal,
    signing::doc_digest,
};
use doorstep_server::{
    admin::Admin,
    workbench::{Newcomer, Workbench},
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};

/// How many changes the phone records in a case.
pub const CHANGES: u64 = 20;
/// The time from one case to the next: a courier needs it to go to another door.
const A_CASE_MS: u64 = 70_000;
/// How many cases are in a batch: with 20 changes each the most that a phone sends at once.
const CASES_A_BATCH: u32 = 250;
const BOOT: BootId = BootId([1, 2, 3, 4]);
const INSTALL: InstallId = InstallId::new([9; 16]);

fn mono(since_morning: u64) -> u64 {
    1_000_000 + since_morning
}

pub fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

fn waybill(n: u32) -> Waybill {
    Waybill::parse(&format!("QH7{n:011}")).unwrap()
}

fn words(n: u64) -> Personal {
    let parts = ["敲门三次无人应答", "电话无人接听", "门口有留言", "已放前台", "客户改约明天", "保安不让进", "已短信通知"];
    Personal::plain(&format!("{}，{}（{}）", parts[n as usize % 7], parts[(n / 7) as usize % 7], n % 997)).unwrap()
}

fn body(case: &CaseId, n: u64, i: u64) -> Body {
    match i {
        0 | 10 => Body::Attempt(Attempt { words: Some(words(n + i)), ..Attempt::of("DF-NOBODY".parse().unwrap()) }),
        1 => Body::Call(Call::of(CallResult::NoAnswer)),
        2 => Body::Sms(Sms::worded(case, 20_514, Personal::plain("13800001234").unwrap(), words(n)).unwrap()),
        3 => Body::Notice(Notice { to: "0571".parse().unwrap(), source: TargetSource::WaybillData, request: None }),
        4 | 11 | 12 => {
            let id: Vec<u8> = [n.to_be_bytes(), i.to_be_bytes(), [7; 8], [8; 8]].concat();
            Body::Photo(Photo::of(PhotoId::try_from(id.as_slice()).unwrap(), 200_000 + n, PhotoPurpose::Door))
        }
        _ => Body::Note { words: words(n * 31 + i) },
    }
}

/// A phone at work for one server.
pub struct Phone {
    pub token: String,
    key: EcdsaKeyPair,
    device: DeviceId,
    history: HistoryId,
    scope: Scope,
    cursor: u64,
    chain: Option<Link>,
    morning: UnixMs,
    /// What its entries lean on: the last answer.
    anchor: Option<Anchor>,
}

/// A batch that waits to be sent: the documents, and the batch's number.
pub struct Prepared {
    docs: Vec<PushDoc>,
    pub changes: u64,
}

/// Fills a new data folder with a list of parcels, and enrols the phone in the morning.
pub fn set_up(folder: &Path, cases: u32, morning: UnixMs) -> (Workbench, Phone) {
    let mut admin = Admin::open(folder).unwrap();
    for code in ["0412", "0571"] {
        admin.outlet(code, "网点", "Outlet", "0571-88000000").unwrap();
    }
    admin.user("c1", "李明", "courier", "0412").unwrap();
    let columns = "waybill,network,origin_outlet,delivering_outlet,courier,recipient_name,recipient_phone,recipient_address,cod_fen,\
                   theoretical_arrival";
    let mut csv = format!("{columns}\n");
    for n in 0..cases {
        csv += &format!("{},QH,0571,0412,c1,王小花,13800001234,青禾路{n}号,0,\n", waybill(n).as_str());
    }
    assert_eq!(admin.import_parcels(csv.as_bytes(), morning).unwrap().imported, u64::from(cases));
    // The quotas of a day are for one courier, not for a benchmark.
    let mut policy: serde_json::Value = serde_json::from_slice(doorstep_rules::QUOTAS_POLICY).unwrap();
    policy["quotas"]["changes"] = 1_000_000_000.into();
    admin.policy(policy.to_string().as_bytes()).unwrap();
    let code = admin.code("c1", morning).unwrap().code;

    let bench = Workbench::open(folder).unwrap();
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
    let public_key = key.public_key().as_ref().to_vec();
    let sign = |message: &[u8]| key.sign(&random, message).unwrap().as_ref().to_vec();
    let new = Newcomer { code: &code, public_key: &public_key, install: INSTALL, sign: &sign };
    let token = bench.enrol(&new, morning).unwrap();
    let (device, history) = (DeviceId::of(&public_key), bench.history().unwrap());
    let scope = Scope::Courier("c1".into());
    (bench, Phone { token, key, device, history, scope, cursor: 0, chain: None, morning, anchor: None })
}

impl Phone {
    /// What the phone records in some cases.
    pub fn record(&self, bench: &Workbench, cases: std::ops::Range<u32>) -> Prepared {
        let changes = u64::from(cases.end - cases.start) * CHANGES;
        Prepared { docs: cases.map(|n| self.document(bench, n)).collect(), changes }
    }

    /// The cases of each batch.
    pub fn batches(cases: u32) -> impl Iterator<Item = std::ops::Range<u32>> {
        (0..cases).step_by(CASES_A_BATCH as usize).map(move |from| from..(from + CASES_A_BATCH).min(cases))
    }

    /// When a batch of cases is sent: after the last act in them.
    pub fn sends_at(&self, cases: &std::ops::Range<u32>) -> UnixMs {
        self.morning.plus((u64::from(cases.end) * A_CASE_MS) as i64)
    }

    /// Gets another token: one lasts an hour.
    pub fn sign_in(&mut self, bench: &Workbench, now: UnixMs) {
        let sign = |message: &[u8]| self.key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec();
        self.token = bench.session(self.device, &sign, now).unwrap();
    }

    fn document(&self, bench: &Workbench, n: u32) -> PushDoc {
        let facts = bench.facts(waybill(n).as_str()).unwrap().unwrap();
        let case = CaseId::of(&facts.network, &facts.waybill);
        let author = Author { user: "c1".parse().unwrap(), role: Role::Courier, outlet: "0412".parse().unwrap() };
        let mut position = Position::default();
        let mut chunks = vec![];
        let mut hashes = vec![];
        for i in 0..CHANGES {
            let at = u64::from(n) * A_CASE_MS + i * 1_000;
            let time = TimeEvidence {
                wall: self.morning.plus(at as i64),
                zone_quarters: 32,
                mono_ms: mono(at),
                boot: BOOT,
                anchor: self.anchor.filter(|anchor| anchor.mono_ms <= mono(at)),
            };
            let facts = (i == 0).then(|| facts.clone());
            let entry = NewEntry { facts, ..NewEntry::of(author.clone(), 1, time, body(&case, u64::from(n), i)) };
            let change = Change::write(&case, &INSTALL, &position, &[entry]).unwrap();
            position.advance(&change, true);
            hashes.push(change.hash());
            chunks.push(change.bytes().to_vec());
        }
        let slices: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        PushDoc { doc: case, pack: pack::elide_bare(&slices).unwrap(), digest: doc_digest(&case, &hashes), kind: None }
    }

    /// The body of the sync that sends a batch.
    pub fn request(&mut self, prepared: Prepared, now: UnixMs) -> Vec<u8> {
        let number = self.chain.map_or(1, |link| link.batch + 1);
        let prev = self.chain.map_or(BatchHash::new([0; 32]), |link| link.hash);
        let header = Header { batch: number, prev, user: "c1".into(), install: INSTALL, again: vec![] };
        let mono_ms = mono(now.since(self.morning) as u64);
        let clocks = Clocks { wall: now, mono_ms, boot: BOOT };
        self.anchor = Some(Anchor { server: now, mono_ms });
        let sending = encode(&Sending::of(&clocks, None, vec![])).unwrap();
        let mut batch =
            Batch { header: encode(&header).unwrap(), sending, sig: vec![], docs: prepared.docs, first: vec![], brings: vec![] };
        batch.sig = self.key.sign(&SystemRandom::new(), &batch.message()).unwrap().as_ref().to_vec();
        self.chain = Some(Link { batch: number, hash: batch.hash() });
        self.sealed(Some(batch))
    }

    fn sealed(&self, batch: Option<Batch>) -> Vec<u8> {
        let request = SyncRequest {
            device: self.device,
            install: INSTALL,
            history: self.history,
            push: None,
            pull: vec![Pull { scope: self.scope.clone(), cursor: self.cursor }],
            want_bytes: 1 << 20,
            refs: vec![],
            chain: self.chain,
            beacon: None,
            quarantined: vec![],
            lost: vec![],
            batch,
            counter: None,
            witness: None,
            packs: None,
            dense: None,
            pins: None,
        };
        seal(&encode(&request).unwrap()).unwrap()
    }

    /// Reads an answer. Returns how many changes it accepts.
    pub fn answered(&mut self, body: &[u8]) -> usize {
        let signed: Signed = decode(&open(body, 1 << 26).unwrap()).unwrap();
        let answer: SyncResponse = decode(&signed.body).unwrap();
        for page in &answer.feed {
            let page: FeedPage = decode(&page.body).unwrap();
            assert!(page.cases.is_empty(), "the phone has its own changes");
            self.cursor = page.to;
        }
        let ack: doorstep_protocol::Ack = decode(&answer.ack.unwrap().body).unwrap();
        assert!(ack.cases.iter().all(|case| case.quarantined.is_empty() && case.fault.is_none()), "{:?}", ack.cases.first());
        ack.cases.iter().flat_map(|case| &case.rows).filter(|row| row.code == 0).count()
    }
}
