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
    assert_eq!(heard.skipped, 2);
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
    };
    assert_eq!(hooks(None, Some(inbound())).inbound(one.as_bytes()).unwrap(), Heard { items: vec![wanted.clone()], skipped: 0 });
    let listed = InboundHook { list: Some(String::new()), ..inbound() };
    let body = format!("[{one},{{\"from\":\"1\"}}]");
    assert_eq!(hooks(None, Some(listed)).inbound(body.as_bytes()).unwrap(), Heard { items: vec![wanted], skipped: 1 });
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
