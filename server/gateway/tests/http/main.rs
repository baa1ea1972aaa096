//! The HTTP provider against a web server in this process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail loudly")]

mod web;

use std::{sync::Arc, time::Duration};

use doorstep_gateway::{Fault, GatewayConfig, Http, Outgoing, Provider, Submitted};
use doorstep_rules::sms::Segments;
use tokio::time::timeout;

use web::{Behaviour, Web};

const NUMBER: &str = "8613800000001";

fn http(port: u16, scheme: &str, more: &str) -> Arc<Http> {
    let toml = format!(
        r#"
provider = "http"
[http]
url = "{scheme}://localhost:{port}/send"
body = '{{"to":"{{number}}","text":"{{text}}","ref":"{{reference}}","from":"{{sender}}","n":{{segments}}}}'
sender = "10690001"
headers = {{ authorization = "Bearer word" }}
id_pointer = "/data/id"
throttle_seconds = 0.02
{more}
"#
    );
    match GatewayConfig::parse(&toml).unwrap() {
        GatewayConfig::Http(config) => Arc::new(Http::start(*config).unwrap()),
        other => panic!("{other:?}"),
    }
}

const CODES: &str = r#"
code_pointer = "/code"
ok_codes = ["OK", "0"]
number_faults = ["BAD_NUMBER"]
text_faults = ["BAD_TEXT"]
account_faults = ["NO_CREDIT"]
busy_codes = ["BUSY"]
"#;

fn message(text: &str) -> Outgoing {
    Outgoing {
        reference: "r1".to_owned(),
        to: format!("+{NUMBER}"),
        text: text.to_owned(),
        segments: Segments::of(text),
        validity: Duration::from_secs(60),
        extension: Some("42".to_owned()),
    }
}

fn answer(status: u16, body: &str) -> Behaviour {
    Behaviour::Answer(status, "", body.to_owned())
}

#[tokio::test]
async fn a_message_is_posted_as_the_configured_document_and_its_id_is_read() {
    let web = Web::start(None).await;
    web.script([answer(200, r#"{"data":{"id":2587}}"#)]);
    let submitted = http(web.port, "http", "").submit(&message("王先生,\"您好\"{number}\n")).await;
    assert_eq!(submitted, Submitted::Accepted { ids: vec!["2587".to_owned()] });
    let request = &web.requests()[0];
    let expected =
        "{\"to\":\"8613800000001\",\"text\":\"王先生,\\\"您好\\\"{number}\\n\",\"ref\":\"r1\",\"from\":\"1069000142\",\"n\":1}";
    assert_eq!(request.body, expected);
    assert!(request.head.starts_with("POST /send HTTP/1.1\r\n"), "{}", request.head);
    let head = request.head.to_ascii_lowercase();
    assert!(head.contains("\r\nauthorization: bearer word") && head.contains("\r\ncontent-type: application/json"), "{head}");
}

#[tokio::test]
async fn each_answer_has_its_meaning_and_nothing_is_asked_twice() {
    let refused = |fault, code: &str| Submitted::Refused { fault, code: code.to_owned() };
    let accepted = |ids: &[&str]| Submitted::Accepted { ids: ids.iter().map(|id| (*id).to_owned()).collect() };
    let unsure = |why| Submitted::Uncertain { why, ids: vec![] };
    let cases = [
        (answer(200, r#"{"code":"OK","data":{"id":"a1"}}"#), accepted(&["a1"])),
        (answer(201, r#"{"code":0}"#), accepted(&[])),
        (answer(200, r#"{"code":"BAD_NUMBER"}"#), refused(Fault::Number, "BAD_NUMBER")),
        (answer(400, r#"{"code":"BAD_TEXT"}"#), refused(Fault::Text, "BAD_TEXT")),
        (answer(200, r#"{"code":"NO_CREDIT"}"#), refused(Fault::Account, "NO_CREDIT")),
        (answer(200, r#"{"code":"bad 13800000001"}"#), refused(Fault::Refused, "bad ###########")),
        (answer(401, ""), refused(Fault::Account, "http 401")),
        (answer(404, "<html>"), refused(Fault::Refused, "http 404")),
        (Behaviour::Answer(302, "location: http://localhost:1/\r\n", String::new()), refused(Fault::Refused, "http 302")),
        (answer(200, r#"{"data":{"id":"a1"}}"#), unsure("the provider's answer has no code")),
        (answer(200, "OK"), unsure("the provider's answer could not be read")),
        (answer(500, ""), unsure("the provider failed")),
        (answer(503, r#"{"code":"BAD_NUMBER"}"#), unsure("the provider failed")),
        (Behaviour::Torn, unsure("the provider's answer could not be read")),
        (answer(200, &" ".repeat(70_000)), unsure("the provider's answer could not be read")),
        (Behaviour::Cut, unsure("the connection was cut")),
    ];
    let web = Web::start(None).await;
    let http = http(web.port, "http", CODES);
    for (count, (behaviour, expected)) in cases.into_iter().enumerate() {
        web.script([behaviour.clone()]);
        assert_eq!(http.submit(&message("好")).await, expected, "{behaviour:?}");
        assert_eq!(web.requests().len(), count + 1);
    }
}

#[tokio::test]
async fn a_busy_provider_is_left_alone_for_as_long_as_it_asks() {
    let web = Web::start(None).await;
    let http = http(web.port, "http", CODES);
    web.script([Behaviour::Answer(429, "retry-after: 1\r\n", String::new())]);
    let Submitted::NotSent { after, .. } = http.submit(&message("好")).await else { panic!() };
    assert_eq!(after, Duration::from_secs(1));
    let Submitted::NotSent { after, .. } = http.submit(&message("好")).await else { panic!("held") };
    tokio::time::sleep(after).await;
    web.script([answer(200, r#"{"code":"BUSY"}"#)]);
    assert!(matches!(http.submit(&message("好")).await, Submitted::NotSent { why: "the provider says later", .. }));
    assert_eq!(web.requests().len(), 2);
}

#[tokio::test]
async fn no_connection_is_not_sent_and_no_answer_is_uncertain() {
    let web = Web::start(None).await;
    let gateway = http(web.port, "http", "response_seconds = 0.3");
    web.script([Behaviour::Silent]);
    assert_eq!(gateway.submit(&message("好")).await, Submitted::Uncertain { why: "no answer in time", ids: vec![] });
    let port = web.port;
    drop(web);
    let gateway = http(port, "http", "");
    assert!(matches!(gateway.submit(&message("好")).await, Submitted::NotSent { why: "no connection", .. }));
}

#[tokio::test]
async fn what_is_no_number_is_refused_and_nothing_is_posted() {
    let web = Web::start(None).await;
    let mut message = message("好");
    message.to = "张三".to_owned();
    let submitted = http(web.port, "http", "").submit(&message).await;
    assert!(matches!(submitted, Submitted::Refused { fault: Fault::Number, .. }));
    assert!(web.requests().is_empty());
}

#[tokio::test]
async fn stopping_waits_for_what_is_in_flight_and_takes_nothing_new() {
    let web = Web::start(None).await;
    let gateway = http(web.port, "http", "response_seconds = 0.5\nwindow = 1");
    web.script([Behaviour::Silent]);
    let of_task = gateway.clone();
    let submitting = tokio::spawn(async move { of_task.submit(&message("好")).await });
    web.until(1).await;
    let waiting = gateway.clone();
    let waiting = tokio::spawn(async move { waiting.submit(&message("另")).await });
    timeout(Duration::from_secs(20), gateway.stop()).await.unwrap();
    assert!(matches!(submitting.await.unwrap(), Submitted::Uncertain { .. }));
    assert!(matches!(waiting.await.unwrap(), Submitted::NotSent { why: "stopping", .. }));
    assert!(matches!(gateway.submit(&message("好")).await, Submitted::NotSent { why: "stopping", .. }));
    assert_eq!(web.requests().len(), 1);
}

#[tokio::test]
async fn a_provider_of_another_authority_gets_nothing_and_one_of_ours_does() {
    let (tls, ca) = certificate();
    let files = tempfile::TempDir::new().unwrap();
    let (right, wrong) = (files.path().join("right.pem"), files.path().join("wrong.pem"));
    std::fs::write(&right, ca).unwrap();
    std::fs::write(&wrong, certificate().1).unwrap();
    let web = Web::start(Some(tls)).await;
    let gateway = http(web.port, "https", &format!("ca_file = \"{}\"", wrong.display()));
    assert!(matches!(gateway.submit(&message("好")).await, Submitted::NotSent { why: "no connection", .. }));
    assert!(web.requests().is_empty());
    let gateway = http(web.port, "https", &format!("ca_file = \"{}\"", right.display()));
    web.script([answer(200, r#"{"data":{"id":"a1"}}"#)]);
    assert_eq!(gateway.submit(&message("好")).await, Submitted::Accepted { ids: vec!["a1".to_owned()] });
}

/// A certificate for `localhost`, and its authority as PEM.
fn certificate() -> (Arc<rustls::ServerConfig>, String) {
    use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let private = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    (Arc::new(tls), ca)
}
