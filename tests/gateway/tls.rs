//! The link over TLS.

use doorstep_gateway::{LinkState, Submitted};
use doorstep_tests::smsc::{Answer, Certificate, Smsc, SmscOptions};
use tempfile::NamedTempFile;

use crate::gate::{Gate, NUMBER, accepted};

/// A gateway that trusts the authority of `trusted`, on an SMSC that shows `shown`.
async fn trusting(trusted: &Certificate, shown: &Certificate, more: &str) -> (Gate, NamedTempFile) {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &trusted.ca).unwrap();
    let smsc = Smsc::start(SmscOptions { tls: Some(shown.clone()), ..SmscOptions::default() }).await;
    let gate = Gate::on(smsc, &format!("tls = true\nca_file = \"{}\"{more}", file.path().display()));
    (gate, file)
}

async fn why_down(gate: &Gate) -> &'static str {
    match gate.until(|state| matches!(state, LinkState::Down { .. })).await {
        LinkState::Down { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_and_receipts_go_over_tls() {
    let certificate = Certificate::new();
    let (mut gate, _file) = trusting(&certificate, &certificate, "\nserver_name = \"localhost\"").await;
    gate.bound().await;
    let ids = accepted(gate.submit("好").await);
    let delivery = gate.smsc.receipt(&ids[0], "DELIVRD", "000");
    gate.event().await;
    assert_eq!(delivery.answer().await, Some(0));
    gate.smsc.seen(|seen| assert_eq!(seen.count(NUMBER, "好"), 1));
}

#[tokio::test]
async fn an_smsc_of_another_authority_gets_neither_name_nor_password() {
    let (gate, _file) = trusting(&Certificate::new(), &Certificate::new(), "").await;
    assert_eq!(why_down(&gate).await, "TLS: the SMSC's certificate is not trusted");
    gate.smsc.seen(|seen| assert!(seen.connections > 0 && seen.pdus.is_empty()));
}

#[tokio::test]
async fn an_smsc_of_another_name_gets_neither_name_nor_password() {
    let certificate = Certificate::new();
    let (gate, _file) = trusting(&certificate, &certificate, "\nserver_name = \"smsc.example\"").await;
    assert_eq!(why_down(&gate).await, "TLS: the SMSC's certificate is not trusted");
    gate.smsc.seen(|seen| assert!(seen.connections > 0 && seen.pdus.is_empty()));
}

#[tokio::test]
async fn an_smsc_without_tls_gets_neither_name_nor_password() {
    let certificate = Certificate::new();
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &certificate.ca).unwrap();
    // The simulator fails loudly at what is no SMPP; a listener that takes a connection and ends it is enough here.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let smsc = Smsc::start(SmscOptions::default()).await;
    let gate = Gate::on(smsc, &format!("tls = true\nport = {port}\nca_file = \"{}\"", file.path().display()));
    let (stream, _) = listener.accept().await.unwrap();
    let mut first = [0; 3];
    tokio::io::AsyncReadExt::read_exact(&mut { stream }, &mut first).await.unwrap();
    assert_eq!(first[..2], [0x16, 0x03], "a TLS handshake and not a bind");
    assert_eq!(why_down(&gate).await, "TLS: the link ended in the handshake");
}

#[tokio::test]
async fn a_tls_link_that_is_cut_leaves_the_submit_uncertain() {
    let certificate = Certificate::new();
    let (gate, _file) = trusting(&certificate, &certificate, "").await;
    gate.bound().await;
    gate.smsc.script([Answer::CutAfter]);
    assert!(matches!(gate.submit("好").await, Submitted::Uncertain { .. }));
    gate.smsc.until("another bind", |seen| seen.binds.len() == 2).await;
    gate.smsc.seen(|seen| assert_eq!(seen.count(NUMBER, "好"), 1));
}
