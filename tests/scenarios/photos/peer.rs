//! A tus client that nobody here wrote, against our server: tus-js-client, with its own ways of resuming.

use std::process::{Command, Stdio};

use doorstep_protocol::PROTO_VERSION;

use super::tus::Waiting;

/// Plays the script in one of its modes on a photo that waits. Without the client (see `tests/peers/tus`) it says so.
async fn play(mode: &str) -> Option<(Waiting, serde_json::Value)> {
    let Ok(folder) = std::env::var("DOORSTEP_TUS_CLIENT") else {
        println!("not run: no tus-js-client; DOORSTEP_TUS_CLIENT=$(tests/peers/tus)");
        return None;
    };
    let w = Waiting::new().await;
    let file = w.world.server_folder().join("to-send.jpg");
    std::fs::write(&file, &w.bytes).unwrap();
    let metadata = serde_json::json!({ "sha256": w.photo.id, "filename": "door.jpg" }).to_string();
    let endpoint = format!("http://{}/v1/photos", w.world.addr());
    let token = w.token.trim_start_matches("Bearer ").to_owned();
    let mut node = Command::new("node");
    node.arg(format!("{folder}/tus.mjs")).args([&endpoint, &token]).arg(&file).args([&metadata, mode]);
    node.env("SYNC_PROTO", PROTO_VERSION).stderr(Stdio::inherit());
    let said = tokio::task::spawn_blocking(move || node.output().unwrap()).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(said["ok"], true, "{said:#}");
    Some((w, said))
}

#[tokio::test(flavor = "multi_thread")]
async fn tus_js_client_sends_a_photo_whole_in_one_request() {
    let Some((w, said)) = play("whole").await else { return };
    assert_eq!(said["requests"], 1);
    w.is_stored().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tus_js_client_sends_a_photo_in_chunks() {
    let Some((w, _)) = play("chunks").await else { return };
    w.is_stored().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tus_js_client_resumes_where_it_stopped() {
    let Some((w, _)) = play("resume").await else { return };
    w.is_stored().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tus_js_client_gets_through_a_connection_that_dies_every_64_kib_and_sends_little_twice() {
    let Some((w, said)) = play("cut").await else { return };
    w.is_stored().await;
    let sent = said["sentBytes"].as_u64().unwrap();
    assert!(sent < w.photo.len * 115 / 100, "{sent} for {}", w.photo.len);
}

#[tokio::test(flavor = "multi_thread")]
async fn tus_js_client_gives_an_upload_up() {
    let Some((w, _)) = play("terminate").await else { return };
    assert!(w.world.storage().keys("staging").await.is_empty());
}
