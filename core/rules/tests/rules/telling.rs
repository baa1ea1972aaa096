//! What an entry says, and who sees a customer's data in it (README.md, "What an entry says, and who sees a customer's data").

use doorstep_domain::*;
use doorstep_rules::*;

use crate::story::{COURIER, HUB, MOBILE, ORIGIN, Story, WEST, at, code, full, message, said};

const README: &str = include_str!("../../README.md");

fn person(user: &str, role: Role, outlet: &str) -> Author {
    Author { user: user.parse().unwrap(), role, outlet: outlet.parse().unwrap() }
}

/// A row of the list: the parcel is in the bag of `courier`.
fn row(courier: &str) -> Parcel {
    Parcel {
        waybill: Waybill::parse("QH310000000017").unwrap(),
        network: "QH".parse().unwrap(),
        origin_outlet: "0571".parse().unwrap(),
        delivering_outlet: "0412".parse().unwrap(),
        courier: Some(courier.parse().unwrap()),
        recipient_name: Personal::plain("王小花").unwrap(),
        recipient_phone: said(MOBILE),
        virtual_number: None,
        recipient_address: Personal::plain("青禾路1号").unwrap(),
        cod: Fen(0),
        theoretical_arrival: None,
        hub: Some("H1".parse().unwrap()),
        entered_at: None,
        children: vec![],
        details: Details::default(),
    }
}

/// A failed delivery, its notice, and the origin outlet's reply.
fn replied() -> Story {
    let mut story = Story::new();
    story.attempt(at(0, 9, 0, 0), Some(at(0, 9, 0, 0)), "DF-BADADDR");
    story.notice(at(0, 10, 0, 0), Some(at(0, 10, 0, 0)), "0571");
    story.online(&ORIGIN, at(0, 11, 0, 0), Body::Reply(full("REDELIVER")));
    story
}

fn lines(story: &Story, kind: Kind, sight: Sight) -> Vec<Line> {
    let case = story.case();
    let recorded = case.of_kind(kind).next_back().unwrap();
    tell(&recorded.entry, &case, Some(&story.book.newest().pack), sight)
}

fn text(lines: &[Line], label: Label) -> Option<&str> {
    lines.iter().find(|line| line.label == label).and_then(|line| match &line.value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

/// How somebody may stand to the parcel, as the table of the README says it.
const PLACES: [&str; 5] =
    ["their own now", "their outlet delivers it", "their outlet sent it", "their hub handles it", "none of these"];

/// The rows of the table: role, how they stand, while it is open, once it has ended.
fn rows() -> Vec<(Role, &'static str, bool, bool)> {
    let cells = README.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let rows = cells.filter_map(|cells| match cells[..] {
        ["", role, place, open, ended, ""] if matches!(open, "clear" | "masked") => {
            Some((role.trim_matches('`').parse().unwrap(), place, open == "clear", ended == "clear"))
        }
        _ => None,
    });
    rows.collect()
}

#[test]
fn who_sees_customers_data_in_clear_is_the_table_of_the_readme_row_by_row_and_nobody_else() {
    let rows = rows();
    assert_eq!(rows.len(), 7);
    let open = replied();
    let mut ended = replied();
    ended.close(at(0, 18, 0, 0), "SIGNED");
    for role in Role::ALL {
        for place in PLACES {
            let reader = match place {
                "their own now" => person("c1", *role, "9999"),
                "their outlet delivers it" => person("z9", *role, "0412"),
                "their outlet sent it" => person("z9", *role, "0571"),
                "their hub handles it" => person("z9", *role, "H1"),
                _ => person("z9", *role, "9999"),
            };
            let fits = |wanted: &str| wanted == "any" || wanted.starts_with(place);
            let found = rows.iter().find(|(of, wanted, ..)| of == role && fits(wanted));
            let (while_open, once_ended) = found.map_or((false, false), |(_, _, open, ended)| (*open, *ended));
            for (story, is_clear) in [(&open, while_open), (&ended, once_ended)] {
                let sight = Sight::on_device(&reader, &story.case(), Some(&row("c1")));
                assert_eq!(sight == Sight::Clear, is_clear, "{role}, {place}, ended: {}", story.case().has_ended());
            }
        }
        let at_head_office = |has_ended| Sight::of_head_office(*role, has_ended) == Sight::Clear;
        let any = rows.iter().find(|(of, place, ..)| of == role && *place == "any").map(|(_, _, open, ended)| (*open, *ended));
        assert_eq!((at_head_office(false), at_head_office(true)), any.unwrap_or_default(), "{role}");
    }
    for role in [Role::Hub, Role::OutletFinance, Role::HqAdmin, Role::Auditor] {
        assert!(rows.iter().all(|(of, ..)| *of != role), "{role} never");
        assert!(README.contains(&format!("`{role}`")), "{role} is named");
    }
}

#[test]
fn who_sees_the_senders_number_is_the_second_table_of_the_readme_and_nobody_else() {
    let cells = README.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let rows: Vec<(Role, &str, bool, bool)> = cells
        .filter_map(|cells| match cells[..] {
            ["", role, place, "whole", ended @ ("whole" | "masked"), ""] => {
                Some((role.trim_matches('`').parse().unwrap(), place, true, ended == "whole"))
            }
            _ => None,
        })
        .collect();
    assert_eq!(rows.len(), 4);
    let details =
        Details {
            sender_name: said("陈掌柜"), sender_phone: said("13900001234"), goods: said("茶叶"), ..Details::default()
        };
    let listed = Parcel { details, ..row("c1") };
    let open = replied();
    let mut ended = replied();
    ended.close(at(0, 18, 0, 0), "SIGNED");
    for role in Role::ALL {
        for (place, user, outlet) in [
            ("their own now", "c1", "9999"),
            ("their outlet delivers it", "z9", "0412"),
            ("their outlet sent it", "z9", "0571"),
            ("their hub handles it", "z9", "H1"),
            ("none of these", "z9", "9999"),
        ] {
            let reader = person(user, *role, outlet);
            let found = rows.iter().find(|(of, wanted, ..)| of == role && (*wanted == "any" || *wanted == place));
            for (case, has_ended) in [(None, false), (Some(open.case()), false), (Some(ended.case()), true)] {
                let is_whole = found.is_some_and(|(.., once_ended)| !has_ended || *once_ended);
                let seen = shown(&reader, case.as_ref(), listed.clone()).details;
                let (name, number) = (seen.sender_name.unwrap(), seen.sender_phone.unwrap());
                let wanted = if is_whole { ("陈掌柜", "13900001234") } else { ("陈**", "139******34") };
                assert_eq!((name.text().unwrap(), number.text().unwrap()), wanted, "{role}, {place}, ended: {has_ended}");
                let sight = Sight::of_row(&reader, case.as_ref(), &listed);
                let goods = if sight == Sight::Clear { "茶叶" } else { HIDDEN };
                assert_eq!(seen.goods.unwrap().text().unwrap(), goods, "{role}, {place}");
            }
        }
    }
    assert!(shown(&person("o1", Role::Outlet, "0571"), None, row("c1")) == row("c1"), "a row without details stays so");
}

#[test]
fn a_row_of_the_list_is_seen_as_its_case_is_and_without_one_by_whose_it_is() {
    let open = replied();
    let mut ended = replied();
    ended.close(at(0, 18, 0, 0), "SIGNED");
    let listed =
        Parcel { virtual_number: Some(VirtualNumber { number: said("17012345678").unwrap(), expires_at: None }), ..row("c1") };
    let shown = |user: &str, role: Role, outlet: &str, case: Option<&Case>| {
        Sight::of_row(&person(user, role, outlet), case, &listed).row(listed.clone())
    };
    let masked = |parcel: &Parcel| {
        let text = |value: &Personal| value.text().unwrap().to_owned();
        let numbers = [parcel.recipient_phone.as_ref(), parcel.virtual_number.as_ref().map(|it| &it.number)];
        assert_eq!(numbers.map(|number| text(number.unwrap())), ["138******00", "170******78"]);
        assert_eq!((text(&parcel.recipient_name), text(&parcel.recipient_address)), ("王**".to_owned(), "青禾***".to_owned()));
    };
    for (user, role, outlet) in [("c1", Role::Courier, "0412"), ("s1", Role::Outlet, "0412"), ("o1", Role::OutletManager, "0571")]
    {
        assert_eq!(shown(user, role, outlet, None), listed, "{role}: no problem is recorded");
        assert_eq!(shown(user, role, outlet, Some(&open.case())), listed, "{role}: it is open");
        masked(&shown(user, role, outlet, Some(&ended.case())));
    }
    for (user, role, outlet) in [
        ("c2", Role::Courier, "0412"),
        ("s1", Role::Outlet, "0755"),
        ("f1", Role::OutletFinance, "0412"),
        ("h1", Role::Hub, "H1"),
    ] {
        for case in [None, Some(open.case()), Some(ended.case())] {
            masked(&shown(user, role, outlet, case.as_ref()));
        }
    }
}

#[test]
fn a_courier_reads_the_corrected_phone_and_address_of_their_own_open_parcel_and_others_read_masks() {
    let story = replied();
    let case = story.case();
    let mine = Sight::on_device(&person("c1", Role::Courier, "0412"), &case, Some(&row("c1")));
    let told = lines(&story, Kind::Reply, mine);
    assert_eq!(head(&told).unwrap().label, Label::Decision);
    assert_eq!((text(&told, Label::Phone), text(&told, Label::Address)), (Some("13000000000"), Some("青禾路1号")));
    let phone = told.iter().find(|line| line.label == Label::Phone).unwrap();
    assert_eq!(phone.personal, Some(PersonalValue { sort: Sort::Phone, whom: Whom::Recipient, is_clear: true }));
    assert_eq!(phone.label.words(None).zh, "电话");

    for other in [person("c2", Role::Courier, "0412"), person("h1", Role::Hub, "H1"), person("f1", Role::OutletFinance, "0412")] {
        let told = lines(&story, Kind::Reply, Sight::on_device(&other, &case, Some(&row("c1"))));
        let shown: Vec<_> = [Label::Phone, Label::Address, Label::Contact, Label::Place, Label::Agreed, Label::Words]
            .map(|label| text(&told, label).unwrap().to_owned())
            .into();
        assert_eq!(shown, ["130******00", "青禾***", "王**", "城西***", "张**", "客户在家"], "{}", other.role);
        let is_clear =
            |label: Label| told.iter().find(|line| line.label == label).and_then(|line| line.personal).unwrap().is_clear;
        assert!(!is_clear(Label::Phone) && !is_clear(Label::Address) && is_clear(Label::Words));
    }
}

#[test]
fn what_is_handed_over_is_in_clear_for_who_has_taken_it_over_and_not_for_who_gave_it_or_is_only_asked() {
    let mut story = replied();
    let handover = story.online(&COURIER, at(0, 12, 0, 0), Body::Handover(Handover { to: "c2".parse().unwrap(), words: None }));
    let sight = |story: &Story, user: &str, row: Option<&Parcel>| {
        Sight::on_device(&person(user, Role::Courier, "0412"), &story.case(), row)
    };
    let listed = row("c1");
    assert_eq!(sight(&story, "c1", Some(&listed)), Sight::Clear, "until the other takes it");
    assert_eq!(sight(&story, "c2", Some(&listed)), Sight::Masked);
    let other = crate::story::By("c2", Role::Courier, "0412");
    story.online(&other, at(0, 13, 0, 0), Body::Takeover(Takeover { handover }));
    assert_eq!(sight(&story, "c1", Some(&listed)), Sight::Masked);
    assert_eq!(sight(&story, "c2", Some(&listed)), Sight::Clear);
    assert_eq!(sight(&replied(), "c1", None), Sight::Masked, "it is on the list, and not on this courier's any more");
}

#[test]
fn what_is_assigned_is_in_clear_for_the_newest_by_receipt_of_assignment_takeover_and_list() {
    let mut story = replied();
    let assign = |to: &str| Body::Assign(Assign { to: to.parse().unwrap(), planned_at: None, replaces: None, words: None });
    let clear = |story: &Story, row: &Parcel| -> Vec<&'static str> {
        let case = story.case();
        let sees = |user: &&str| Sight::on_device(&person(user, Role::Courier, "0412"), &case, Some(row)) == Sight::Clear;
        ["c1", "c2", "c3"].into_iter().filter(sees).collect()
    };
    story.online(&WEST, at(0, 12, 0, 0), assign("c2"));
    assert_eq!(clear(&story, &row("c1")), ["c2"]);
    let moved = |to: &str, when| Parcel { details: Details { courier_at: Some(when), ..Details::default() }, ..row(to) };
    assert_eq!(clear(&story, &moved("c3", at(0, 11, 30, 0))), ["c2"], "a list before the assignment");
    assert_eq!(clear(&story, &moved("c3", at(0, 12, 30, 0))), ["c3"], "a list after it");
    // Recorded first and received last.
    story.add(&WEST, at(0, 11, 59, 0), Some(at(0, 13, 0, 0)), assign("c3"));
    assert_eq!(clear(&story, &row("c1")), ["c3"]);
    // Head office is to review it: it moves nothing.
    story.online(&WEST, at(0, 14, 0, 0), assign("c1"));
    let last = story.entries.last_mut().unwrap();
    let Standing::Accepted(receipt) = &mut last.standing else { panic!("accepted") };
    receipt.review = true;
    assert_eq!(clear(&story, &row("c1")), ["c3"]);
    assert_eq!(story.case().assigned_from(Some(&"c1".parse().unwrap())).unwrap().as_str(), "c2", "to whom it would go back");
    // A device's own assignment that nobody has received yet is the newest.
    story.add(&WEST, at(0, 15, 0, 0), None, assign("c1"));
    assert_eq!(clear(&story, &moved("c3", at(0, 16, 0, 0))), ["c1"]);
}

#[test]
fn an_assignment_ends_an_offer_and_an_offer_after_it_stands() {
    let mut story = replied();
    let offer = |to: &str| Body::Handover(Handover { to: to.parse().unwrap(), words: None });
    let assign = |to: &str| Body::Assign(Assign { to: to.parse().unwrap(), planned_at: None, replaces: None, words: None });
    let offered = |story: &Story| story.case().offered_to().map(ToString::to_string);
    story.online(&COURIER, at(0, 12, 0, 0), offer("c2"));
    assert_eq!(offered(&story).as_deref(), Some("c2"));
    story.online(&WEST, at(0, 13, 0, 0), assign("c3"));
    assert_eq!(offered(&story), None);
    story.online(&crate::story::By("c3", Role::Courier, "0412"), at(0, 14, 0, 0), offer("c1"));
    assert_eq!(offered(&story).as_deref(), Some("c1"));
}

#[test]
fn a_parcel_that_no_list_has_is_the_couriers_and_the_outlets_who_recorded_it_first() {
    let mut story = replied();
    story.facts = Facts::unlisted(story.facts.network.clone(), story.facts.waybill.clone());
    for recorded in &mut story.entries {
        recorded.entry.facts = recorded.entry.facts.as_ref().map(|_| story.facts.clone());
    }
    let sight = |reader: Author| Sight::on_device(&reader, &story.case(), None);
    assert_eq!(sight(person("c1", Role::Courier, "0412")), Sight::Clear);
    assert_eq!(sight(person("c2", Role::Courier, "0412")), Sight::Masked);
    assert_eq!(sight(person("s1", Role::Outlet, "0412")), Sight::Clear);
    assert_eq!(sight(person("o1", Role::Outlet, "0571")), Sight::Clear, "the notice went there");
    assert_eq!(sight(person("x1", Role::Outlet, "0755")), Sight::Masked);
}

#[test]
fn a_case_that_has_ended_is_masked_also_while_a_finding_of_it_is_disputed() {
    let mut story = replied();
    let end = story.close(at(0, 18, 0, 0), "SIGNED");
    let rule = Some(code("LIA-04"));
    let entry = story.case().timeline[0].entry.key.clone();
    let about = About { rule, entry };
    story.online(&WEST, at(0, 19, 0, 0), Body::Dispute(Dispute { about, words: Personal::plain("已通知").unwrap() }));
    assert!(story.case().has_ended());
    let reader = person("c1", Role::Courier, "0412");
    assert_eq!(Sight::on_device(&reader, &story.case(), Some(&row("c1"))), Sight::Masked);
    // An end that is corrected as one that did not occur ends nothing.
    let wrong = Correction { of: end, fault: Fault::DidNotOccur, same_as: None, words: Personal::plain("点错").unwrap() };
    story.online(&WEST, at(0, 20, 0, 0), Body::Correction(wrong));
    assert!(!story.case().has_ended());
    assert_eq!(Sight::on_device(&reader, &story.case(), Some(&row("c1"))), Sight::Clear);
}

#[test]
fn words_of_staff_stay_with_their_numbers_masked_and_a_customers_words_are_hidden_whole() {
    let mut story = replied();
    let note = Body::Note { words: Personal::plain("改打13912345678，单号QH310000000017").unwrap() };
    story.online(&COURIER, at(0, 12, 0, 0), note);
    let consent =
        Consent { by: Customer::Sender, to: code("REDELIVER"), name: said("张小姐"), words: said("送到青禾路9号") };
    story.online(&ORIGIN, at(0, 12, 5, 0), Body::Consent(consent));
    let note = |sight| text(&lines(&story, Kind::Note, sight), Label::Words).unwrap().to_owned();
    assert_eq!(note(Sight::Clear), "改打13912345678，单号QH310000000017");
    assert_eq!(note(Sight::Masked), "改打139******78，单号QH310000000017");
    let told = lines(&story, Kind::Consent, Sight::Masked);
    assert_eq!((text(&told, Label::AgreedWords), text(&told, Label::Agreed)), (Some("***"), Some("张**")));
}

#[test]
fn an_outlets_number_in_an_outage_is_no_customers_and_a_messages_number_is() {
    let mut story = replied();
    story.outage(at(0, 12, 0, 0), at(0, 12, 0, 0), said("0571-88001234"));
    story.sms(at(0, 12, 30, 0), message(None), SmsState::Sent);
    let masked = |kind, label| text(&lines(&story, kind, Sight::Masked), label).unwrap().to_owned();
    assert_eq!(masked(Kind::Outage, Label::Phone), "0571-88001234");
    assert_eq!(masked(Kind::Sms, Label::SmsTo), "138******00");
    assert!(masked(Kind::Sms, Label::SmsText).contains("QH310000000017"), "the waybill is no number to hide");
}

#[test]
fn a_sealed_value_is_said_to_be_sealed_and_a_photo_tells_roughly_where_it_was_taken() {
    let mut story = replied();
    let sealed = Personal::from_bytes(&[1, 1, 7, 9, 9]).unwrap();
    story.online(&COURIER, at(0, 12, 0, 0), Body::Note { words: sealed });
    let told = lines(&story, Kind::Note, Sight::Clear);
    assert_eq!((&told[0].value, told[0].personal.unwrap().is_clear), (&Value::Sealed, false));
    let position = GeoPosition::new(302_741_512, 1_201_551_512);
    let capture = Capture { position, ..Capture::default() };
    let photo = Photo { capture, ..Photo::of(PhotoId::new([7; 32]), 9, PhotoPurpose::Door) };
    story.online(&HUB, at(0, 12, 5, 0), Body::Photo(photo));
    let place = |sight| {
        let told = lines(&story, Kind::Photo, sight);
        told.into_iter().find(|line| line.label == Label::TakenWhere).unwrap().value
    };
    assert_eq!(place(Sight::Clear), Value::Position(position.unwrap()));
    assert_eq!(
        place(Sight::Masked),
        Value::Position(GeoPosition { lat_e7: 302_000_000, lon_e7: 1_201_000_000, accuracy_m: None })
    );
}

#[test]
fn a_row_of_head_offices_list_tells_the_facts_of_its_entry() {
    let mut story = replied();
    let facts = Facts { cod: Fen(12_300), ..story.facts.clone() };
    crate::listing::listed(&mut story, at(0, 8, 0, 0), facts);
    let told = lines(&story, Kind::Listed, Sight::Masked);
    let shown: Vec<_> = told.iter().filter(|line| !line.is_detail).map(|line| line.label).collect();
    assert_eq!(shown, [Label::Since, Label::DeliveringOutlet, Label::OriginOutlet, Label::CashToCollect]);
}
