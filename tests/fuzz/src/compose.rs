//! Changes that a device could have written, made up from bytes: any kinds, any values, a few writers that meet now and then.

use std::str::FromStr;

use doorstep_document::{Change, NewEntry, Position};
use doorstep_domain::{
    ActionId, Anchor, Attempt, Author, Body, BootId, Call, CallResult, CaseId, ChangeHash, Close, Facts, Fen, Handover,
    InstallId, Kind, NetworkCode, Notice, Outage, OutageReason, OutletCode, Personal, Photo, PhotoId, PhotoPurpose, Release,
    Reply, Role, Sms, SmsLevel, Takeover, TargetSource, TimeEvidence, UnixMs, Waybill,
};
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
        // What can not be written is said so before anything is recorded; the fuzzer goes on with the next.
        let Ok(change) = Change::write(&case(), install, at, &entries) else { continue };
        at.advance(&change, true);
        keys.extend(change.entries().iter().map(|entry| entry.key.clone()));
        changes.push(change);
    }
    changes
}

fn entry(u: &mut Unstructured, keys: &[doorstep_domain::EntryKey]) -> Result<NewEntry> {
    let has: u8 = u.arbitrary()?;
    Ok(NewEntry {
        author: Author { user: one_of(u, &["c1029", "c2", "s-7"])?, role: *u.choose(Role::ALL)?, outlet: outlet(u)? },
        pack_version: u.arbitrary()?,
        time: time(u)?,
        action: if has & 1 == 0 { None } else { Some(ActionId::new(u.arbitrary()?)) },
        facts: if has & 2 == 0 { None } else { Some(made_up_facts(u)?) },
        release: match has & 4 {
            0 => None,
            _ => Some(Release { original: ChangeHash::new([has; 32]), received_at: UnixMs(u.arbitrary()?) }),
        },
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

fn body(u: &mut Unstructured, keys: &[doorstep_domain::EntryKey]) -> Result<Body> {
    let key = |u: &mut Unstructured| Ok(if keys.is_empty() { None } else { Some(u.choose(keys)?.clone()) });
    Ok(match *u.choose(Kind::ALL)? {
        Kind::Attempt => Body::Attempt(Attempt {
            reason: one_of(u, &["DF-NOBODY", "DF-PHONE", "DF-ADDRESS", "DF-REFUSED", "XX"])?,
            sub: if u.arbitrary()? { Some(one_of(u, &["refused", "off"])?) } else { None },
            words: words(u)?,
        }),
        Kind::Call => Body::Call(Call { result: *u.choose(CallResult::ALL)?, number: words(u)?, words: words(u)? }),
        Kind::Note => Body::Note { words: said(u)? },
        Kind::Photo => Body::Photo(Photo {
            id: PhotoId::new([u.arbitrary()?; 32]),
            len: u.arbitrary()?,
            purpose: *u.choose(PhotoPurpose::ALL)?,
        }),
        Kind::Sms => Body::Sms(Sms {
            level: *u.choose(SmsLevel::ALL)?,
            to: words(u)?,
            text: said(u)?,
            has_surname: u.arbitrary()?,
            has_waybill: u.arbitrary()?,
        }),
        Kind::Notice => Body::Notice(Notice { to: outlet(u)?, source: *u.choose(TargetSource::ALL)?, request: words(u)? }),
        Kind::Outage => Body::Outage(Outage {
            reason: *u.choose(OutageReason::ALL)?,
            contact: words(u)?,
            phone: words(u)?,
            phoned_at: u.arbitrary::<Option<i64>>()?.map(UnixMs),
            outlet: if u.arbitrary()? { Some(outlet(u)?) } else { None },
            said: words(u)?,
        }),
        Kind::Reply => Body::Reply(Reply {
            notice: key(u)?,
            decision: one_of(u, &["REDELIVER", "RETURN"])?,
            words: words(u)?,
            phone: words(u)?,
            address: words(u)?,
        }),
        Kind::Close => Body::Close(Close { outcome: one_of(u, &["SIGNED", "RETURNED"])?, words: words(u)? }),
        Kind::Handover => Body::Handover(Handover { to: one_of(u, &["c1029", "c2"])?, words: words(u)? }),
        Kind::Takeover => match key(u)? {
            Some(handover) => Body::Takeover(Takeover { handover }),
            None => Body::Note { words: said(u)? },
        },
    })
}
