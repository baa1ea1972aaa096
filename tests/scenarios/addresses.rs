//! Enrolment at a wrong address: the person is told which address, what is wrong with it, and that nothing was changed.

use std::net::SocketAddr;

use doorstep_client::{Client, ClientError, Kind, Options, Unreached};
use doorstep_protocol::PROTO_HEADER;
use doorstep_sync::Pace;
use doorstep_tests::{LinkMode, World};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A listener that gives each connection the same bytes after it has read something.
async fn stranger(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let (listener, answer) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), answer.into());
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = vec![0; 16 * 1024];
                if matches!(stream.read(&mut request).await, Ok(1..)) {
                    stream.write_all(&answer).await.ok();
                }
                stream.shutdown().await.ok();
            });
        }
    });
    addr
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// A client that waits only for a moment, and its folder.
fn client() -> (tempfile::TempDir, Client) {
    let folder = tempfile::tempdir().unwrap();
    let pace = Pace { stall_ms: 400, ..Pace::default() };
    let client = Client::open(folder.path(), Options { insecure: true, pace, ..Options::default() }).unwrap();
    (folder, client)
}

/// What an enrolment at this address says is wrong. The words name the host and port, and no more of the address.
async fn wrong(server: &str, told: &str) -> Unreached {
    let (_folder, client) = client();
    let error = client.enrol(server, "ABCD-EFGH-JKLM").await.unwrap_err();
    let ClientError::Unreached { address, why } = &error else { panic!("{server}: {error:?}") };
    assert_eq!((address.as_str(), error.kind(), error.code()), (told, Kind::Network, why.as_str()));
    let words = error.words();
    for text in [&words.zh, &words.en, &error.to_string()] {
        assert!(text.contains(told) && !text.contains("secret") && !text.contains("ABCD"), "{text}");
    }
    assert!(words.zh.contains("本机未作任何改动") && words.en.contains("nothing was changed on this device"));
    assert!(client.identity().unwrap().is_none() && client.status().unwrap().unsent.is_empty());
    *why
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_has_is_told_apart_from_a_host_that_refuses() {
    for host in ["hq.invalid", "no-such-host.invalid", "总部.invalid"] {
        let ascii = if host.is_ascii() { host } else { "xn--8mra.invalid" };
        let (_folder, client) = client();
        let error = client.enrol(&format!("https://{host}"), "ABCD-EFGH-JKLM").await.unwrap_err();
        assert!(matches!(error, ClientError::Unreached { why: Unreached::Name, .. }), "{host}: {error:?}");
        assert!(error.words().zh.contains(".invalid:443") && (!host.is_ascii() || error.words().en.contains(ascii)));
    }
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(wrong(&format!("http://{free}"), &free.to_string()).await, Unreached::Refused);
    let secret = format!("http://name:secret@{free}/base?token=secret");
    assert_eq!(wrong(&secret, &free.to_string()).await, Unreached::Refused);
    assert_eq!(
        wrong(&format!("https://localhost:{}", free.port()), &format!("localhost:{}", free.port())).await,
        Unreached::Refused
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_says_nothing_and_one_that_hangs_up_are_told_apart() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = silent.local_addr().unwrap();
    assert_eq!(wrong(&format!("http://{addr}"), &addr.to_string()).await, Unreached::Silent);
    let half = stranger("HTTP/1.1 200 OK\r\nContent-").await;
    assert_eq!(wrong(&format!("http://{half}"), &half.to_string()).await, Unreached::Cut);
    let nothing = stranger("").await;
    assert_eq!(wrong(&format!("http://{nothing}"), &nothing.to_string()).await, Unreached::Cut);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_encryption_is_no_https() {
    for answer in [http("200 OK", "", "page"), "SSH-2.0-OpenSSH_9.7\r\n".into(), "220 mail ESMTP\r\n".into()] {
        let addr = stranger(answer).await;
        assert_eq!(wrong(&format!("https://{addr}"), &addr.to_string()).await, Unreached::Tls);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_and_a_login_page_are_no_server_of_ours_whatever_their_status() {
    let page = "<html>Wi-Fi login</html>";
    let html = "Content-Type: text/html\r\n";
    for (status, headers) in [
        ("200 OK", html),
        ("302 Found", "Location: http://portal.example/\r\n"),
        ("204 No Content", ""),
        ("403 Forbidden", html),
        ("405 Method Not Allowed", html),
        ("502 Bad Gateway", html),
        ("511 Network Authentication Required", html),
    ] {
        let addr = stranger(http(status, headers, if status.starts_with("204") { "" } else { page })).await;
        assert_eq!(wrong(&format!("http://{addr}"), &addr.to_string()).await, Unreached::Stranger, "{status}");
    }
    let missing = stranger(http("404 Not Found", html, page)).await;
    assert_eq!(wrong(&format!("http://{missing}"), &missing.to_string()).await, Unreached::NotFound);
    let later = stranger(http("426 Upgrade Required", &format!("{PROTO_HEADER}: 999\r\n"), "")).await;
    assert_eq!(wrong(&format!("http://{later}"), &later.to_string()).await, Unreached::Version);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_path_of_our_own_server_is_told_as_not_found_and_the_right_address_still_enrols() {
    let mut world = World::new().await;
    for path in ["doorstep", "v1", "index.html"] {
        assert_eq!(wrong(&format!("http://{}/{path}", world.addr()), &world.addr().to_string()).await, Unreached::NotFound);
    }
    let phone = world.fresh("phone", 0);
    let code = world.admin().code("c1", world.hands.now()).unwrap().code;
    world.link.set(LinkMode::Portal);
    let error = phone.client.enrol(&world.link.url(), &code).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreached { why: Unreached::Stranger, .. }), "{error:?}");
    world.link.set(LinkMode::Up);
    phone.client.enrol(&world.link.url(), &code).await.unwrap();
    // A later sync at the same link tells of the network, not of an address that the person typed long ago.
    world.link.set(LinkMode::Portal);
    assert_eq!(phone.sync().await.unwrap_err().code(), "no_network");
}
