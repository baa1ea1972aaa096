//! A web server of one provider on a free port of loopback: each connection gets the next scripted behaviour.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What a request gets.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// A status, headers (each with its line's end) and a body.
    Answer(u16, &'static str, String),
    /// Nothing.
    Silent,
    /// The connection ends after the request was read.
    Cut,
    /// The connection ends in the middle of the answer.
    Torn,
}

/// A request: its head and its body.
#[derive(Debug, Clone)]
pub struct Request {
    pub head: String,
    pub body: String,
}

pub struct Web {
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    script: Arc<Mutex<VecDeque<Behaviour>>>,
    count: watch::Receiver<usize>,
    accepting: JoinHandle<()>,
}

impl Web {
    pub async fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, script) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(VecDeque::new())));
        let (counted, count) = watch::channel(0);
        let tls = tls.map(TlsAcceptor::from);
        let of_task = (requests.clone(), script.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (requests, script) = of_task.clone();
                let (counted, tls) = (counted.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &requests, &script, &counted).await,
                        Some(tls) => {
                            // A handshake that fails is the test's subject.
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &requests, &script, &counted).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, requests, script, count, accepting }
    }

    pub fn script(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.script.lock().unwrap().extend(behaviours);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub async fn until(&self, wanted: usize) {
        let mut count = self.count.clone();
        let wait = count.wait_for(|count| *count >= wanted);
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("so many requests come").unwrap();
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    requests: &Mutex<Vec<Request>>,
    script: &Mutex<VecDeque<Behaviour>>,
    counted: &watch::Sender<usize>,
) {
    let mut bytes = Vec::new();
    let request = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).unwrap().parse().unwrap();
            if body.len() >= length {
                break Request { head: head.to_owned(), body: body.to_owned() };
            }
        }
    };
    requests.lock().unwrap().push(request);
    counted.send_modify(|count| *count += 1);
    let behaviour = script.lock().unwrap().pop_front().expect("a behaviour for each request");
    match behaviour {
        Behaviour::Answer(status, headers, body) => {
            let answer = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
        Behaviour::Silent => std::future::pending().await,
        Behaviour::Cut => {}
        Behaviour::Torn => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"id\":").await.ok();
        }
    }
}
