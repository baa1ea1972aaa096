//! Receipts as gateways write them.

use super::*;

const USUAL: &str =
    "id:0a1b sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:DELIVRD err:000 text:id:9 stat:UNDELIV";

fn read(text: &str) -> Result<Said, &'static str> {
    receipt(&[text.as_bytes()], &Fields::default())
}

fn beside(id: &str, state: u8) -> Fields {
    Fields { id: Some(id.to_owned()), state: Some(state), code: None }
}

#[test]
fn the_usual_text_is_read_and_the_messages_own_words_are_not() {
    let said = Said {
        id: "0a1b".to_owned(),
        other_id: None,
        status: ReceiptStatus::Delivered,
        code: "000".to_owned(),
        done_at: Some("2611251201".to_owned()),
    };
    assert_eq!(read(USUAL), Ok(said));
}

#[test]
fn each_state_word_has_its_status() {
    for (word, status) in [
        ("UNDELIV", ReceiptStatus::Undelivered),
        ("EXPIRED", ReceiptStatus::Expired),
        ("REJECTD", ReceiptStatus::Rejected),
        ("ACCEPTD", ReceiptStatus::Accepted),
        ("ENROUTE", ReceiptStatus::Accepted),
        ("UNKNOWN", ReceiptStatus::Unknown),
        ("MK:1008", ReceiptStatus::Undelivered),
        ("DB:0141", ReceiptStatus::Undelivered),
    ] {
        assert_eq!(read(&USUAL.replace("DELIVRD", word)).unwrap().status, status, "{word}");
    }
}

#[test]
fn blanks_commas_lines_cases_and_missing_fields_are_read_alike() {
    for text in [
        "id: 0a1b sub: 001 dlvrd: 001 submit date: 2611251200 done date: 2611251201 stat: DELIVRD err: 000 text: hello",
        "id : 0a1b\tstat :DELIVRD",
        "id:0a1b,sub:001,dlvrd:001,submit date:2611251200,done date:2611251201,stat:DELIVRD,err:000,text:hello",
        "id:0a1b, stat:DELIVRD, err:000",
        "id:0a1b\r\nsub:001\r\ndlvrd:001\r\nstat:DELIVRD\r\nerr:000\r\n",
        "ID:0a1b STAT:DELIVRD ERR:000",
        "Id:0a1b Submit Date:2611251200 Done Date:2611251201 Stat:delivrd Err: Text:",
        "id:0a1b stat:DELIVRD",
        "stat:DELIVRD id:0a1b",
        "id:0a1b sub:001 dlvrd:001 submit_date:2611251200 done_date:2611251201 stat:DELIVRD err:000 text:",
        "id:0a1b;stat:DELIVRD;err:000",
        "id=0a1b stat=DELIVRD err=0",
        "id:\"0a1b\" stat:\"DELIVRD\"",
        "id:0a1b stat:DELIVRD\0",
        "\0id:0a1b\0stat:DELIVRD\0\0",
        "message id:0a1b status:DELIVERED",
    ] {
        let said = read(text).unwrap_or_else(|why| panic!("{text:?}: {why}"));
        assert_eq!((said.id.as_str(), said.status), ("0a1b", ReceiptStatus::Delivered), "{text:?}");
        assert!(is_receipt(text.as_bytes()), "{text:?}");
    }
}

#[test]
fn an_empty_value_does_not_take_the_next_name() {
    let said = read("id:7 sub: dlvrd: submit date: done date: stat:UNDELIV err: text:").unwrap();
    assert_eq!((said.code.as_str(), said.done_at), ("", None));
    assert_eq!(read("id: stat:DELIVRD"), Err("no_id"));
    assert_eq!(read("id:7 stat: err:000"), Err("no_status"));
    assert_eq!(read("id:"), Err("no_status"));
}

#[test]
fn a_text_in_ucs2_is_read_in_both_orders_of_bytes() {
    let text = USUAL.replace("text:id:9", "text:您好");
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xfe, 0xff], &big[..]].concat();
    for bytes in [&big, &little, &marked, &[&big[..], &[0, 0]].concat(), &[&big[..], &[0]].concat()] {
        let said = receipt(&[bytes], &Fields::default()).unwrap();
        assert_eq!((said.id.as_str(), said.status), ("0a1b", ReceiptStatus::Delivered));
    }
}

#[test]
fn without_a_text_the_fields_say_it_and_without_an_id_there_is_no_receipt() {
    let fields = Fields { code: Some((8, 1)), ..beside("7", 5) };
    let said = receipt(&[b""], &fields).unwrap();
    assert_eq!((said.id.as_str(), said.status, said.code.as_str()), ("7", ReceiptStatus::Undelivered, "8:1"));
    assert_eq!(receipt(&[], &fields), Ok(said));
    assert_eq!(read("Id:9 Stat:delivrd Err: Text:").unwrap().id, "9");
    assert_eq!(read("msgid:9 stat:DELIVRD"), Err("no_id"));
    assert_eq!(receipt(&[b"anything"], &Fields { id: Some("7".to_owned()), ..Fields::default() }), Err("no_status"));
}

#[test]
fn an_id_beside_the_text_is_kept_if_it_is_another() {
    let said = receipt(&[USUAL.as_bytes()], &beside("2587", 2)).unwrap();
    assert_eq!((said.id.as_str(), said.other_id.as_deref()), ("0a1b", Some("2587")));
    assert_eq!(receipt(&[USUAL.as_bytes()], &beside("0A1B", 2)).unwrap().other_id, None);
    assert_eq!(receipt(&[b"stat:DELIVRD sub:001 err:000"], &beside("2587", 2)).unwrap().id, "2587");
    assert_eq!(receipt(&[b"id:0a1b"], &beside("2587", 8)).unwrap().status, ReceiptStatus::Rejected);
}

#[test]
fn text_and_field_that_contradict_each_other_are_no_success() {
    for (word, state, status) in [
        ("DELIVRD", 2, ReceiptStatus::Delivered),
        ("DELIVRD", 1, ReceiptStatus::Delivered),
        ("DELIVRD", 5, ReceiptStatus::Unknown),
        ("DELIVRD", 7, ReceiptStatus::Unknown),
        ("UNDELIV", 2, ReceiptStatus::Undelivered),
        ("UNKNOWN", 3, ReceiptStatus::Expired),
        ("HOUSTON", 2, ReceiptStatus::Unknown),
        ("ENROUTE", 5, ReceiptStatus::Undelivered),
        ("ENROUTE", 7, ReceiptStatus::Accepted),
    ] {
        let said = receipt(&[format!("id:7 stat:{word}").as_bytes()], &beside("7", state)).unwrap();
        assert_eq!(said.status, status, "{word} {state}");
    }
}

#[test]
fn a_word_that_is_no_success_is_shown_with_its_code() {
    for (word, err, code) in [
        ("MK:0001", "", "MK:0001"),
        ("DB:0141", "000", "DB:0141 000"),
        ("UNKNOWN", "069", "UNKNOWN 069"),
        ("PHONE_OFF", "", "PHONE_OFF"),
        ("UNDELIV", "012", "012"),
        ("DELIVRD", "000", "000"),
    ] {
        assert_eq!(read(&format!("id:7 stat:{word} err:{err}")).unwrap().code, code, "{word}");
    }
}

#[test]
fn a_customers_words_are_no_receipt() {
    for text in [
        "您好 id:7",
        "stat",
        "状态 stat: 好",
        "text:id:7 stat:DELIVRD",
        "my id: 330106 and status please",
        "id: 330106 status: home",
        "T",
        "",
        "rapid:7 stat:X",
    ] {
        assert!(!is_receipt(text.as_bytes()), "{text}");
    }
}
