use std::time::Duration;

use super::*;
use crate::config::WebhookConfig;

fn hooks(receipts: Option<ReceiptHook>, inbound: Option<InboundHook>) -> Webhooks {
    Webhooks { token: Secret::new("0123456789abcdef"), receipts, inbound }
}

fn receipts() -> ReceiptHook {
    let toml = r#"
        list = "/reports"
        id = "/msgid"
        state = "/status"
        code = "/err"
        done_at = "/time"
        delivered = ["DELIVRD", "0"]
        undelivered = ["UNDELIV"]
        expired = ["EXPIRED"]
        rejected = ["REJECTD"]
        accepted = ["ACCEPTD"]
    "#;
    toml::from_str(toml).unwrap()
}

fn inbound() -> InboundHook {
    toml::from_str("from = \"/from\"\nto = \"/to\"\ntext = \"/text\"\nid = \"/id\"").unwrap()
}

#[test]
fn receipts_are_read_by_the_configured_pointers_and_states() {
    let body = r#"{"reports":[
        {"msgid":"a1","status":"DELIVRD","err":"000","time":"2026-11-25 12:01:00"},
        {"msgid":2587,"status":0},
        {"msgid":"a3","status":"EXPIRED"},
        {"msgid":"a4","status":"SOMETHING"},
        {"status":"DELIVRD"},
        {"msgid":"","status":"DELIVRD"}]}"#;
    let heard = hooks(Some(receipts()), None).receipts(body.as_bytes()).unwrap();
    let unread: Vec<_> = heard.unread.iter().map(|unread| (unread.why, String::from_utf8_lossy(&unread.raw.bytes))).collect();
    assert_eq!(unread[0], ("no_id", r#"{"status":"DELIVRD"}"#.into()));
    assert_eq!(unread[1].0, "no_id");
    assert_eq!(unread.len(), 2);
    let shown: Vec<_> = heard.items.iter().map(|receipt| (receipt.id.as_str(), receipt.status)).collect();
    let expected = [
        ("a1", ReceiptStatus::Delivered),
        ("2587", ReceiptStatus::Delivered),
        ("a3", ReceiptStatus::Expired),
        ("a4", ReceiptStatus::Unknown),
    ];
    assert_eq!(shown, expected);
    assert_eq!(heard.items[0].code, "000");
    assert_eq!(heard.items[0].done_at.as_deref(), Some("2026-11-25 12:01:00"));
}

#[test]
fn a_customers_message_is_read_alone_or_in_a_list() {
    let one = r#"{"from":"8613800000001","to":106900010042,"text":"好的","id":"m1"}"#;
    let wanted = Inbound {
        from: "8613800000001".to_owned(),
        to: "106900010042".to_owned(),
        text: "好的".to_owned(),
        id: Some("m1".to_owned()),
        coding: None,
        raw: Raw { kind: RawKind::Http, bytes: serde_json::from_str::<Value>(one).unwrap().to_string().into_bytes() },
    };
    assert_eq!(
        hooks(None, Some(inbound())).inbound(one.as_bytes()).unwrap(),
        Heard { items: vec![wanted.clone()], unread: vec![] }
    );
    let listed = InboundHook { list: Some(String::new()), ..inbound() };
    let body = format!("[{one},{{\"from\":\"1\"}}]");
    let unread = Unread { raw: Raw { kind: RawKind::Http, bytes: b"{\"from\":\"1\"}".to_vec() }, why: "no_text" };
    assert_eq!(hooks(None, Some(listed)).inbound(body.as_bytes()).unwrap(), Heard { items: vec![wanted], unread: vec![unread] });
}

#[test]
fn an_answer_without_a_service_number_is_taken() {
    for body in [
        r#"{"from":"13800000002","to":"","text":"好的"}"#,
        r#"{"from":"13800000002","to":null,"text":"好的"}"#,
        r#"{"from":"13800000002","text":"好的"}"#,
        r#"{"from":13800000002,"to":[],"text":"好的"}"#,
    ] {
        let heard = hooks(None, Some(inbound())).inbound(body.as_bytes()).unwrap();
        assert_eq!((heard.items[0].from.as_str(), heard.items[0].to.as_str()), ("13800000002", ""), "{body}");
    }
    let nobody = hooks(None, Some(inbound())).inbound(r#"{"from":"","to":"1","text":"好的"}"#.as_bytes()).unwrap();
    assert_eq!((nobody.items.len(), nobody.unread[0].why), (0, "no_number"));
}

#[test]
fn a_state_that_the_configuration_does_not_name_is_no_success_and_shows_itself() {
    for (state, err, status, code) in [
        ("MK:0001", "", ReceiptStatus::Undelivered, "MK:0001"),
        ("DB:0141", "7", ReceiptStatus::Undelivered, "DB:0141 7"),
        ("MK:0001", "0", ReceiptStatus::Undelivered, "MK:0001 0"),
        ("UNDELIV", "000", ReceiptStatus::Undelivered, "000"),
        ("DELETED", "0", ReceiptStatus::Undelivered, "DELETED 0"),
        ("DELETED", "", ReceiptStatus::Undelivered, "DELETED"),
        ("UNKNOWN", "9", ReceiptStatus::Unknown, "UNKNOWN 9"),
        ("DELIVERED", "", ReceiptStatus::Unknown, "DELIVERED"),
        ("ENROUTE", "", ReceiptStatus::Accepted, ""),
        ("DELIVRD", "000", ReceiptStatus::Delivered, "000"),
        ("5", "", ReceiptStatus::Unknown, "5"),
    ] {
        let body = format!(r#"{{"reports":[{{"msgid":"a","status":"{state}","err":"{err}"}}]}}"#);
        let heard = hooks(Some(receipts()), None).receipts(body.as_bytes()).unwrap();
        assert_eq!((heard.items[0].status, heard.items[0].code.as_str()), (status, code), "{state}");
    }
}

#[test]
fn a_form_is_read_like_a_document() {
    let hook: ReceiptHook = toml::from_str(
        "id = \"/smsMsgId\"\nstate = \"/status\"\npart = \"/sequence\"\nparts = \"/total\"\ndelivered = [\"DELIVRD\"]",
    )
    .unwrap();
    let form = b"sequence=2&total=3&updateTime=2026-11-25T12%3a01%3A00Z&smsMsgId=a+b%2Bc_1&status=DELIVRD&status=UNDELIV&&x";
    let heard = hooks(Some(hook), None).receipts(&json_of_form(form)).unwrap();
    assert_eq!((heard.items[0].id.as_str(), heard.items[0].status), ("a b+c_1", ReceiptStatus::Delivered));
    assert_eq!(heard.items[0].part, Some((2, 3)));
    // The whole list is a field, as JSON.
    let listed = ReceiptHook { list: Some("/reports".to_owned()), ..receipts() };
    let form = b"reports=%5B%7B%22msgid%22%3A%22a1%22%2C%22status%22%3A%22EXPIRED%22%7D%5D";
    let heard = hooks(Some(listed.clone()), None).receipts(&json_of_form(form)).unwrap();
    assert_eq!((heard.items[0].id.as_str(), heard.items[0].status), ("a1", ReceiptStatus::Expired));
    assert_eq!(hooks(Some(listed), None).receipts(&json_of_form(b"reports=none")), Err(WebhookError::NoList));
    // Text in UTF-8, in GB18030, and with an escape that is none.
    for (form, text) in [("text=%E9%80%80%E8%AE%A2", "退订"), ("text=%CD%CB%B6%A9", "退订"), ("text=100%25+%zz%", "100% %zz%")]
    {
        let form = format!("from=13800000002&to=&{form}");
        assert_eq!(hooks(None, Some(inbound())).inbound(&json_of_form(form.as_bytes())).unwrap().items[0].text, text);
    }
}

#[test]
fn a_part_outside_of_its_message_is_none() {
    let part = |number: &str, of: &str| part(Some(number.to_owned()), Some(of.to_owned()));
    assert_eq!((part("1", "1"), part("2", "2")), (Some((1, 1)), Some((2, 2))));
    assert_eq!([part("0", "2"), part("3", "2"), part("x", "2"), part("1", ""), part("1", "999")], [None; 5]);
}

#[test]
fn what_can_not_be_read_is_an_error_that_shows_nothing_of_it() {
    let hooks = hooks(Some(receipts()), None);
    assert_eq!(hooks.receipts(b"id=13800000001"), Err(WebhookError::NotJson));
    assert_eq!(hooks.receipts(b"{\"reports\":{}}"), Err(WebhookError::NoList));
    assert_eq!(hooks.receipts(&vec![b' '; MAX_WEBHOOK + 1]), Err(WebhookError::TooLarge));
    let many = format!("{{\"reports\":[{}]}}", vec!["{}"; MOST_ITEMS + 1].join(","));
    assert_eq!(hooks.receipts(many.as_bytes()), Err(WebhookError::NoList));
    assert_eq!(hooks.inbound(b"{}"), Err(WebhookError::NotConfigured));
    // The parser itself refuses endless nesting.
    assert_eq!(hooks.receipts("[".repeat(200_000).as_bytes()), Err(WebhookError::NotJson));
}

#[test]
fn only_the_whole_token_is_allowed_and_a_short_one_is_refused() {
    let hooks = hooks(None, None);
    assert!(hooks.allows("0123456789abcdef"));
    for wrong in ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF"] {
        assert!(!hooks.allows(wrong), "{wrong}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "short\n").unwrap();
    let webhooks = WebhookConfig { token_file: file.path().to_owned(), receipts: None, inbound: None };
    let mut config: HttpConfig = toml::from_str("url = \"\"\nbody = \"\"\nid_pointer = \"\"").unwrap();
    assert_eq!(config.response_seconds, Duration::from_secs(30));
    config.webhooks = Some(webhooks);
    let said = Webhooks::load(&config).err().unwrap().to_string();
    assert!(said.contains("less than 16") && !said.contains("short"), "{said}");
}
