//! Networks that do not let PATCH through: photos arrive all the same.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use doorstep_protocol::METHOD_HEADER;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

/// What a proxy does with a PATCH.
#[derive(Clone, Copy)]
enum Blocks {
    /// It answers with this.
    Answers(&'static str),
    /// It hangs up.
    HangsUp,
}

/// A proxy before the server that lets no PATCH through, and how many it has refused.
async fn proxy(server: SocketAddr, blocks: Blocks) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, refused) = (listener.local_addr().unwrap(), Arc::new(AtomicU32::new(0)));
    let count = refused.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass(client, server, blocks, count.clone()));
        }
    });
    (addr, refused)
}

/// Passes requests one at a time, each with its whole head in hand.
async fn pass(mut client: TcpStream, server: SocketAddr, blocks: Blocks, refused: Arc<AtomicU32>) -> Option<()> {
    let mut server = TcpStream::connect(server).await.ok()?;
    let mut had = Vec::new();
    loop {
        let head = read_head(&mut client, &mut had).await?;
        let text = String::from_utf8_lossy(&head).to_lowercase();
        if text.starts_with("patch ") {
            refused.fetch_add(1, Ordering::SeqCst);
            if let Blocks::Answers(answer) = blocks {
                client.write_all(answer.as_bytes()).await.ok()?;
                client.shutdown().await.ok()?;
                // What is still coming is read, or the answer would be lost with a reset.
                while matches!(client.read(&mut [0; 65536]).await, Ok(1..)) {}
            }
            return None;
        }
        server.write_all(&head).await.ok()?;
        forward(&mut client, &mut had, &mut server, length(&text)).await?;
        let mut back = Vec::new();
        let answer = read_head(&mut server, &mut back).await?;
        let told = String::from_utf8_lossy(&answer).to_lowercase();
        client.write_all(&answer).await.ok()?;
        let body = if text.starts_with("head ") { 0 } else { length(&told) };
        forward(&mut server, &mut back, &mut client, body).await?;
    }
}

fn length(head: &str) -> usize {
    head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0)
}

async fn read_head(from: &mut TcpStream, had: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(end) = had.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = had.split_off(end + 4);
            return Some(std::mem::replace(had, rest));
        }
        let mut more = vec![0; 16 * 1024];
        let count = from.read(&mut more).await.ok().filter(|count| *count > 0)?;
        had.extend_from_slice(&more[..count]);
    }
}

async fn forward(from: &mut TcpStream, had: &mut Vec<u8>, to: &mut TcpStream, mut left: usize) -> Option<()> {
    while left > 0 {
        if had.is_empty() {
            let mut more = vec![0; 64 * 1024];
            let count = from.read(&mut more).await.ok().filter(|count| *count > 0)?;
            had.extend_from_slice(&more[..count]);
        }
        let now = had.len().min(left);
        let rest = had.split_off(now);
        to.write_all(&std::mem::replace(had, rest)).await.ok()?;
        left -= now;
    }
    Some(())
}

/// A phone whose photo has arrived in part, so that the rest goes with PATCH. Server and phone have started anew since: the server
/// has written all that arrived, and the phone remembers no request that broke off.
async fn half_sent(world: &mut World, name: &str) -> (Device, Photo) {
    let mut phone = world.device(name, "c1").await;
    let photo = fail_with_large_photo(&phone, 2, 7);
    // The entry and the thumbnail go first, then the photo itself breaks off.
    phone.client.set_conditions(doorstep_client::Conditions { battery: Some(1), ..Default::default() });
    phone.sync().await.unwrap();
    phone.client.set_conditions(doorstep_client::Conditions::default());
    // A connection may break off before the server has any of the bytes in hand; then the next one brings some.
    for _ in 0..10 {
        world.link.set(LinkMode::CutAfter(150 * 1024));
        phone.sync().await.unwrap_err();
        world.link.set(LinkMode::Up);
        world.restart_server().await;
        phone.reopen();
        let headers = [("authorization", phone.bearer()), ("tus-resumable", "1.0.0".to_owned())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let head = raw(world.addr(), "HEAD", &format!("/v1/photos/{}", photo.id), &headers, b"").await;
        if head.head.contains("upload-offset: ") && !head.head.contains("upload-offset: 0\r") {
            return (phone, photo);
        }
    }
    panic!("nothing of the photo arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_patch_is_refused_the_rest_of_a_photo_goes_as_a_post_that_means_it() {
    for blocks in [
        Blocks::Answers("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        Blocks::Answers("HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        Blocks::Answers("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        Blocks::Answers("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno!!"),
        Blocks::HangsUp,
    ] {
        let mut world = World::new().await;
        let (phone, photo) = half_sent(&mut world, "phone").await;
        let (addr, refused) = proxy(world.addr(), blocks).await;
        world.link.point_to(addr);
        // A connection that breaks off once may do so for any reason.
        if matches!(blocks, Blocks::HangsUp) {
            assert_eq!(phone.sync().await.unwrap_err().code(), "no_network");
        }
        phone.sync().await.unwrap();
        let tried = if matches!(blocks, Blocks::HangsUp) { 2 } else { 1 };
        assert_eq!(refused.load(Ordering::SeqCst), tried, "it is tried, then no more");
        assert_eq!(phone.client.status().unwrap().photos, 0);
        holds(&world, &phone, &[&photo]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_patch_passes_it_is_used_and_a_link_that_is_down_is_no_reason_for_a_post() {
    let mut world = World::new().await;
    let (phone, photo) = half_sent(&mut world, "phone").await;
    for mode in [LinkMode::Cut, LinkMode::Portal, LinkMode::CutAfter(0)] {
        world.link.set(mode);
        assert_eq!(phone.sync().await.unwrap_err().code(), "no_network");
    }
    world.link.set(LinkMode::Up);
    phone.sync().await.unwrap();
    holds(&world, &phone, &[&photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_takes_the_header_for_an_upload_alone_and_for_no_other_method() {
    let mut world = World::new().await;
    let (phone, photo) = half_sent(&mut world, "phone").await;
    let (bearer, upload) = (phone.bearer(), format!("/v1/photos/{}", photo.id));
    let tus = [("authorization", bearer.as_str()), ("tus-resumable", "1.0.0")];
    let chunk = [("content-type", "application/offset+octet-stream"), ("upload-offset", "0")];
    let with = |more: &[(&'static str, &'static str)]| [&tus[..], &chunk[..], more].concat();
    for headers in [vec![], vec![(METHOD_HEADER, "DELETE")], vec![(METHOD_HEADER, "PUT")], vec![(METHOD_HEADER, "patch")]] {
        let answer = raw(world.addr(), "POST", &upload, &with(&headers), b"").await;
        assert_eq!(answer.status, 405, "{headers:?}");
        assert!(answer.head.contains("allow: ") && answer.head.contains("patch"), "{}", answer.head);
    }
    let head = raw(world.addr(), "HEAD", &upload, &tus, b"").await;
    assert_eq!(head.status, 200, "nothing was ended: {}", head.head);
    let meant = [(METHOD_HEADER, "PATCH")];
    let elsewhere = raw(world.addr(), "POST", "/v1/photos/states", &with(&meant), b"").await;
    assert!((400..500).contains(&elsewhere.status) && elsewhere.status != 405, "the header is ignored: {}", elsewhere.status);
    for other in ["ab".repeat(32), "no-hash".to_owned()] {
        let path = format!("/v1/photos/{other}");
        let as_patch = raw(world.addr(), "PATCH", &path, &with(&[]), b"").await;
        let as_post = raw(world.addr(), "POST", &path, &with(&meant), b"").await;
        assert!(as_patch.status >= 400 && as_post.status == as_patch.status, "{other}: {}", as_post.status);
    }
    let answer = raw(world.addr(), "POST", &upload, &with(&meant), b"").await;
    assert_eq!(answer.status, 204, "as a PATCH without bytes: {}", answer.head);
    phone.sync().await.unwrap();
    holds(&world, &phone, &[&photo]).await;
}
