//! Head office behind proxies that nobody here wrote: nginx and HAProxy. Both must find the ends of requests where the server finds
//! them, or one client's bytes become another client's request.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use doorstep_tests::{World, raw};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::photos::{fail_with_large_photo, holds};

/// A proxy in a process of its own.
struct Proxy {
    name: &'static str,
    child: Child,
    addr: SocketAddr,
    _folder: TempDir,
}

impl Proxy {
    /// Starts both before a server, or says why it does not.
    async fn both(server: SocketAddr) -> Vec<Self> {
        let Ok(programs) = std::env::var("DOORSTEP_PROXIES") else {
            println!("not run: no proxies; DOORSTEP_PROXIES=$(tests/peers/proxies)");
            return vec![];
        };
        let mut both = Vec::new();
        for name in ["nginx", "haproxy"] {
            both.push(Self::start(name, &PathBuf::from(&programs).join(name), server).await);
        }
        both
    }

    async fn start(name: &'static str, program: &Path, server: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Another process may take the port before the proxy does; then the proxy ends at once, and the test fails.
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let file = folder.path().join("conf");
        let text = if name == "nginx" { nginx(folder.path(), addr, server) } else { haproxy(addr, server) };
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(program);
        match name {
            "nginx" => command.arg("-p").arg(folder.path()).arg("-c").arg(&file).args(["-e", "stderr"]),
            _ => command.arg("-db").arg("-f").arg(&file),
        };
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(addr).await.is_err() {
            assert!(child.try_wait().unwrap().is_none() && begun.elapsed().as_secs() < 30, "{name} does not listen");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self { name, child, addr, _folder: folder }
    }

    /// Sends bytes as they are, and reads until the proxy closes or says nothing more.
    async fn answer_to(&self, bytes: &str) -> String {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let mut part = [0; 4096];
        while let Ok(Ok(read @ 1..)) = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut part)).await {
            answer.extend_from_slice(&part[..read]);
        }
        String::from_utf8_lossy(&answer).to_lowercase()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One process that keeps one connection to the server for all clients, as the server's own page asks of a proxy.
fn nginx(folder: &Path, addr: SocketAddr, server: SocketAddr) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {}/{name};\n", folder.display()))
        .concat();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
         events {{ worker_connections 64; }}
         http {{
           access_log off; {temporary}
           upstream office {{ server {server}; keepalive 1; }}
           server {{
             listen {addr}; client_max_body_size 12m;
             location / {{
               proxy_pass http://office; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_request_buffering off;
             }}
           }}
         }}",
        folder = folder.display()
    )
}

/// One thread that gives every client's requests to the same connections.
fn haproxy(addr: SocketAddr, server: SocketAddr) -> String {
    format!(
        "global\n  nbthread 1\n  maxconn 64\ndefaults\n  mode http\n  http-reuse always\n  timeout connect 5s\n  timeout client 30s\n  \
         timeout server 30s\nfrontend door\n  bind {addr}\n  default_backend office\nbackend office\n  server office {server}\n"
    )
}

/// How many requests the server has answered to devices.
async fn answered(world: &World) -> usize {
    let page = world.operator("/metrics").await.1;
    let counts = page.lines().filter(|line| line.starts_with("doorstep_requests_total{"));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as usize).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_no_request_with_two_lengths_becomes_anybody_elses_request() {
    let world = World::new().await;
    let proxies = Proxy::both(world.addr()).await;
    let (length, chunked) = ("content-length: 48\r\n", "transfer-encoding: chunked\r\n");
    let lengths = ["content-length: 5\r\n", "content-length: 48\r\n"].concat();
    for proxy in &proxies {
        for lines in [
            [length, chunked].concat(),
            [chunked, length].concat(),
            ["transfer-encoding: identity\r\n", length, chunked].concat(),
            [length, "transfer-encoding: x, chunked\r\n"].concat(),
            [length, "transfer-encoding : chunked\r\n"].concat(),
            lengths.clone(),
        ] {
            let before = answered(&world).await;
            // The begin of a request in the name of the next client, whose own request would end it.
            let hidden = "GET /v1/refs/hidden HTTP/1.1\r\nhost: a\r\nx: y";
            let attack = format!("POST /v1/enrol HTTP/1.1\r\nhost: a\r\n{lines}\r\n0\r\n\r\n{hidden}");
            // The server writes its protocol's version into each answer of its own.
            let mut seen = proxy.answer_to(&attack).await.matches("sync-proto:").count();
            for victim in 0..4 {
                let path = format!("/v1/photos/{}", format!("{victim:02}").repeat(32));
                let answer = raw(proxy.addr, "GET", &path, &[("authorization", "Bearer none")], &[]).await;
                assert_eq!(answer.status, 401, "{}: {lines}: {}", proxy.name, answer.head);
                seen += answer.head.matches("sync-proto:").count();
            }
            assert_eq!(answered(&world).await - before, seen, "{}: {lines}", proxy.name);
            assert!(seen >= 4, "{}: {lines}", proxy.name);
        }
    }
    let page = world.operator("/metrics").await.1;
    assert!(!page.contains("refs"), "nobody asked for that: {page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_works_through_a_proxy_records_photos_and_all() {
    let mut world = World::new().await;
    let phone = world.device("phone", "c1").await;
    let mut photos = Vec::new();
    for (n, proxy) in (1..).zip(Proxy::both(world.addr()).await) {
        world.link.point_to(proxy.addr);
        photos.push(fail_with_large_photo(&phone, n * 2, n));
        phone.sync().await.unwrap();
        phone.agrees_with(&world, n * 2);
        holds(&world, &phone, &photos.iter().collect::<Vec<_>>()).await;
    }
}
