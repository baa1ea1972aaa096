//! Every value of every kind of entry comes over the boundary, and what somebody may not see comes masked.

use doorstep_domain::*;
use doorstep_rules::{Case, FIRST_PACK, Pack, Sight};
use serde_json::{Value as Json, json};

use crate::{TimelineEntry, ToldValue};

fn said(text: &str) -> Option<Personal> {
    Some(Personal::plain(text).unwrap())
}

fn word<T: std::str::FromStr<Err = IdError>>(text: &str) -> T {
    text.parse().unwrap()
}

fn waybill(text: &str) -> Waybill {
    Waybill::parse(text).unwrap()
}

fn key(kind: Kind) -> EntryKey {
    EntryKey { kind: kind.as_str().into(), tag: Tag::from_text("abcdefgh").unwrap(), seq: 7, index: None }
}

/// An entry of a kind with a value in each of its fields. A new kind does not compile until it is here; a new field that is left empty
/// fails below.
fn full(kind: Kind) -> Body {
    let photo = |n: u8| PhotoId::new([n; 32]);
    match kind {
        Kind::Attempt => Body::Attempt(Attempt {
            reason: word("DF-NOMONEY"),
            sub: Some(word("no_cash")),
            words: said("没带钱"),
            piece: Some(waybill("QH310000000024")),
            offered: Some(Fen(1_234)),
            agreed_at: Some(UnixMs(1_700_000_000_001)),
            waited_minutes: Some(17),
        }),
        Kind::Problem => Body::Problem(Problem {
            reason: word("CD-DAMAGE"),
            sub: Some(word("package")),
            stage: Stage::Arrival,
            found_at: Some(UnixMs(1_700_000_000_002)),
            count: Some(3),
            piece: Some(waybill("QH310000000031")),
            other: Some(waybill("QH310000000048")),
            weight_g: Some(1_900),
            label_g: Some(2_100),
            words: said("外箱破损"),
        }),
        Kind::Call => Body::Call(Call {
            result: CallResult::Answered,
            number: said("13812340001"),
            called_at: Some(UnixMs(1_767_225_600_000)),
            seconds: Some(41),
            words: said("下午在家"),
        }),
        Kind::Note => Body::Note { words: said("门卫代收不行").unwrap() },
        Kind::SheetNote => Body::SheetNote(doorstep_domain::SheetNote { words: said("夜班三件未清").unwrap() }),
        Kind::SheetDay => Body::SheetDay(doorstep_domain::SheetDay { words: said("早班两人") }),
        Kind::Photo => Body::Photo(Photo {
            id: photo(1),
            len: 300_001,
            purpose: PhotoPurpose::Door,
            thumbnail: Some(Thumbnail { id: photo(2), len: 11_001 }),
            placeholder: Some(vec![9, 8, 7]),
            original: Some(photo(3)),
            capture: Capture {
                at: Some(UnixMs(1_700_000_000_003)),
                position: GeoPosition::new(302_741_512, 1_201_551_512),
                camera: Some("Camera X".into()),
            },
            clarity: Some(Clarity { sharpness: 1_601, light: 127 }),
            look: Some(u64::MAX - 5),
            source: Some(PhotoSource::Gallery),
        }),
        Kind::Sms => Body::Sms(Sms {
            attempt: Some(key(Kind::Attempt)),
            day: 20_514,
            template: Some(word("failed_delivery")),
            template_version: 4,
            to: said("13812340002").unwrap(),
            mark: [3; 8],
            text: said("王先生/女士，您好").unwrap(),
            digest: [4; 32],
            has_surname: true,
            has_waybill: true,
        }),
        Kind::SmsReport => Body::SmsReport(SmsReport {
            of: key(Kind::Sms),
            state: SmsState::Failed,
            round: 2,
            way: SmsWay::Gateway,
            holder: Tag::from_text("abcdefg2"),
            fault: Some(SmsFault::Refused),
            at: Some(UnixMs(1_700_000_000_004)),
            words: said("再发一次"),
        }),
        Kind::SmsReply => Body::SmsReply(SmsReply { of: key(Kind::Sms), words: said("放驿站").unwrap(), opt_out: true }),
        Kind::Notice => Body::Notice(Notice { to: word("0571"), source: TargetSource::Manual, request: said("如何处理？") }),
        Kind::Outage => Body::Outage(Outage {
            reason: OutageReason::Power,
            contact: said("赵敏"),
            phone: said("0571-88001234"),
            phoned_at: Some(UnixMs(1_700_000_000_005)),
            outlet: Some(word("0571")),
            said: said("已告知"),
        }),
        Kind::Seen => Body::Seen(Seen { notice: key(Kind::Notice) }),
        Kind::Reply => Body::Reply(Reply {
            notice: Some(key(Kind::Notice)),
            decision: word("REDELIVER"),
            words: said("改地址再派"),
            phone: said("13912345678"),
            address: said("青禾路9号3幢"),
            contact: said("王小花"),
            company: said("青禾公司"),
            same: true,
            until: Some(UnixMs(1_700_000_000_006)),
            place: said("城西网点"),
            informed: true,
            agreed_by: Some(Customer::Sender),
            agreed: said("张小姐"),
            payer: Some(Payer::OriginOutlet),
            letter: Some(photo(4)),
            site: Some(word("0755")),
        }),
        Kind::Mark => Body::Mark(Mark {
            about: key(Kind::Reply),
            remark: Remark::Invalid,
            reason: Some(word("empty")),
            words: said("没有决定"),
        }),
        Kind::Action => Body::Action(Action {
            outcome: word("TRANSFER_PEER"),
            carrier: Some("同行快递".into()),
            number: Some(waybill("ZT4200000011")),
            amount: Some(Fen(900)),
            words: said("转同行"),
            site: Some(word("0755")),
        }),
        Kind::Tick => Body::Tick(Tick { step: word("report_superior"), words: said("已报") }),
        Kind::Assign => Body::Assign(Assign {
            to: word("c2"),
            planned_at: Some(UnixMs(1_700_000_000_007)),
            replaces: Some(key(Kind::Assign)),
            words: said("明早再派"),
        }),
        Kind::Consent => Body::Consent(Consent {
            by: Customer::Recipient,
            to: word("SELF_PICKUP"),
            name: said("王小花"),
            words: said("自己来取"),
        }),
        Kind::Goods => Body::Goods(Goods {
            name: said("茶杯"),
            packing: said("纸箱加泡沫"),
            value: Some(Fen(8_800)),
            words: said("一套六只"),
        }),
        Kind::Ledger => Body::Ledger(Ledger {
            book: Book::Cod,
            change: word("cod_change"),
            amount: Some(Fen(19_900)),
            letter: Some(photo(5)),
            slip: true,
            words: said("已核"),
        }),
        Kind::Waiver => Body::Waiver(Waiver { evidence: word("inside"), words: said("客户不让开箱").unwrap() }),
        Kind::Alias => Body::Alias(Alias { waybill: waybill("PV-0412-ABCD2345") }),
        Kind::Correction => Body::Correction(Correction {
            of: key(Kind::Call),
            fault: Fault::SameAs,
            same_as: Some(key(Kind::Note)),
            words: said("记了两次").unwrap(),
        }),
        Kind::Dispute => Body::Dispute(Dispute {
            about: About { rule: Some(word("LIA-04")), entry: key(Kind::Attempt) },
            words: said("当天已通知").unwrap(),
        }),
        Kind::Ruling => Body::Ruling(Ruling {
            about: About { rule: None, entry: key(Kind::Mark) },
            stands: Stands::Lifted,
            share: Some(40),
            amount: Some(Fen(5_000)),
            replaces: Some(key(Kind::Ruling)),
            words: said("各担一半不当"),
        }),
        Kind::Close => {
            Body::Close(Close { outcome: word("SIGNED"), words: said("本人签收"), piece: Some(waybill("QH310000000055")) })
        }
        Kind::Handover => Body::Handover(Handover { to: word("c2"), words: said("换线路") }),
        Kind::Takeover => Body::Takeover(Takeover { handover: key(Kind::Handover) }),
        Kind::Ask => Body::Ask(Ask { step: word("outlet_search"), to: word("0755"), words: said("请找一找") }),
        Kind::Answered => {
            Body::Answered(Answered { ask: key(Kind::Ask), result: word("found"), here: true, words: said("在货架上") })
        }
        Kind::Dispatch => Body::Dispatch(Dispatch { leaves_at: UnixMs(1_700_000_000_009), words: said("随首班退回") }),
        Kind::Linked => {
            let reason = Some(word("LS-SWAP"));
            Body::Linked(Linked { waybill: waybill("QH310000000055"), reason, state: word("registered") })
        }
        Kind::Listed => Body::Listed(Listed { since: UnixMs(1_700_000_000_008) }),
    }
}

fn facts() -> Facts {
    Facts {
        network: word("QH"),
        waybill: waybill("QH310000000017"),
        origin_outlet: Some(word("0571")),
        delivering_outlet: Some(word("0412")),
        cod: Fen(15_000),
        mobile: Some([5; 8]),
        virtual_mobile: Some([6; 8]),
        arrival: Some(UnixMs(1_700_000_000_009)),
        entered: Some(UnixMs(1_700_000_000_010)),
        reference: 12,
    }
}

fn recorded(body: Body) -> Recorded {
    Recorded {
        change: ChangeHash::new([1; 32]),
        standing: Standing::OnThisDevice,
        entry: Entry {
            key: EntryKey { kind: body.kind().into(), tag: Tag::from_text("abcdefgh").unwrap(), seq: 9, index: None },
            author: Author { user: word("c1"), role: Role::Courier, outlet: word("0412") },
            pack_version: 1,
            time: TimeEvidence { wall: UnixMs(1), zone_quarters: 32, mono_ms: 1, boot: BootId([0; 4]), anchor: None },
            action: None,
            facts: Some(facts()),
            sheet: None,
            release: None,
            rewrites: None,
            body,
        },
    }
}

fn told(body: Body, sight: Sight) -> TimelineEntry {
    let recorded = recorded(body);
    let case = Case::fold([recorded.clone()]).unwrap();
    TimelineEntry::of(&recorded, &case, Some(&Pack::parse(FIRST_PACK).unwrap()), sight)
}

/// The values of a JSON document: what has no parts, and lists of numbers, which are bytes.
fn leaves(json: &Json, into: &mut Vec<Json>) {
    match json {
        Json::Object(fields) => fields.values().for_each(|value| leaves(value, into)),
        Json::Array(values) if !values.iter().all(Json::is_number) => values.iter().for_each(|value| leaves(value, into)),
        leaf => into.push(leaf.clone()),
    }
}

/// What hosts read, as JSON has it.
fn read(entry: &TimelineEntry) -> Vec<Json> {
    let mut read = Vec::new();
    for line in &entry.told {
        match &line.value {
            ToldValue::Text { text } => read.push(json!(text)),
            ToldValue::Sealed => read.push(Json::Null),
            ToldValue::Code { code, .. } | ToldValue::Outlet { code } => read.push(json!(code)),
            ToldValue::Yes => read.push(json!(true)),
            ToldValue::Time { at_ms } => read.push(json!(at_ms)),
            ToldValue::Day { days } => read.push(json!(days)),
            ToldValue::Money { fen } => read.push(json!(fen)),
            // People count tries from 1.
            ToldValue::Number { count, .. } if line.label == "try" => read.push(json!(count - 1)),
            ToldValue::Number { count, .. } => read.push(json!(count)),
            ToldValue::Person { user } => read.push(json!(user)),
            ToldValue::Waybill { waybill } => read.push(json!(waybill)),
            ToldValue::Photo { photo, len } => read.extend([json!(photo), json!(len)]),
            ToldValue::Entry { key } => read.push(json!(key)),
            ToldValue::Finding { about } => read.push(json!(about)),
            ToldValue::Position { lat_e7, lon_e7 } => read.extend([json!(lat_e7), json!(lon_e7)]),
            ToldValue::Bytes { bytes } if line.label == "look" => {
                read.push(json!(u64::from_be_bytes(bytes.as_slice().try_into().unwrap())));
            }
            ToldValue::Bytes { bytes } => read.push(json!(bytes)),
        }
    }
    read
}

#[test]
fn every_value_of_every_kind_of_entry_comes_over_the_boundary() {
    for kind in Kind::ALL {
        let body = full(*kind);
        let mut written = Vec::new();
        let mut json = serde_json::to_value(&body).unwrap();
        json.as_object_mut().unwrap().remove("kind");
        leaves(&json, &mut written);
        if *kind == Kind::Listed {
            leaves(&serde_json::to_value(facts()).unwrap(), &mut written);
        }
        let entry = told(body, Sight::Clear);
        let read = read(&entry);
        for value in &written {
            assert!(!value.is_null() && *value != json!(false), "{kind:?}: the test leaves a field empty");
            assert!(read.contains(value), "{kind:?}: {value} does not come over: {read:?}");
        }
        assert!(!entry.told.is_empty() && entry.told.iter().all(|line| line.label_name.zh != line.label), "{kind:?}");
        assert!(entry.told.iter().all(|line| line.personal.as_ref().is_none_or(|personal| personal.is_clear)), "{kind:?}");
    }
    let newer = told(Body::Unknown { name: "weighing".into() }, Sight::Clear);
    assert_eq!(read(&newer), [json!("weighing")]);
}

#[test]
fn what_somebody_may_not_see_comes_masked_and_says_so_and_no_line_shows_its_value_as_text() {
    let entry = told(full(Kind::Reply), Sight::Masked);
    let text = |label: &str| {
        entry.told.iter().find(|line| line.label == label).map(|line| match &line.value {
            ToldValue::Text { text } => (text.as_str(), line.personal.as_ref().unwrap().is_clear),
            _ => panic!("{label} is text"),
        })
    };
    assert_eq!(text("phone"), Some(("139******78", false)));
    assert_eq!(text("address"), Some(("青禾路***", false)));
    assert_eq!(text("contact"), Some(("王**", false)));
    assert_eq!(text("words"), Some(("改地址再派", true)));
    let phone = told(full(Kind::Reply), Sight::Clear).told.into_iter().find(|line| line.label == "phone").unwrap();
    assert_eq!(phone.personal.as_ref().unwrap().whom, "recipient");
    assert!(!format!("{phone} {}", phone.value).contains("139"));
}

#[test]
fn an_entrys_code_words_and_photo_are_those_of_its_lines() {
    let of = |kind| {
        let entry = told(full(kind), Sight::Clear);
        (entry.code, entry.words, entry.photo.is_some())
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(of(Kind::Attempt), (some("DF-NOMONEY"), some("没带钱"), false));
    assert_eq!(of(Kind::Call), (some("answered"), some("下午在家"), false));
    assert_eq!(of(Kind::Notice), (some("0571"), some("如何处理？"), false));
    assert_eq!(of(Kind::Outage), (some("power"), some("已告知"), false));
    assert_eq!(of(Kind::Sms), (None, some("王先生/女士，您好"), false));
    assert_eq!(of(Kind::Photo), (some("door"), None, true));
    assert_eq!(of(Kind::Consent), (some("SELF_PICKUP"), some("自己来取"), false));
    assert_eq!(of(Kind::Ledger), (some("cod_change"), some("已核"), false));
    assert_eq!(of(Kind::Alias), (some("PV-0412-ABCD2345"), None, false));
    assert_eq!(of(Kind::Handover), (some("c2"), some("换线路"), false));
    assert_eq!(of(Kind::Seen), (None, None, false));
    let entry = told(full(Kind::Call), Sight::Clear);
    assert_eq!(entry.code_name.unwrap().en, "answered");
}
