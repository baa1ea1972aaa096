//! HTTP: creates the client, and decides what counts as an answer of our server.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;

use doorstep_media::MAX_STORED;
use doorstep_protocol::{
    CLOCK_HEADER, CONTENT_TYPE, ErrorBody, MAX_ENCODED, MAX_INFLATED, PROTO_HEADER, PROTO_VERSION, RENEWAL_HEADER, Retry, decode,
    encode, open, seal,
};
use doorstep_store::Clocks;
use doorstep_sync::Failure;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode, header};

use crate::ClientError;

/// The trusted certificate authorities. They are always named explicitly, because the platform's verifier panics on Android
/// unless it was initialised over JNI (reqwest#2966).
#[derive(Debug, Clone, Default)]
pub enum Roots {
    /// Mozilla's list, as built into this version.
    #[default]
    Mozilla,
    /// The authorities in a PEM file, and no others.
    Pem(Vec<u8>),
}

/// Creates the HTTP client with explicit roots, no cookies and no redirects (a redirect comes from a captive portal). It has no
/// total time-out, because [`Call`] watches for stalls.
#[allow(clippy::disallowed_methods, reason = "the one place that makes a client")]
pub(crate) fn client(roots: &Roots) -> Result<Client, ClientError> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let certificates: Result<Vec<Certificate>, _> = match roots {
        Roots::Mozilla => webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| Certificate::from_der(der)).collect(),
        Roots::Pem(pem) => Certificate::from_pem_bundle(pem),
    };
    let certificates = certificates.map_err(|_| ClientError::Roots)?;
    // A client without trusted authorities would report "no network" for ever.
    if certificates.is_empty() {
        return Err(ClientError::Roots);
    }
    Client::builder()
        .tls_certs_only(certificates)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(10))
        .build()
        .map_err(|_| match roots {
            Roots::Mozilla => ClientError::Internal("the HTTP client can not be made"),
            Roots::Pem(_) => ClientError::Roots,
        })
}

/// Refuses plain HTTP to other machines unless it is allowed explicitly, because everybody on the network path could read names,
/// numbers and tokens.
pub(crate) fn allow(server: &str, insecure: bool) -> Result<(), ClientError> {
    let is_safe = |url: &reqwest::Url| {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        url.scheme() == "https" || is_loopback
    };
    match reqwest::Url::parse(server) {
        Err(_) => Err(ClientError::Server),
        Ok(url) if insecure || is_safe(&url) => Ok(()),
        Ok(_) => Err(ClientError::Insecure),
    }
}

/// The cost of requests: bytes of bodies in both directions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests made.
    pub requests: u64,
    /// Bytes of request bodies.
    pub sent: u64,
    /// Bytes of response bodies.
    pub received: u64,
}

pub(crate) struct Call<'a> {
    pub client: &'a Client,
    pub token: Option<&'a str>,
    /// A signature that renews an expired token.
    pub renewal: Option<&'a str>,
    pub method: Method,
    pub url: String,
    /// Additional headers.
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// Counts the bytes of the body that the connection has taken.
    pub taken: Arc<AtomicUsize>,
    /// Time without a byte after which the call gives up.
    pub stall: Duration,
    /// The device's clocks at this sending.
    pub clocks: Clocks,
}

/// Largest body of an answer (a stored photo or an encoded message), in bytes.
const MAX_ANSWER: usize = if MAX_STORED > MAX_ENCODED { MAX_STORED } else { MAX_ENCODED };

/// Bytes of a body that are handed to the connection at once, which is the unit of progress.
const PIECE: usize = 16 * 1024;

/// Why a request got no answer.
pub(crate) enum Lost {
    /// No byte moved for too long.
    Stalled,
    /// The connection failed, or could not be made.
    Failed(reqwest::Error),
}

impl Call<'_> {
    /// Makes the call up to the answer's headers; [`answer`] reads the rest. Read clocks between the two. Errors are typed by whether
    /// trying again can help.
    pub(crate) async fn begin(self, cost: &mut Cost) -> Result<Response, Failure> {
        self.send(cost).await.map_err(|_| Failure::Network)
    }

    /// Makes the call up to the answer's headers, and tells why there is no answer.
    pub(crate) async fn send(self, cost: &mut Cost) -> Result<Response, Lost> {
        let mut request: RequestBuilder = self.client.request(self.method, &self.url).header(PROTO_HEADER, PROTO_VERSION);
        if let Some(token) = self.token {
            request = request.bearer_auth(token);
        }
        if let Some(signature) = self.renewal {
            request = request.header(RENEWAL_HEADER, signature);
        }
        let Clocks { boot, mono_ms, .. } = self.clocks;
        request = request.header(CLOCK_HEADER, format!("{:08x}-{mono_ms}", u32::from_be_bytes(boot.0)));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        cost.requests += 1;
        cost.sent += self.body.len() as u64;
        // The client's own time-outs cover a whole upload, so a photo on a slow link would never arrive. The body is sent in
        // pieces instead, and each accepted piece is progress.
        let length = self.body.len();
        let taken = self.taken;
        let count = taken.clone();
        let mut body = self.body;
        let pieces = std::iter::from_fn(move || {
            let piece = body.split_to(body.len().min(PIECE));
            count.fetch_add(piece.len(), Ordering::Relaxed);
            (!piece.is_empty()).then_some(Ok::<_, Infallible>(piece))
        });
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let mut sending = pin!(request.header(header::CONTENT_LENGTH, length).body(body).send());
        let mut before = usize::MAX;
        loop {
            match tokio::time::timeout(self.stall, &mut sending).await {
                Ok(response) => return response.map_err(Lost::Failed),
                Err(_) if taken.load(Ordering::Relaxed) == before => return Err(Lost::Stalled),
                Err(_) => before = taken.load(Ordering::Relaxed),
            }
        }
    }
}

/// Encodes a message as a request's body.
pub(crate) fn packed<T: minicbor::Encode<()>>(message: &T) -> Result<Vec<u8>, ClientError> {
    encode(message).and_then(|body| seal(&body)).map_err(|_| ClientError::Internal("the request can not be encoded"))
}

/// Whether our server answered. An answer without its header comes from a captive portal or a proxy; it counts as no network and
/// never as a verdict on a record.
pub(crate) fn is_from_us(response: &Response) -> bool {
    response.headers().get(PROTO_HEADER).is_some_and(|version| version.as_bytes() == PROTO_VERSION.as_bytes())
}

/// Reads an answer to its end. `Ok(None)` means nothing new (204, 304).
pub(crate) async fn answer(response: Response, stall: Duration, cost: &mut Cost) -> Result<Option<Vec<u8>>, Failure> {
    let is_ours = has(&response, header::CONTENT_TYPE, CONTENT_TYPE) && has(&response, header::CONTENT_ENCODING, "zstd");
    let (status, body) = read(response, stall, cost).await?;
    match status {
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Ok(None),
        _ if is_ours => open(&body, MAX_INFLATED).map(Some).map_err(|_| Failure::Network),
        _ => Err(Failure::Network),
    }
}

/// Reads an answer that has only a status and headers.
pub(crate) async fn done(response: Response, stall: Duration, cost: &mut Cost) -> Result<(), Failure> {
    read(response, stall, cost).await.map(|_| ())
}

/// Reads the bytes of a photo.
pub(crate) async fn picture(response: Response, stall: Duration, cost: &mut Cost) -> Result<Vec<u8>, Failure> {
    match read(response, stall, cost).await? {
        (StatusCode::OK, bytes) => Ok(bytes),
        _ => Err(Failure::Network),
    }
}

fn has(response: &Response, name: header::HeaderName, value: &str) -> bool {
    response.headers().get(name).is_some_and(|v| v.as_bytes() == value.as_bytes())
}

/// Reads a successful answer to its end. Any other answer is an error, typed by whether trying again can help.
async fn read(mut response: Response, stall: Duration, cost: &mut Cost) -> Result<(StatusCode, Vec<u8>), Failure> {
    if !is_from_us(&response) {
        return Err(Failure::Network);
    }
    let status = response.status();
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    let is_ours = has(&response, header::CONTENT_TYPE, CONTENT_TYPE);
    let mut body = Vec::new();
    loop {
        let chunk = tokio::time::timeout(stall, response.chunk()).await.map_err(|_| Failure::Network)?;
        let Some(chunk) = chunk.map_err(|_| Failure::Network)? else { break };
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Failure::Network);
        }
        body.extend_from_slice(&chunk);
    }
    cost.received += body.len() as u64;
    match status {
        StatusCode::NOT_MODIFIED => return Ok((status, body)),
        _ if status.is_success() => return Ok((status, body)),
        _ => {}
    }
    match Retry::of(status.as_u16()) {
        Retry::Halved => Err(Failure::TooLarge),
        Retry::After(seconds) => Err(Failure::Busy(retry_after.unwrap_or(seconds).saturating_mul(1000))),
        Retry::Late if is_ours => {
            // The answer to a HEAD has no body, so its status is the code.
            let code = decode::<ErrorBody>(&body).map_or_else(|_| status.as_u16().to_string().into(), |error| error.code);
            Err(Failure::Refused(code))
        }
        // HTTP libraries refuse without a body of ours.
        Retry::Late | Retry::Soon => Err(Failure::Network),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorstep_protocol::{encode, seal};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    impl Call<'_> {
        async fn run(self, cost: &mut Cost) -> Result<Option<Vec<u8>>, Failure> {
            let stall = self.stall;
            let response = self.begin(cost).await?;
            super::answer(response, stall, cost).await
        }
    }

    fn put(client: &Client, url: String, body: Vec<u8>, stall: Duration) -> Call<'_> {
        let (method, headers, body, taken) = (Method::PUT, vec![], body.into(), Arc::default());
        let clocks = Clocks { wall: doorstep_domain::UnixMs(0), mono_ms: 1, boot: doorstep_domain::BootId([1; 4]) };
        Call { client, token: None, renewal: None, method, url, headers, body, taken, stall, clocks }
    }

    #[test]
    fn plain_http_is_for_this_machine_alone_unless_it_is_meant() {
        for server in ["http://127.0.0.1:8080", "http://127.8.8.8", "http://[::1]:80", "http://localhost:1", "https://hq.example"]
        {
            assert!(allow(server, false).is_ok(), "{server}");
        }
        for server in [
            "http://hq.example",
            "http://10.0.0.1:8080",
            "http://127.0.0.1.hq.example",
            "http://[2001:db8::1]",
            "HTTP://hq.example",
        ] {
            assert!(matches!(allow(server, false), Err(ClientError::Insecure)), "{server}");
            assert!(allow(server, true).is_ok(), "{server}");
        }
        assert!(matches!(allow("http://", true), Err(ClientError::Server)));
    }

    /// The result of a call for an answer with these bytes.
    async fn outcome(answer: Vec<u8>) -> Result<Option<Vec<u8>>, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/photos/00", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            assert!(read > 0);
            stream.write_all(&answer).await.unwrap();
        });
        let client = client(&Roots::Mozilla).unwrap();
        let outcome = put(&client, url, vec![], Duration::from_secs(5)).run(&mut Cost::default()).await;
        server.await.unwrap();
        outcome
    }

    fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn an_answer_without_our_header_is_no_network_whatever_it_says() {
        // A captive portal that answers 204 to everything must not make a photo look stored.
        for status in
            ["204 No Content", "200 OK", "304 Not Modified", "401 Unauthorized", "413 Too Large", "503 Busy", "302 Found"]
        {
            let portal = answer(status, "Location: http://portal.example/\r\nRetry-After: 9\r\n", b"");
            assert_eq!(outcome(portal).await, Err(Failure::Network), "{status}");
        }
    }

    #[tokio::test]
    async fn a_slow_upload_is_no_stall_and_a_silent_one_is() {
        let stall = Duration::from_millis(600);
        let upload = async |sips: bool| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/v1/photos/00", listener.local_addr().unwrap());
            let server = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = vec![0; 256 * 1024];
                let mut read = 0;
                while read < 16 << 20 {
                    if !sips {
                        std::future::pending::<()>().await;
                    }
                    read += stream.read(&mut buffer).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(10)).await; // the link's pace, not a wait for a condition: 640 ms in all
                }
                let done = format!("HTTP/1.1 204 No Content\r\n{PROTO_HEADER}: {PROTO_VERSION}\r\n\r\n");
                stream.write_all(done.as_bytes()).await.unwrap();
            });
            let client = client(&Roots::Mozilla).unwrap();
            let body = vec![7; 16 << 20];
            let begun = tokio::time::Instant::now();
            let outcome = put(&client, url, body, stall).run(&mut Cost::default()).await;
            server.abort();
            (outcome, begun.elapsed() > stall)
        };
        assert_eq!(upload(true).await, (Ok(None), true), "longer than the stall time-out, and through");
        assert_eq!(upload(false).await.0, Err(Failure::Network));
    }

    #[tokio::test]
    async fn our_servers_answers_are_told_apart_by_whether_trying_again_helps() {
        let ours = |extra: &str| format!("{PROTO_HEADER}: {PROTO_VERSION}\r\nContent-Type: application/cbor\r\n{extra}");
        let error = |code: &str| encode(&ErrorBody { code: code.into(), detail: String::new() }).unwrap();
        let zstd = "Content-Encoding: zstd\r\n";
        let message = seal(b"message").unwrap();
        assert_eq!(outcome(answer("204 No Content", &ours(""), b"")).await, Ok(None));
        assert_eq!(outcome(answer("200 OK", &ours(zstd), &message)).await, Ok(Some(b"message".to_vec())));
        assert_eq!(outcome(answer("200 OK", &ours(zstd), b"torn")).await, Err(Failure::Network));
        assert_eq!(outcome(answer("200 OK", "Sync-Proto: 999\r\n", &message)).await, Err(Failure::Network));
        assert_eq!(outcome(answer("413 Too Large", &ours(""), b"")).await, Err(Failure::TooLarge));
        assert_eq!(outcome(answer("429 Slow", &ours("Retry-After: 7\r\n"), b"")).await, Err(Failure::Busy(7_000)));
        assert_eq!(outcome(answer("503 Busy", &ours(""), &error("storage"))).await, Err(Failure::Busy(1_000)));
        assert_eq!(
            outcome(answer("401 No", &ours(""), &error("unauthorized"))).await,
            Err(Failure::Refused("unauthorized".into()))
        );
    }
}
