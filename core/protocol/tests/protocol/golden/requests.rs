//! The requests beside a sync: enrolment, sessions, leases, photos and reference rows.

use super::*;

#[test]
fn enrolling_and_sessions_are_as_specified() {
    message("nonce-response", &NonceResponse { nonce: nonce(), now_ms: NOW });
    message(
        "enrol-request",
        &EnrolRequest {
            code: "abcd-efgh-jklm".into(),
            public_key: key(),
            install: InstallId::new([1; 16]),
            nonce: nonce(),
            sig: bytes_of("sig-enrol"),
        },
    );
    message(
        "enrol-response",
        &EnrolResponse {
            token: token(),
            user: "c1029".into(),
            role: "courier".into(),
            outlet: "0412".into(),
            name: "Li".into(),
            now_ms: NOW,
            server_key: key(),
        },
    );
    message("session-request", &SessionRequest { device: device(), nonce: nonce(), sig: bytes_of("sig-session") });
    message("session-response", &SessionResponse { token: token(), now_ms: NOW });
    message("error-body", &ErrorBody { code: "malformed".into(), detail: "body is malformed: body is not zstd".into() });
}

#[test]
fn a_lease_is_as_specified() {
    let request = LeaseRequest { case: case(), entry: "sms/abcdefgh-2".into(), install: InstallId::new([1; 16]) };
    message("lease-request", &request);
    message("lease-response", &LeaseResponse { until_ms: Some(NOW + 900_000), why: None });
    message("lease-refused", &LeaseResponse { until_ms: None, why: Some("not_offered".into()) });
}

#[test]
fn what_is_said_about_photos_is_as_specified() {
    message("photo-query", &PhotoQuery { photos: vec![Sha(PhotoId::new([7; 32])), Sha(PhotoId::new([8; 32]))] });
    message("photo-states", &PhotoStates { states: vec![PhotoState::Stored, PhotoState::Void] });
}

fn parcel() -> ParcelRow {
    let plain = |text: &str| Personal::plain(text).unwrap().as_bytes().to_vec();
    ParcelRow {
        waybill: "QH310000000017".into(),
        network: "QH".into(),
        origin_outlet: "0571".into(),
        delivering_outlet: "0412".into(),
        courier: Some("c1029".into()),
        recipient_name: plain("王小明"),
        recipient_phone: plain("13800000000"),
        recipient_address: plain("1 Test Road"),
        cod_fen: 1_205,
        theoretical_arrival_ms: Some(NOW),
        hub: None,
        entered_ms: Some(NOW - 86_400_000),
        children: Some(vec!["QH310000000017-1".into()]),
        virtual_phone: plain("17012345678"),
        virtual_until_ms: Some(NOW + 259_200_000),
        details: None,
    }
}

fn details() -> DetailsRow {
    let plain = |text: &str| Personal::plain(text).unwrap().as_bytes().to_vec();
    DetailsRow {
        sender_name: plain("陈掌柜"),
        sender_phone: plain("13900001234"),
        freight: Some("collect".into()),
        freight_fen: Some(1_800),
        receipt_no: Some("QHR310000000017".into()),
        label_grams: Some(2_350),
        pieces: Some(2),
        goods: plain("茶叶"),
        declared_fen: Some(30_000),
        day: Some(20_514),
        run: Some("first".into()),
        expires_ms: Some(NOW + 1_209_600_000),
        courier_ms: None,
    }
}

fn publication() -> Publication {
    Publication { network: "QH".into(), version: 2, published_ms: NOW, valid_from_ms: NOW + 7_200_000, toml: vec![] }
}

fn refs() -> Refs {
    Refs {
        version: 2,
        parcels: vec![],
        outlets: vec![],
        policy: vec![],
        packs: None,
        people: None,
        days: None,
        since: None,
        ended: None,
    }
}

#[test]
fn reference_rows_are_as_specified() {
    message("refs-parcels", &Refs { parcels: vec![parcel()], ..refs() });
    let rows = vec![
        ParcelRow { details: Some(details()), ..parcel() },
        ParcelRow { details: Some(DetailsRow { label_grams: Some(900), ..DetailsRow::default() }), ..parcel() },
    ];
    let ended = Some(vec!["QH310000000025".to_owned()]);
    message("refs-parcels-part", &Refs { parcels: vec![parcel()], since: Some(1), ended, ..refs() });
    message("refs-parcel-details", &Refs { parcels: rows, ..refs() });
    let outlet = OutletRow { code: "0412".into(), name_zh: "西湖".into(), name_en: "West Lake".into(), phone: "0571-0".into() };
    message("refs-outlets", &Refs { outlets: vec![outlet], ..refs() });
    message("publication", &publication());
    let signed = Signed { body: encode(&publication()).unwrap(), sig: bytes_of("sig-pack") };
    message("refs-pack", &Refs { packs: Some(vec![signed]), ..refs() });
    let person =
        |left| PersonRow { account: "c1029".into(), name: "Li".into(), role: "courier".into(), outlet: "0412".into(), left };
    message("refs-people", &Refs { people: Some(vec![person(false), person(true)]), ..refs() });
    let day = DayRow { day: 20_727, works: true, name: "国庆节调休".into() };
    message("refs-calendar", &Refs { days: Some(vec![day]), ..refs() });
    message("refs-policy", &Refs { policy: b"{}".to_vec(), ..refs() });
}
