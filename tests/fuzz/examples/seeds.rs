//! Writes the seeds in `corpus/` anew: honest messages, changes and values, from which the fuzzer sets out.
//!
//!     cargo run --manifest-path tests/fuzz/Cargo.toml --example seeds

use std::{fs, path::Path};

use doorstep_document::{Change, pack};
use doorstep_domain::{
    BatchHash, BootId, ChangeHash, Clocks, DeviceId, EntryKey, HistoryId, InstallId, Personal, Receipt, UnixMs,
};
use doorstep_fuzz::{case, facts, morning};
use doorstep_protocol::{
    Ack, AckCase, Batch, BatchClock, Beacon, Brought, CaseRef, DayRow, Decision, Demand, DetailsRow, EnrolRequest, Envelope,
    FeedCase, FeedPage, Header, Leaf, Link, OutletRow, ParcelRow, PersonRow, Proof, Proofs, Publication, Pull, Push, PushCase,
    PushDoc, Quarantined, RefKind, RefVersion, Refs, RestLink, Sending, SessionRequest, Signed, Spoken, SyncRequest,
    SyncResponse, Token, Verdict, encode, pack_receipts, pack_verdicts, seal,
    signing::{NOTHING_LEFT, doc_digest, receipts_leaf, rest_chain},
};
use doorstep_rules::{FIRST_POLICY, Pack};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

fn main() {
    let changes = morning();
    frames(&changes);
    envelopes(&changes);
    single(&changes);
    values(&changes);
    packs();
    photos();
}

/// What made the decoder panic once.
const FOUND_PHOTO: &[u8] = include_bytes!("../../../core/media/tests/media/found/scans-of-one-and-four.jpg");

/// A pattern of 24 x 16 pixels in the kinds of files that cameras and phones make, and what they say beside it.
fn photos() {
    let pixels = |samples: u32| -> Vec<u8> { (0..24 * 16 * samples).map(|n| (n * 5 / samples ^ n % 7) as u8).collect() };
    let jpeg = |kind: ColorType, samples, progressive, restart| {
        let mut file = vec![];
        let mut encoder = Encoder::new(&mut file, 60);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.set_progressive(progressive);
        encoder.set_restart_interval(restart);
        encoder.encode(&pixels(samples), 24, 16, kind).expect("it encodes");
        file
    };
    let plain = jpeg(ColorType::Rgb, 3, false, 0);
    save("photo", "jpeg", &plain);
    save("photo", "jpeg-progressive", &jpeg(ColorType::Rgb, 3, true, 2));
    save("photo", "jpeg-gray", &jpeg(ColorType::Luma, 1, false, 2));
    save("photo", "jpeg-inks", &jpeg(ColorType::CmykAsYcck, 4, false, 0));
    save("photo", "jpeg-found", FOUND_PHOTO);
    // Turned by a quarter, with a camera's name, a time and a place.
    let tiff = b"MM\0\x2a\0\0\0\x08\0\x04\x01\x0f\0\x02\0\0\0\x04HMD\0\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\x87\x69\0\x04\0\0\0\x01\0\0\0\x3e\
        \x88\x25\0\x04\0\0\0\x01\0\0\0\x64\0\0\0\0\0\x01\x90\x03\0\x02\0\0\0\x14\0\0\0\x50\0\0\0\x002026:02:03 04:05:06\0\
        \0\x04\0\x01\0\x02\0\0\0\x02N\0\0\0\0\x02\0\x05\0\0\0\x01\0\0\0\x9a\0\x03\0\x02\0\0\0\x02E\0\0\0\0\x04\0\x05\0\0\0\x01\
        \0\0\0\x9a\0\0\0\0\0\0\0\x1f\0\0\0\x01";
    let exif = [&b"Exif\0\0"[..], tiff].concat();
    let len = (exif.len() as u16 + 2).to_be_bytes();
    save("photo", "jpeg-exif", &[b"\xff\xd8\xff\xe1", &len[..], &exif, &plain[2..]].concat());
    for (name, kind, samples) in [("png", png::ColorType::Rgb, 3), ("png-clear", png::ColorType::Rgba, 4)] {
        let mut file = vec![];
        let mut encoder = png::Encoder::new(&mut file, 24, 16);
        encoder.set_color(kind);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(&pixels(samples)).expect("pixels");
        drop(writer);
        save("photo", name, &file);
    }
}

/// The smallest pack that has one of most things.
const SMALL_PACK: &str = include_str!("../../../core/rules/tests/rules/small-pack.toml");

fn packs() {
    Pack::parse(SMALL_PACK.as_bytes()).expect("a usable pack");
    save("pack", "small", &[&[0], SMALL_PACK.as_bytes()].concat());
    let second = SMALL_PACK.replacen("[switches]", "[switches]\ntrusted_gap_hours = 24", 1);
    assert_eq!(Pack::parse(second.as_bytes()).expect("a usable pack").format(), 2);
    save("pack", "small-format-2", &[&[0], second.as_bytes()].concat());
    for (name, first, len) in [("edits", 1, 200), ("edits-long", 2, 900)] {
        save("pack", name, &std::iter::once(1).chain(numbers(first).take(len)).collect::<Vec<u8>>());
    }
}

/// Bytes of a fixed row of numbers.
fn numbers(mut state: u64) -> impl Iterator<Item = u8> {
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
}

/// The bytes of a golden file.
fn golden(hex: &str) -> Vec<u8> {
    let digits = hex.trim_end().as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal")).collect()
}

fn save(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder).expect("the folder");
    fs::write(folder.join(name), bytes).expect("the seed");
}

fn frame(name: &str, message: &impl minicbor::Encode<()>) {
    save("frame", name, &seal(&encode(message).expect("it encodes")).expect("it seals"));
}

fn packed(changes: &[Change]) -> Vec<u8> {
    pack::elide(&changes.iter().map(Change::bytes).collect::<Vec<_>>()).expect("a pack")
}

fn push(cases: Vec<PushCase>) -> Push {
    Push {
        batch: 417,
        prev: BatchHash::new([6; 32]),
        user: "c1029".into(),
        install: InstallId::new([1; 16]),
        again: vec![415],
        cases,
    }
}

/// A batch of version 3 with these documents. The rest of the morning is left behind.
fn batch(changes: &[Change], docs: &[&[Change]]) -> Batch {
    let digest = |changes: &[Change]| {
        let hashes: Vec<ChangeHash> = changes.iter().map(Change::hash).collect();
        doc_digest(&case(), &hashes)
    };
    let header = Header {
        batch: 418,
        prev: BatchHash::new([6; 32]),
        user: "c1029".into(),
        install: InstallId::new([1; 16]),
        again: vec![415],
    };
    let clocks = Clocks { wall: UnixMs(1_772_413_200_000), mono_ms: 86_400_000, boot: BootId([1; 4]) };
    let rest = rest_chain([digest(&changes[3..])], NOTHING_LEFT);
    let sending = Sending::of(&clocks, Some(UnixMs(1_772_413_000_000)), vec![Leaf(rest)]);
    let doc = |changes: &&[Change]| PushDoc { doc: case(), pack: packed(changes), digest: digest(changes), kind: None };
    Batch {
        header: encode(&header).expect("it encodes"),
        sending: encode(&sending).expect("it encodes"),
        sig: vec![7; 64],
        first: vec![],
        brings: vec![Brought { links: vec![RestLink::Docs(0, 1), RestLink::Changes(0, 0, 1)], after: rest }],
        docs: docs.iter().map(doc).collect(),
    }
}

fn frames(changes: &[Change]) {
    let one = PushCase { case: case(), pack: packed(&changes[..1]) };
    let of = Quarantined { case: case(), change: ChangeHash::new([9; 32]) };
    let envelope = Envelope {
        body: encode(&push(vec![one])).expect("it encodes"),
        clock: BatchClock { wall_ms: 1_772_413_200_000, mono_ms: 86_400_000, boot: [1; 4] },
        sig: vec![7; 64],
    };
    let request = SyncRequest {
        device: DeviceId::new([1; 16]),
        install: InstallId::new([2; 16]),
        history: HistoryId::new([0; 16]),
        push: Some(envelope),
        pull: vec![Pull { scope: "courier/c1029".into(), cursor: 18_223 }],
        want_bytes: 65_536,
        refs: vec![RefVersion { kind: RefKind::Pack, version: 1 }],
        chain: Some(Link { batch: 417, hash: BatchHash::new([8; 32]) }),
        beacon: Some(Beacon {
            unsent_cases: 2,
            oldest_ms: Some(1_772_413_000_000),
            app: "doorstep 1".into(),
            ..Beacon::default()
        }),
        quarantined: vec![of],
        lost: vec![],
        batch: None,
        counter: None,
        packs: None,
        dense: None,
        pins: None,
        witness: None,
    };
    frame("sync-request", &request);
    let of_3 = batch(changes, &[&changes[..1]]);
    frame("batch", &of_3);
    let digests = of_3.docs.iter().map(|doc| Leaf(doc.digest)).collect();
    let hashes = changes.iter().flat_map(|change| *change.hash().as_bytes()).collect();
    let Batch { header, sending, sig, .. } = of_3.clone();
    let proof = Proof { key: vec![4; 65], header, sending, sig, digests, changes: hashes };
    frame("proofs", &Proofs { proofs: vec![proof], own: vec![9; 32] });
    frame("sync-request-3", &SyncRequest { push: None, batch: Some(of_3), counter: Some(17), ..request });
    let receipt = Receipt::of(UnixMs(1_772_413_260_000), Some(UnixMs(1_772_413_200_000)));
    let verdicts = [Verdict::Ok(receipt), Verdict::Dup(receipt), Verdict::Pend, Verdict::Quarantined("rights:P-99".into())]
        .map(|v| (v, 1 << 20));
    let (rows, quarantined) = pack_verdicts(UnixMs(1_772_413_260_000), &verdicts, Spoken::Version2);
    let ack = Ack {
        batch: 417,
        replayed: false,
        received_ms: 1_772_413_260_000,
        cases: vec![AckCase { case: Some(CaseRef(case())), rows, quarantined, fault: None }],
        install: InstallId::new([1; 16]),
        hash: BatchHash::new([8; 32]),
    };
    let receipts = pack_receipts(&[(receipt, 1 << 20), (receipt, 1 << 21)], Spoken::Version2);
    let page = FeedPage {
        scope: "outlet/0412".into(),
        to: 99,
        more: true,
        cases: vec![FeedCase { case: case(), pack: packed(&changes[..2]), receipts, leaf: None, kind: None }],
        out: vec![CaseRef(case())],
    };
    let signed = |body: Vec<u8>| Signed { body, sig: vec![7; 64] };
    frame("ack", &ack);
    frame("feed-page", &page);
    let response = SyncResponse {
        now_ms: 1_772_413_260_000,
        history: HistoryId::new([3; 16]),
        ack: Some(signed(encode(&ack).expect("it encodes"))),
        feed: vec![signed(encode(&page).expect("it encodes"))],
        refs: vec![RefVersion { kind: RefKind::Parcels, version: 7 }],
        token: Some(Token { secret: "secret".into(), expires_ms: 1_772_499_600_000 }),
        demand: Some(Demand::NewInstall),
        resend: vec![415, 416],
        decisions: vec![Decision { of, released: true, why: "核实".into() }],
        scopes: vec!["outlet/0412".into()],
        wanted: vec![],
        gateway: Some(true),
        wipe: None,
        counter: None,
        took_ms: None,
        packs: None,
        dense: None,
        succession: None,
    };
    frame("sync-response", &response);
    // Version 3: parts without a signature of their own, under one for all.
    let (rows, quarantined) = pack_verdicts(UnixMs(1_772_413_260_000), &verdicts, Spoken::Version3);
    let ack = Ack { cases: vec![AckCase { case: None, rows, quarantined, fault: None }], ..ack };
    let given = [(changes[0].hash(), receipt), (changes[1].hash(), receipt)];
    let leaf = Some(Leaf(receipts_leaf(&case(), &given)));
    let receipts = pack_receipts(&[(receipt, 1 << 20), (receipt, 1 << 21)], Spoken::Version3);
    let fed = FeedCase { case: case(), pack: packed(&changes[..2]), receipts, leaf, kind: None };
    let page = FeedPage { cases: vec![fed], ..page };
    let part = |body: Vec<u8>| Signed { body, sig: vec![] };
    let response = SyncResponse {
        ack: Some(part(encode(&ack).expect("it encodes"))),
        feed: vec![part(encode(&page).expect("it encodes"))],
        counter: Some(17),
        took_ms: Some(1_000),
        ..response
    };
    frame("sync-response-3", &signed(encode(&response).expect("it encodes")));
    let idle = SyncResponse { ack: None, feed: vec![], demand: None, resend: vec![], ..response };
    frame("sync-response-3-idle", &part(encode(&idle).expect("it encodes")));
    let (key, nonce, sig) = (vec![4; 65], vec![8; 40], vec![7; 64]);
    let enrol = EnrolRequest {
        code: "ABCD-EFGH".into(),
        public_key: key,
        install: InstallId::new([2; 16]),
        nonce: nonce.clone(),
        sig: sig.clone(),
    };
    frame("enrol-request", &enrol);
    frame("session-request", &SessionRequest { device: DeviceId::new([1; 16]), nonce, sig });
    let parcel = ParcelRow {
        waybill: facts().waybill.to_string(),
        network: "QH".into(),
        origin_outlet: "0571".into(),
        delivering_outlet: "0412".into(),
        courier: Some("c1029".into()),
        recipient_name: Personal::plain("王先生").expect("a name").as_bytes().to_vec(),
        recipient_phone: vec![],
        virtual_phone: vec![],
        virtual_until_ms: None,
        recipient_address: vec![0, 0, b'x'],
        cod_fen: 12_800,
        theoretical_arrival_ms: None,
        hub: None,
        entered_ms: Some(1_772_409_600_000),
        children: Some(vec!["QH310000000025".into()]),
        details: Some(DetailsRow { pieces: Some(2), freight: Some("collect".into()), ..DetailsRow::default() }),
    };
    let outlet = OutletRow {
        code: "0412".into(),
        name_zh: "城西网点".into(),
        name_en: "West outlet".into(),
        phone: "0400-0412000".into(),
    };
    let publication = Publication {
        network: "QH".into(),
        version: 2,
        published_ms: 1_772_409_600_000,
        valid_from_ms: 1_772_416_800_000,
        toml: SMALL_PACK.as_bytes().to_vec(),
    };
    let packs = Some(vec![signed(encode(&publication).expect("it encodes"))]);
    let none = Refs {
        version: 7,
        parcels: vec![],
        outlets: vec![],
        policy: vec![],
        packs: None,
        people: None,
        days: None,
        since: None,
        ended: None,
    };
    frame("refs", &Refs { parcels: vec![parcel], outlets: vec![outlet], packs, ..none.clone() });
    let person =
        PersonRow { account: "c1029".into(), name: "李明".into(), role: "courier".into(), outlet: "0412".into(), left: true };
    let day = DayRow { day: 20_727, works: false, name: "国庆节".into() };
    frame("refs-3", &Refs { people: Some(vec![person]), days: Some(vec![day]), ..none });
}

fn envelopes(changes: &[Change]) {
    let of = |changes: &[Change]| PushCase { case: case(), pack: packed(changes) };
    let body = |cases| encode(&push(cases)).expect("it encodes");
    save("envelope", "morning", &body(vec![of(changes)]));
    save("envelope", "start-and-rest", &body(vec![of(&changes[..1]), of(&changes[3..])]));
    save("envelope", "one", &body(vec![of(&changes[..1])]));
    save("envelope", "nothing", &body(vec![of(&[])]));
    let of_3 = |docs: &[&[Change]]| encode(&batch(changes, docs)).expect("it encodes");
    save("envelope", "morning-3", &of_3(&[changes]));
    save("envelope", "sheet-3", &golden(include_str!("../../../core/protocol/tests/golden/sheet-batch.hex")));
    save("envelope", "start-and-rest-3", &of_3(&[&changes[..1], &changes[3..]]));
}

fn single(changes: &[Change]) {
    for (i, change) in changes.iter().enumerate() {
        // Content follows magic, checksum, type and length, which has two bytes from 128 on.
        let length = if change.bytes()[9] & 0x80 == 0 { 1 } else { 2 };
        save("change", &format!("content-{i}"), &[&[2], &change.bytes()[9 + length..]].concat());
    }
    save("change", "chunk", &[&[0], changes[0].bytes()].concat());
    let sheet = golden(include_str!("../../../core/protocol/tests/golden/sheet-change.hex"));
    save("change", "sheet", &[&[3], &sheet[..]].concat());
    // Any bytes make up a day.
    for (first, (name, len)) in (1..).zip([("day-short", 120), ("day", 500), ("day-long", 1500)]) {
        save("change", name, &std::iter::once(1).chain(numbers(first).take(len)).collect::<Vec<u8>>());
    }
}

fn values(changes: &[Change]) {
    let entry = &changes[0].entries()[0];
    let value = |which: u8, name: &str, bytes: &[u8]| save("cursor", name, &[&[which], bytes].concat());
    let key: &EntryKey = &entry.key;
    value(0, "entry-key", key.to_string().as_bytes());
    value(0, "case", case().to_string().as_bytes());
    value(0, "change", changes[0].hash().to_string().as_bytes());
    value(0, "code", b"outlet_manager");
    let clocks = [1_772_413_200_000u64, 86_500_000, 1_772_413_260_000].map(u64::to_be_bytes).concat();
    value(1, "time", &[&entry.time.to_bytes()[..], &clocks].concat());
    value(1, "time-anchored", &[&changes[2].entries()[0].time.to_bytes()[..], &clocks].concat());
    value(2, "personal-plain", Personal::plain("门口\n\t无人").expect("words").as_bytes());
    value(2, "personal-sealed", &[1, 2, 7, 7, 1, 2, 3]);
    value(3, "policy", FIRST_POLICY);
    value(4, "photo-png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0\x12\x16\xf1\x4d");
    value(
        4,
        "photo-jpeg",
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x0b\x08\0\x02\0\x03\x01\x01\x11\0\xff\xd9",
    );
    value(4, "photo-webp", b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x02\x40\0\0\x07\x10\x11\x11\x88\x88\xfe\x07\0");
    value(4, "photo-heif", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x24meta\0\0\0\0\0\0\0\x18iprp\0\0\0\x10ipco\0\0\0\x14ispe\0\0\0\0\0\0\0\x03\0\0\0\x02");
    value(5, "signature", &[4; 65 + 64]);
    value(6, "waybill", "ｑｈ 3100 0000 0017".as_bytes());
    value(6, "waybill-s10", b"EB000717595HK");
}
