//! A request written by hand, for what a well-behaved client would never send.

use std::net::SocketAddr;

use doorstep_protocol::{PROTO_HEADER, PROTO_VERSION};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An answer: status, headers and body as they came.
#[derive(Debug)]
pub struct RawAnswer {
    /// Status code.
    pub status: u16,
    /// Header lines in lower case.
    pub head: String,
    /// Body.
    pub body: Vec<u8>,
}

/// Sends one request over a connection of its own and reads the answer to its end. It speaks today's version unless
/// `headers` name another.
pub async fn raw(addr: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> RawAnswer {
    let mut stream = TcpStream::connect(addr).await.expect("the server listens");
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    let spoken = [(PROTO_HEADER, PROTO_VERSION)];
    let named = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(PROTO_HEADER));
    for (name, value) in spoken.iter().filter(|_| !named).chain(headers) {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    stream.write_all(head.as_bytes()).await.expect("the head is taken");
    // A server may answer before it has read a body that is too large.
    stream.write_all(body).await.ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    let split = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("an HTTP answer");
    let head = String::from_utf8_lossy(&answer[..split]).to_lowercase();
    let status = head.split_whitespace().nth(1).and_then(|s| s.parse().ok()).expect("a status");
    RawAnswer { status, head, body: answer[split + 4..].to_vec() }
}
