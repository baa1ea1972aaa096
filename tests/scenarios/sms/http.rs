//! A provider over HTTP: a document by template, an answer by pointers, and its calls back with a token.

use doorstep_domain::Body;
use doorstep_rules::sms::Language;
use doorstep_tests::raw;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

use super::*;

/// A provider that takes everything and says so; what it got comes through the channel.
async fn provider(answer: &'static str) -> (std::net::SocketAddr, mpsc::UnboundedReceiver<serde_json::Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (got, all) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let body = loop {
                let mut chunk = [0; 4096];
                let n = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..n]);
                let Some(at) = request.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&request[..at]).to_lowercase();
                let len: usize = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().trim().parse().unwrap();
                if request.len() >= at + 4 + len {
                    break serde_json::from_slice(&request[at + 4..]).unwrap();
                }
            };
            got.send(body).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", answer.len());
            stream.write_all((head + answer).as_bytes()).await.unwrap();
        }
    });
    (addr, all)
}

fn config(addr: std::net::SocketAddr, token_file: &std::path::Path) -> GatewayConfig {
    let toml = format!(
        r#"
provider = "http"
[http]
url = "http://{addr}/send"
body = '{{"to":"{{number}}","content":"{{text}}","ref":"{{reference}}","from":"{{sender}}","n":{{segments}}}}'
sender = "10690001"
id_pointer = "/data/id"
code_pointer = "/code"
ok_codes = ["0"]
number_faults = ["isv.MOBILE_NUMBER_ILLEGAL"]
[http.webhooks]
token_file = "{}"
[http.webhooks.receipts]
list = "/reports"
id = "/id"
state = "/state"
code = "/err"
delivered = ["DELIVRD"]
undelivered = ["UNDELIV"]
[http.webhooks.inbound]
from = "/phone"
to = "/dest"
text = "/content"
id = "/sequence"
"#,
        token_file.display()
    );
    GatewayConfig::parse(&toml).unwrap()
}

const TOKEN: &str = "0123456789abcdef-secret";

async fn call(world: &World, path: &str, token: Option<&str>, body: &str) -> u16 {
    let bearer = format!("Bearer {}", token.unwrap_or_default());
    let headers: Vec<(&str, &str)> = token.iter().map(|_| ("authorization", bearer.as_str())).collect();
    raw(world.addr(), "POST", path, &headers, body.as_bytes()).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_by_template_and_what_is_called_back_lands_on_its_case() {
    let (addr, mut got) = provider(r#"{"code":"0","data":{"id":"A-77"}}"#).await;
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, TOKEN).unwrap();
    let mut world = World::sending(config(addr, &token_file)).await;
    let phone = world.device("phone", "c1").await;
    fail_and_write(&phone, 2);
    let message = until(&phone, 2, SmsState::Sent).await;
    assert!(message.counts());
    let sent = got.recv().await.unwrap();
    assert_eq!(
        (sent["to"].as_str(), sent["from"].as_str(), sent["n"].as_u64()),
        (Some("13800000002"), Some("10690001"), Some(2)),
        "a second segment, because of the operator's signature"
    );
    assert!(sent["content"].as_str().unwrap().contains(&waybill(2)));
    let receipt = r#"{"reports":[{"id":"A-77","state":"DELIVRD"},{"id":"B-1","state":"DELIVRD"},{"state":"DELIVRD"}]}"#;
    for (token, status) in [(None, 401), (Some("0123456789abcdef-wrong"), 401), (Some(TOKEN), 200), (Some(TOKEN), 200)] {
        assert_eq!(call(&world, "/v1/sms/receipts", token, receipt).await, status);
    }
    until(&phone, 2, SmsState::Delivered).await;
    let kept = world.admin().receipts(9).unwrap();
    let (unread, read): (Vec<_>, Vec<_>) = kept.iter().partition(|row| row.status == "unread");
    assert_eq!(read.len(), 1, "what names nothing is kept, once");
    assert_eq!((unread.len(), unread[0].why.as_deref()), (1, Some("no_id")), "and so is what has no id");
    let answer = r#"{"phone":"8613800000002","dest":"10690001","content":"放门口","sequence":"s-1"}"#;
    // A provider that can send no header has its token in the address; it calls twice.
    for _ in 0..2 {
        assert_eq!(call(&world, &format!("/v1/sms/inbound?token={TOKEN}"), None, answer).await, 200);
    }
    phone.sync().await.unwrap();
    let timeline = phone.case(2).unwrap().case.timeline;
    let answers =
        timeline.iter().filter(|r| matches!(&r.entry.body, Body::SmsReply(reply) if reply.words.text() == Some("放门口")));
    assert_eq!(answers.count(), 1);
    for (body, status) in [("no json", 400), ("{}", 400), (&"x".repeat(300 * 1024), 413)] {
        assert_eq!(call(&world, "/v1/sms/receipts", Some(TOKEN), body).await, status);
    }
}

/// A provider that writes forms, and reports on each part of a message under one id.
fn forms(addr: std::net::SocketAddr, token_file: &std::path::Path) -> GatewayConfig {
    let toml = format!(
        r#"
provider = "http"
[http]
url = "http://{addr}/send"
body = '{{"to":"{{number}}","content":"{{text}}"}}'
id_pointer = "/id"
[http.webhooks]
token_file = "{}"
[http.webhooks.receipts]
id = "/smsMsgId"
state = "/status"
part = "/sequence"
parts = "/total"
delivered = ["DELIVRD"]
[http.webhooks.inbound]
from = "/from"
to = "/to"
text = "/body"
"#,
        token_file.display()
    );
    GatewayConfig::parse(&toml).unwrap()
}

async fn post(world: &World, path: &str, form: &str) -> u16 {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-www-form-urlencoded; charset=UTF-8")];
    raw(world.addr(), "POST", path, &headers, form.as_bytes()).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_read_parts_count_together_and_an_answer_without_a_service_number_is_taken() {
    for (last, state, words) in [("DELIVRD", SmsState::Delivered, vec![]), ("MK%3A0012", SmsState::Undelivered, vec!["MK:0012"])]
    {
        let (addr, _got) = provider(r#"{"id":"A-77"}"#).await;
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, TOKEN).unwrap();
        let mut world = World::sending(forms(addr, &token_file)).await;
        let phone = world.device("phone", "c1").await;
        fail_and_write(&phone, 2);
        until(&phone, 2, SmsState::Sent).await;
        for part in [2, 3, 3] {
            let form = format!("sequence={part}&total=3&smsMsgId=A-77&status=DELIVRD");
            assert_eq!(post(&world, "/v1/sms/receipts", &form).await, 200);
        }
        phone.sync().await.unwrap();
        assert_eq!(only(&phone.client, 2).state, SmsState::Sent, "not before the last part");
        assert_eq!(post(&world, "/v1/sms/receipts", &format!("sequence=1&total=3&smsMsgId=A-77&status={last}")).await, 200);
        let message = until(&phone, 2, state).await;
        assert_eq!(message.counts(), state == SmsState::Delivered);
        let said = phone.case(2).unwrap().case.timeline;
        let said = said.iter().filter_map(|r| match &r.entry.body {
            Body::SmsReport(report) => report.words.as_ref()?.text().map(str::to_owned),
            _ => None,
        });
        assert_eq!(said.collect::<Vec<_>>(), words);
        assert_eq!(world.admin().receipts(9).unwrap(), []);
        for to in ["&to=", "&to=10690001", ""] {
            world.hands.advance(11);
            let form = format!("from=13800000002{to}&body=%E6%94%BE%E9%97%A8%E5%8F%A3");
            assert_eq!(post(&world, "/v1/sms/inbound", &form).await, 200);
        }
        phone.sync().await.unwrap();
        assert_eq!(only(&phone.client, 2).replies.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_receipts_under_one_id_that_do_not_name_their_part_a_failure_stays() {
    for (lang, state) in [(Language::En, SmsState::Undelivered), (Language::Zh, SmsState::Delivered)] {
        let (addr, mut got) = provider(r#"{"code":"0","data":{"id":"A-77"}}"#).await;
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, TOKEN).unwrap();
        let mut world = World::sending(config(addr, &token_file)).await;
        // With a signature the Chinese text has several parts too.
        let unsigned = crate::rules::second_version(("signature = \"【青禾速运】\"", "signature = \"\""));
        world.admin().publish_pack(&unsigned, world.hands.now()).unwrap();
        let phone = world.device("phone", "c1").await;
        world.hands.advance(121);
        phone.sync().await.unwrap();
        phone.fail(2, "DF-NOBODY").unwrap();
        let wish = SmsWish { language: Some(lang), ..SmsWish::default() };
        phone.client.record(&on(waybill(2), Act::Sms { wish, state: None, fault: None }), &[]).unwrap();
        until(&phone, 2, SmsState::Sent).await;
        assert_eq!(got.recv().await.unwrap()["n"].as_u64() > Some(1), lang == Language::En);
        for said in ["UNDELIV", "DELIVRD"] {
            let receipt = format!(r#"{{"reports":[{{"id":"A-77","state":"{said}"}}]}}"#);
            assert_eq!(call(&world, "/v1/sms/receipts", Some(TOKEN), &receipt).await, 200);
        }
        assert_eq!(until(&phone, 2, state).await.counts(), state == SmsState::Delivered);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_can_not_be_read_is_kept_with_its_bytes() {
    let (addr, _got) = provider(r#"{"code":"0","data":{"id":"A-77"}}"#).await;
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, TOKEN).unwrap();
    let world = World::sending(config(addr, &token_file)).await;
    for (path, body, status, why, kept) in [
        ("/v1/sms/receipts", r#"{"reports":[{"state":"DELIVRD"}]}"#, 200, "no_id", r#"{"state":"DELIVRD"}"#),
        ("/v1/sms/receipts", r#"{"reports":[{"id":"A-1"}]}"#, 200, "no_status", r#"{"id":"A-1"}"#),
        ("/v1/sms/receipts", "<xml/>", 400, "malformed", "<xml/>"),
        ("/v1/sms/receipts", "{}", 400, "malformed", "{}"),
        ("/v1/sms/inbound", r#"{"content":"TD"}"#, 200, "no_number", r#"{"content":"TD"}"#),
        ("/v1/sms/inbound", r#"{"phone":"13800000002"}"#, 200, "no_text", r#"{"phone":"13800000002"}"#),
    ] {
        // It comes again, and is kept once.
        for _ in 0..2 {
            assert_eq!(call(&world, path, Some(TOKEN), body).await, status, "{body}");
        }
        let newest = world.admin().receipts(99).unwrap().remove(0);
        assert_eq!((newest.why.as_deref(), newest.kind.as_str()), (Some(why), "http"), "{body}");
        assert_eq!(newest.bytes, doorstep_tests::smsc::hex(kept.as_bytes()));
    }
    assert_eq!(world.admin().receipts(99).unwrap().len(), 6);
    assert_eq!(call(&world, "/v1/sms/receipts", Some("0123456789abcdef-wrong"), "<of a stranger/>").await, 401);
    assert_eq!(world.admin().receipts(99).unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_names_the_number_is_a_fault_of_the_number() {
    let (addr, _got) = provider(r#"{"code":"isv.MOBILE_NUMBER_ILLEGAL"}"#).await;
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, TOKEN).unwrap();
    let mut world = World::sending(config(addr, &token_file)).await;
    let phone = world.device("phone", "c1").await;
    fail_and_write(&phone, 2);
    assert_eq!(until(&phone, 2, SmsState::Failed).await.fault, Some(SmsFault::Number));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_zero_does_not_hide_the_code_in_the_state() {
    for (state, err, fault, shown) in [
        ("MK:0001", "0", Some(SmsFault::Number), "MK:0001 0"),
        ("MK:0001", "", Some(SmsFault::Number), "MK:0001"),
        ("UNDELIV", "MK:0001", Some(SmsFault::Number), "MK:0001"),
        ("MK:0012", "000", None, "MK:0012 000"),
    ] {
        let (addr, _got) = provider(r#"{"code":"0","data":{"id":"A-77"}}"#).await;
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, TOKEN).unwrap();
        let mut world = World::sending(config(addr, &token_file)).await;
        let phone = world.device("phone", "c1").await;
        fail_and_write(&phone, 2);
        until(&phone, 2, SmsState::Sent).await;
        let receipt = format!(r#"{{"reports":[{{"id":"A-77","state":"{state}","err":"{err}"}}]}}"#);
        assert_eq!(call(&world, "/v1/sms/receipts", Some(TOKEN), &receipt).await, 200);
        assert_eq!(until(&phone, 2, SmsState::Undelivered).await.fault, fault, "{state} {err}");
        let said = phone.case(2).unwrap().case.timeline;
        let said = said.iter().filter_map(|r| match &r.entry.body {
            Body::SmsReport(report) => report.words.as_ref()?.text().map(str::to_owned),
            _ => None,
        });
        assert_eq!(said.collect::<Vec<_>>(), [shown]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_segments_are_counted_with_the_operators_signature_as_the_preview_counts_them() {
    for signature in ["", "【青禾速运】", "【青禾速运有限公司】", "[Qinghe Express Ltd]"] {
        let (addr, mut got) = provider(r#"{"code":"0","data":{"id":"A-77"}}"#).await;
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, TOKEN).unwrap();
        let mut world = World::sending(config(addr, &token_file)).await;
        let signed = format!("signature = \"{signature}\"");
        let pack = crate::rules::second_version(("signature = \"【青禾速运】\"", &signed));
        world.admin().publish_pack(&pack, world.hands.now()).unwrap();
        let phone = world.device("phone", "c1").await;
        world.hands.advance(121);
        phone.sync().await.unwrap();
        phone.fail(2, "DF-NOBODY").unwrap();
        let preview = phone.client.preview_sms(&waybill(2), &SmsWish::default()).unwrap();
        let alone = doorstep_rules::sms::Segments::of(preview.text.text().unwrap()).count();
        phone.client.record(&sms(2), &[]).unwrap();
        until(&phone, 2, SmsState::Sent).await;
        let counted = got.recv().await.unwrap()["n"].as_u64().unwrap();
        assert_eq!(counted, preview.segments.count() as u64, "{signature}");
        assert_eq!(counted as usize > alone, !signature.is_empty(), "{signature}");
        // Of several parts under one id the first failure stays.
        for said in ["UNDELIV", "DELIVRD"] {
            let receipt = format!(r#"{{"reports":[{{"id":"A-77","state":"{said}"}}]}}"#);
            assert_eq!(call(&world, "/v1/sms/receipts", Some(TOKEN), &receipt).await, 200);
        }
        let state = if counted > 1 { SmsState::Undelivered } else { SmsState::Delivered };
        assert_eq!(until(&phone, 2, state).await.state, state, "{signature}");
    }
}
