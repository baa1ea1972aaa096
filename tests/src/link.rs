//! A link between clients and a server: a TCP proxy that counts bytes and can be cut in the ways networks are cut.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// How the link behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkMode {
    /// Bytes pass.
    Up,
    /// Connections are dropped, running ones too.
    Cut,
    /// Connections are taken and nothing passes, on running ones neither; when the mode is what it was before they go on.
    Hold,
    /// Requests reach the server; answers are swallowed and the connection is dropped.
    LoseAnswers,
    /// A captive portal answers everything with a login page.
    Portal,
    /// A connection is cut after so many bytes upwards.
    CutAfter(usize),
    /// A connection is cut after so many bytes upwards, and the link carries only so many bytes a second.
    Slow {
        /// Bytes a second.
        rate: u32,
        /// Cut after so many bytes.
        cut_after: usize,
    },
}

/// What has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Bytes from clients, headers included.
    pub up: u64,
    /// Bytes from the server, headers included.
    pub down: u64,
    /// Connections made.
    pub connections: u64,
}

/// A link on a free port of its own.
#[derive(Clone)]
pub struct Link {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: Mutex<SocketAddr>,
    mode: watch::Sender<LinkMode>,
    up: AtomicU64,
    down: AtomicU64,
    connections: AtomicU64,
    /// Connections, and requests on running ones that are held.
    arrivals: watch::Sender<u64>,
}

impl Link {
    /// Starts a link to a server.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: Mutex::new(server),
            mode: watch::Sender::new(LinkMode::Up),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            arrivals: watch::Sender::new(0),
        });
        let of_task = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, of_task.clone()));
            }
        });
        Self { addr, shared }
    }

    /// The address that clients use.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Changes the behaviour; running connections feel it at once.
    pub fn set(&self, mode: LinkMode) {
        self.shared.mode.send_replace(mode);
    }

    /// Points the link to another server, such as one started again on its folder.
    pub fn point_to(&self, server: SocketAddr) {
        *self.shared.server.lock().unwrap() = server;
    }

    /// What has passed so far.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            up: self.shared.up.load(Ordering::SeqCst),
            down: self.shared.down.load(Ordering::SeqCst),
            connections: self.shared.connections.load(Ordering::SeqCst),
        }
    }

    /// How often a client has come as far as the link: with a connection, or with a request on one that is held.
    pub fn arrivals(&self) -> u64 {
        *self.shared.arrivals.borrow()
    }

    /// Returns when that is more than so often.
    pub async fn reached(&self, before: u64) {
        self.shared.arrivals.subscribe().wait_for(|count| *count > before).await.unwrap();
    }
}

async fn carry(mut client: TcpStream, shared: Arc<Shared>) {
    let mut mode = shared.mode.subscribe();
    shared.connections.fetch_add(1, Ordering::SeqCst);
    shared.arrivals.send_modify(|count| *count += 1);
    let Ok(now) = mode.wait_for(|mode| *mode != LinkMode::Hold).await.map(|mode| *mode) else { return };
    match now {
        LinkMode::Cut => return,
        LinkMode::Portal => {
            let mut request = vec![0; 16 * 1024];
            if !matches!(client.read(&mut request).await, Ok(1..)) {
                return;
            }
            let page = "<html>Wi-Fi login</html>";
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                page.len()
            );
            client.write_all(answer.as_bytes()).await.ok();
            return;
        }
        LinkMode::Up | LinkMode::Hold | LinkMode::LoseAnswers | LinkMode::CutAfter(_) | LinkMode::Slow { .. } => {}
    }
    let server = *shared.server.lock().unwrap();
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (budget, rate) = match now {
        LinkMode::CutAfter(bytes) => (bytes, None),
        LinkMode::Slow { rate, cut_after } => (cut_after, Some(rate)),
        _ => (usize::MAX, None),
    };
    let held = || async {
        shared.mode.subscribe().wait_for(|mode| *mode != LinkMode::Hold).await.ok();
    };
    let upwards = async {
        let mut left = budget;
        // A slow link takes little at a time.
        let mut buffer = vec![0; if rate.is_some() { 1_400 } else { 32 * 1024 }];
        while let Ok(n @ 1..) = from_client.read(&mut buffer).await {
            if *shared.mode.borrow() == LinkMode::Hold {
                shared.arrivals.send_modify(|count| *count += 1);
                held().await;
            }
            let pass = n.min(left);
            if let Some(rate) = rate {
                // The link's pace.
                tokio::time::sleep(std::time::Duration::from_secs_f64(pass as f64 / f64::from(rate))).await;
            }
            shared.up.fetch_add(pass as u64, Ordering::SeqCst);
            if to_server.write_all(&buffer[..pass]).await.is_err() || pass < n {
                return;
            }
            left -= pass;
        }
    };
    let downwards = async {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(n @ 1..) = from_server.read(&mut buffer).await {
            if now == LinkMode::LoseAnswers {
                return;
            }
            held().await;
            shared.down.fetch_add(n as u64, Ordering::SeqCst);
            if to_client.write_all(&buffer[..n]).await.is_err() {
                return;
            }
        }
    };
    let other_mode = async {
        let mut was_held = false;
        while mode.changed().await.is_ok() {
            let next = *mode.borrow_and_update();
            // Back to what it was, a held connection goes on; any other change ends it.
            let goes_on = next == LinkMode::Hold || (was_held && next == now);
            was_held = next == LinkMode::Hold;
            if !goes_on {
                return;
            }
        }
    };
    tokio::select! {
        () = upwards => {}
        () = downwards => {}
        _ = other_mode => {}
    }
}
