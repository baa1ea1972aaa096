//! Changes that a device could have written, made up from bytes: any kinds, any values, a few writers that meet now and then.

use std::str::FromStr;

use doorstep_document::{Change, NewEntry, Position};
use doorstep_domain::*;
use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// Most changes of one day.
const MOST: usize = 8;

pub(crate) fn code<T: FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().expect("a code")
}

/// The parcel that every made-up change is about.
fn parcel() -> (NetworkCode, Waybill) {
    (code("QH"), Waybill::parse("QH310000000017").expect("a waybill"))
}

/// Its case.
pub fn case() -> CaseId {
    let (network, waybill) = parcel();
    CaseId::of(&network, &waybill)
}

/// The sheet of golden files: outlet 0412's day, 2026-03-02.
pub fn sheet() -> DocRef {
    DocRef::sheet(&code("QH"), &code("0412"), code("2026-03-02"))
}

/// Its facts, as a device copies them.
pub fn facts() -> Facts {
    let (network, waybill) = parcel();
    Facts {
        network,
        waybill,
        origin_outlet: Some(code("0571")),
        delivering_outlet: Some(code("0412")),
        cod: Fen(12_800),
        mobile: Some([9; 8]),
        virtual_mobile: None,
        arrival: Some(UnixMs(1_772_409_600_000)),
        entered: None,
        reference: 3,
    }
}

/// The changes of one day, in an order in which a replica can take them.
pub fn day(u: &mut Unstructured) -> Vec<Change> {
    let mut writers: Vec<(InstallId, Position)> = (1..=3).map(|n| (InstallId::new([n; 16]), Position::default())).collect();
    let mut changes: Vec<Change> = Vec::new();
    let mut keys = Vec::new();
    while changes.len() < MOST && !u.is_empty() {
        let who = usize::from(u.arbitrary::<u8>().unwrap_or(0));
        let Some((install, at)) = writers.get_mut(who % 3) else { break };
        if who & 4 != 0 {
            *at = Position { seq: at.seq, ..Position::default() };
            changes.iter().for_each(|change| at.advance(change, change.install() == *install));
        }
        let count = 1 + who / 8 % 3;
        let Ok(mut entries) = (0..count).map(|_| entry(u, &keys)).collect::<Result<Vec<NewEntry>>>() else { break };
        if let Some(first) = entries.first_mut().filter(|first| at.seq == 0 && first.facts.is_none()) {
            first.facts = Some(facts());
        }
        // A change that can not be written is refused before anything is recorded. The fuzzer goes on with the next.
        let Ok(change) = Change::write(&case(), install, at, &entries) else { continue };
        at.advance(&change, true);
        keys.extend(change.entries().iter().map(|entry| entry.key.clone()));
        changes.push(change);
    }
    changes
}

fn entry(u: &mut Unstructured, keys: &[EntryKey]) -> Result<NewEntry> {
    let has: u8 = u.arbitrary()?;
    Ok(NewEntry {
        author: Author {
            user: one_of(u, &["c1029", "c2", "s-7", Author::SERVER])?,
            role: *u.choose(Role::ALL)?,
            outlet: outlet(u)?,
        },
        pack_version: u.arbitrary()?,
        time: time(u)?,
        action: if has & 1 == 0 { None } else { Some(ActionId::new(u.arbitrary()?)) },
        facts: if has & 2 == 0 { None } else { Some(made_up_facts(u)?) },
        sheet: None,
        release: match has & 4 {
            0 => None,
            _ => Some(Release { original: ChangeHash::new([has; 32]), received_at: UnixMs(u.arbitrary()?) }),
        },
        rewrites: if has & 8 == 0 { None } else { Some(ChangeHash::new([has; 32])) },
        body: body(u, keys)?,
    })
}

fn made_up_facts(u: &mut Unstructured) -> Result<Facts> {
    let listed: bool = u.arbitrary()?;
    Ok(Facts {
        origin_outlet: if listed { Some(outlet(u)?) } else { None },
        delivering_outlet: if listed { Some(outlet(u)?) } else { None },
        cod: Fen(u.arbitrary()?),
        mobile: u.arbitrary()?,
        virtual_mobile: u.arbitrary()?,
        arrival: moment(u)?,
        entered: moment(u)?,
        reference: u.arbitrary()?,
        ..facts()
    })
}

/// Around one week, or anywhere.
fn time(u: &mut Unstructured) -> Result<TimeEvidence> {
    let wall = match u.arbitrary::<u32>()? {
        far if far & 1 == 1 => u.arbitrary()?,
        near => 1_772_380_800_000 + i64::from(near) / 8,
    };
    let (zone_quarters, mono_ms, boot) = (u.arbitrary()?, u.arbitrary()?, BootId([u.arbitrary::<u8>()? % 2; 4]));
    let anchor = if u.arbitrary()? { Some(Anchor { server: UnixMs(u.arbitrary()?), mono_ms: u.arbitrary()? }) } else { None };
    let time = TimeEvidence { wall: UnixMs(wall), zone_quarters, mono_ms, boot, anchor };
    // Clamped to what can be written.
    Ok(TimeEvidence::from_bytes(&time.to_bytes()).unwrap_or(time))
}

fn one_of<T: FromStr>(u: &mut Unstructured, texts: &[&str]) -> Result<T>
where
    T::Err: std::fmt::Debug,
{
    Ok(code(u.choose(texts)?))
}

fn outlet(u: &mut Unstructured) -> Result<OutletCode> {
    one_of(u, &["0412", "0571", "0755"])
}

/// Plain, sealed, or none.
fn words(u: &mut Unstructured) -> Result<Option<Personal>> {
    let len = usize::from(u.arbitrary::<u8>()? % 64);
    let bytes = u.bytes(len.min(u.len()))?;
    Ok(std::str::from_utf8(bytes).ok().and_then(|text| Personal::plain(text).ok()).or_else(|| Personal::from_bytes(bytes).ok()))
}

fn said(u: &mut Unstructured) -> Result<Personal> {
    Ok(words(u)?.unwrap_or(Personal::plain("敲门无人").expect("words")))
}

fn moment(u: &mut Unstructured) -> Result<Option<UnixMs>> {
    Ok(u.arbitrary::<Option<i64>>()?.map(UnixMs))
}

fn piece(u: &mut Unstructured) -> Result<Option<Waybill>> {
    Ok(if u.arbitrary()? { Some(number(u)?) } else { None })
}

fn number(u: &mut Unstructured) -> Result<Waybill> {
    Ok(Waybill::parse(u.choose(&["QH310000000025", "PV-0412-ABCDEFGH", "SF1234567890"])?).expect("a waybill"))
}

fn reason(u: &mut Unstructured) -> Result<ReasonCode> {
    one_of(u, &["DF-NOBODY", "DF-PHONE", "DF-NOMONEY", "DF-REFUSE", "CD-DAMAGE", "LS-LOST", "OR-NOMARK", "OR-LATEENTRY", "XX"])
}

fn outcome(u: &mut Unstructured) -> Result<ReasonCode> {
    one_of(u, &["REDELIVER", "RETURN", "PAY_CHANGE", "TRANSFER_PEER", "ARBITRATE", "SIGNED", "RETURNED", "XX"])
}

fn about(u: &mut Unstructured, entry: EntryKey) -> Result<About> {
    let rule = if u.arbitrary()? { Some(one_of(u, &["LIA-04", "LIA-01", "PEN-04"])?) } else { None };
    Ok(About { rule, entry })
}

fn body(u: &mut Unstructured, keys: &[EntryKey]) -> Result<Body> {
    let kind = *u.choose(Kind::ALL)?;
    let key = |u: &mut Unstructured| Ok(if keys.is_empty() { None } else { Some(u.choose(keys)?.clone()) });
    // An entry about another entry needs one.
    let (Some(of), other) = (key(u)?, key(u)?) else { return alone(u, kind) };
    Ok(match kind {
        Kind::Seen => Body::Seen(Seen { notice: of }),
        Kind::SmsReport => Body::SmsReport(SmsReport {
            holder: if u.arbitrary()? { Some(of.tag) } else { None },
            of,
            state: *u.choose(SmsState::ALL)?,
            round: u.arbitrary()?,
            way: *u.choose(SmsWay::ALL)?,
            fault: if u.arbitrary()? { Some(*u.choose(SmsFault::ALL)?) } else { None },
            at: moment(u)?,
            words: words(u)?,
        }),
        Kind::SmsReply => Body::SmsReply(SmsReply { of, words: said(u)?, opt_out: u.arbitrary()? }),
        Kind::Reply => {
            let photo = |u: &mut Unstructured| Ok(u.arbitrary::<Option<[u8; 32]>>()?.map(PhotoId::new));
            Body::Reply(Reply {
                notice: other,
                decision: outcome(u)?,
                words: words(u)?,
                phone: words(u)?,
                address: words(u)?,
                contact: words(u)?,
                company: words(u)?,
                same: u.arbitrary()?,
                until: moment(u)?,
                place: words(u)?,
                informed: u.arbitrary()?,
                agreed_by: Some(*u.choose(Customer::ALL)?),
                agreed: words(u)?,
                payer: Some(*u.choose(Payer::ALL)?),
                letter: photo(u)?,
                site: if u.arbitrary()? { Some(outlet(u)?) } else { None },
            })
        }
        Kind::Mark => {
            let reason = if u.arbitrary()? { Some(one_of(u, &["no_decision", "empty"])?) } else { None };
            Body::Mark(Mark { about: of, remark: *u.choose(Remark::ALL)?, reason, words: words(u)? })
        }
        Kind::Assign => {
            Body::Assign(Assign { to: one_of(u, &["c1029", "c2"])?, planned_at: moment(u)?, replaces: other, words: words(u)? })
        }
        Kind::Correction => Body::Correction(Correction { of, fault: *u.choose(Fault::ALL)?, same_as: other, words: said(u)? }),
        Kind::Dispute => Body::Dispute(Dispute { about: about(u, of)?, words: said(u)? }),
        Kind::Ruling => Body::Ruling(Ruling {
            about: about(u, of)?,
            stands: *u.choose(Stands::ALL)?,
            share: Some(u.arbitrary::<u8>()? % 101),
            amount: Some(Fen(u.arbitrary()?)),
            replaces: other,
            words: words(u)?,
        }),
        Kind::Takeover => Body::Takeover(Takeover { handover: of }),
        Kind::Answered => {
            let result = one_of(u, &["found", "not_found", "arrived", "not_arrived", "XX"])?;
            Body::Answered(Answered { ask: of, result, here: u.arbitrary()?, words: words(u)? })
        }
        kind => return alone(u, kind),
    })
}

fn alone(u: &mut Unstructured, kind: Kind) -> Result<Body> {
    Ok(match kind {
        Kind::Attempt => Body::Attempt(Attempt {
            reason: reason(u)?,
            sub: if u.arbitrary()? { Some(one_of(u, &["refused", "off", "damaged"])?) } else { None },
            words: words(u)?,
            piece: piece(u)?,
            offered: u.arbitrary::<Option<i64>>()?.map(Fen),
            agreed_at: moment(u)?,
            waited_minutes: u.arbitrary()?,
        }),
        Kind::Problem => Body::Problem(Problem {
            reason: reason(u)?,
            sub: None,
            stage: *u.choose(Stage::ALL)?,
            found_at: moment(u)?,
            count: u.arbitrary()?,
            piece: piece(u)?,
            other: piece(u)?,
            weight_g: u.arbitrary()?,
            label_g: u.arbitrary()?,
            words: words(u)?,
        }),
        Kind::Call => Body::Call(Call {
            result: *u.choose(CallResult::ALL)?,
            number: words(u)?,
            called_at: moment(u)?,
            seconds: u.arbitrary()?,
            words: words(u)?,
        }),
        Kind::Photo => Body::Photo(photo(u)?),
        Kind::Sms => Body::Sms(Sms {
            attempt: None,
            day: u.arbitrary()?,
            template: if u.arbitrary()? { Some(one_of(u, &["failed_delivery", "none"])?) } else { None },
            template_version: u.arbitrary()?,
            to: said(u)?,
            mark: u.arbitrary()?,
            text: said(u)?,
            digest: u.arbitrary()?,
            has_surname: u.arbitrary()?,
            has_waybill: u.arbitrary()?,
        }),
        Kind::Notice => Body::Notice(Notice { to: outlet(u)?, source: *u.choose(TargetSource::ALL)?, request: words(u)? }),
        Kind::Outage => Body::Outage(Outage {
            reason: *u.choose(OutageReason::ALL)?,
            contact: words(u)?,
            phone: words(u)?,
            phoned_at: moment(u)?,
            outlet: if u.arbitrary()? { Some(outlet(u)?) } else { None },
            said: words(u)?,
        }),
        Kind::Action => Body::Action(Action {
            outcome: outcome(u)?,
            carrier: if u.arbitrary()? { Some("SF".into()) } else { None },
            number: piece(u)?,
            amount: u.arbitrary::<Option<i64>>()?.map(Fen),
            words: words(u)?,
            site: if u.arbitrary()? { Some(outlet(u)?) } else { None },
        }),
        Kind::Ask => {
            let step = one_of(u, &["outlet_search", "hub_search", "ask_both_signed", "XX"])?;
            Body::Ask(Ask { step, to: outlet(u)?, words: words(u)? })
        }
        Kind::Dispatch => Body::Dispatch(Dispatch { leaves_at: UnixMs(u.arbitrary()?), words: words(u)? }),
        Kind::Linked => {
            let reason = if u.arbitrary()? { Some(reason(u)?) } else { None };
            Body::Linked(Linked { waybill: number(u)?, reason, state: one_of(u, &["registered", "closed", "XX"])? })
        }
        Kind::Tick => Body::Tick(Tick { step: one_of(u, &["report_superior", "ask_sender"])?, words: words(u)? }),
        Kind::Consent => {
            Body::Consent(Consent { by: *u.choose(Customer::ALL)?, to: outcome(u)?, name: words(u)?, words: words(u)? })
        }
        Kind::Goods => Body::Goods(Goods {
            name: words(u)?,
            packing: words(u)?,
            value: u.arbitrary::<Option<i64>>()?.map(Fen),
            words: words(u)?,
        }),
        Kind::Ledger => Body::Ledger(Ledger {
            book: *u.choose(Book::ALL)?,
            change: one_of(u, &["collected", "paid_out", "cod_change"])?,
            amount: u.arbitrary::<Option<i64>>()?.map(Fen),
            letter: None,
            slip: u.arbitrary()?,
            words: words(u)?,
        }),
        Kind::Waiver => Body::Waiver(Waiver { evidence: one_of(u, &["sms", "source_photo"])?, words: said(u)? }),
        Kind::Alias => Body::Alias(Alias { waybill: number(u)? }),
        Kind::Close => Body::Close(Close { outcome: outcome(u)?, words: words(u)?, piece: piece(u)? }),
        Kind::Handover => Body::Handover(Handover { to: one_of(u, &["c1029", "c2"])?, words: words(u)? }),
        Kind::Listed => Body::Listed(Listed { since: moment(u)?.unwrap_or_default() }),
        _ => Body::Note { words: said(u)? },
    })
}

fn photo(u: &mut Unstructured<'_>) -> Result<Photo> {
    let small = if u.arbitrary()? { Some((u.arbitrary::<u8>()?, u.int_in_range(0..=MAX_THUMBNAIL)?)) } else { None };
    let (sharpness, light) = u.arbitrary()?;
    Ok(Photo {
        id: PhotoId::new([u.arbitrary()?; 32]),
        len: u.int_in_range(0..=MAX_PHOTO)?,
        purpose: *u.choose(PhotoPurpose::ALL)?,
        thumbnail: small.map(|(id, len)| Thumbnail { id: PhotoId::new([id; 32]), len }),
        placeholder: u.arbitrary::<Option<[u8; 5]>>()?.map(|hint| hint.to_vec()),
        original: u.arbitrary::<Option<u8>>()?.map(|id| PhotoId::new([id; 32])),
        capture: Capture {
            at: moment(u)?,
            position: GeoPosition::new(u.arbitrary()?, u.arbitrary()?)
                .map(|place| -> Result<GeoPosition> { Ok(GeoPosition { accuracy_m: u.arbitrary()?, ..place }) })
                .transpose()?,
            camera: u.arbitrary::<Option<u8>>()?.map(|n| format!("camera {n}")),
        },
        clarity: u.arbitrary::<bool>()?.then_some(Clarity { sharpness, light }),
        look: u.arbitrary()?,
        source: *u.choose(&[None, Some(PhotoSource::Camera), Some(PhotoSource::Gallery)])?,
    })
}
