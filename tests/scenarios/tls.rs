//! TLS in the server itself: who is reached, what a new certificate changes, what a bad one does not.

use std::path::Path;

use doorstep_client::{Client, ClientError, Identity, Options, Unreached, http::Roots};
use doorstep_domain::UnixMs;
use doorstep_server::{Config, Running, ServeError, TlsError, TlsFiles, admin::Admin, start};
use doorstep_tests::Hands;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An authority that signs for loopback.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Signs a new certificate for a new key, and puts both where the server reads them.
    fn sign_into(&self, files: &TlsFiles) {
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        std::fs::write(&files.cert, cert.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
    }
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles { cert: folder.join("cert.pem"), key: folder.join("key.pem") }
}

/// A server with a certificate, an outlet and a courier.
struct Office {
    folder: TempDir,
    hands: Hands,
    authority: Authority,
    files: TlsFiles,
    running: Running,
}

impl Office {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hands = Hands::at(UnixMs(1_772_413_200_000));
        let mut admin = Admin::open(&folder.path().join("server")).unwrap();
        admin.outlet("0412", "城西派件部", "Chengxi", "0412-1000").unwrap();
        admin.user("c1", "李明", "courier", "0412").unwrap();
        let (authority, files) = (Authority::new("first"), files(folder.path()));
        authority.sign_into(&files);
        let alone = Config::on_loopback(folder.path().join("server"), hands.server());
        let config = Config { tls: Some(files.clone()), ..alone };
        let running = start(config).await.unwrap();
        Self { folder, hands, authority, files, running }
    }

    /// Enrols a device that trusts what is given.
    async fn enrol(&self, store: &str, roots: Roots) -> Result<(Client, Identity), ClientError> {
        let code = Admin::open(&self.folder.path().join("server")).unwrap().code("c1", self.hands.now()).unwrap().code;
        let client = Client::open(&self.folder.path().join(store), Options { roots, ..Options::default() })?;
        let who = client.enrol(&self.running.url(), &code).await?;
        Ok((client, who))
    }

    /// Whether a device that trusts the authority, on a connection of its own, gets through.
    async fn is_trusted_by(&self, store: &str, authority: &Authority) -> bool {
        match self.enrol(store, Roots::Pem(authority.pem.clone().into_bytes())).await {
            Ok(_) => true,
            Err(ClientError::Unreached { why: Unreached::Tls, .. }) => false,
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_enrols_and_syncs_over_tls_with_an_authority_of_the_networks_own() {
    let office = Office::open().await;
    assert!(office.running.url().starts_with("https://127.0.0.1:") && office.running.page().starts_with("https://"));
    let roots = Roots::Pem(office.authority.pem.clone().into_bytes());
    let (client, who) = office.enrol("phone", roots).await.unwrap();
    assert_eq!(who.author.user.as_str(), "c1");
    client.sync().await.unwrap();
    assert!(!client.wait_for_hint(1).await.unwrap());
    // The client keeps its connection open: an idle one holds up no stop.
    office.running.stop().await;
    assert!(client.sync().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_does_not_trust_the_authority_is_told_that_the_encryption_fails() {
    let office = Office::open().await;
    assert!(!office.is_trusted_by("stranger", &Authority::new("another")).await);
    let error = office.enrol("mozilla", Roots::Mozilla).await.err().unwrap();
    assert!(matches!(error, ClientError::Unreached { why: Unreached::Tls, .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_read_again_is_what_new_connections_get_and_running_ones_go_on() {
    let office = Office::open().await;
    let (old, _) = office.enrol("old", Roots::Pem(office.authority.pem.clone().into_bytes())).await.unwrap();
    let second = Authority::new("second");
    second.sign_into(&office.files);
    assert!(!office.is_trusted_by("early", &second).await, "files alone change nothing");
    office.running.reload_tls().await.unwrap();
    assert!(office.is_trusted_by("new", &second).await);
    assert!(!office.is_trusted_by("late", &office.authority).await);
    old.sync().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_certificate_read_again_leaves_the_one_in_use() {
    let office = Office::open().await;
    let (cert, key) = (std::fs::read(&office.files.cert).unwrap(), std::fs::read(&office.files.key).unwrap());
    let reload = async |cert: &[u8], key: &[u8]| {
        std::fs::write(&office.files.cert, cert).unwrap();
        std::fs::write(&office.files.key, key).unwrap();
        office.running.reload_tls().await.err().unwrap()
    };
    let other = KeyPair::generate().unwrap().serialize_pem();
    let torn = String::from_utf8(cert.clone()).unwrap().replace("-----END", "----");
    assert!(matches!(reload(&cert, other.as_bytes()).await, TlsError::KeyMismatch { .. }));
    assert!(matches!(reload(&key, &key).await, TlsError::NoCertificate(_)));
    assert!(matches!(reload(&cert, &cert).await, TlsError::NoKey(_)));
    assert!(matches!(reload(torn.as_bytes(), &key).await, TlsError::Pem { .. }));
    assert!(matches!(
        reload(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key).await,
        TlsError::Unusable { .. }
    ));
    std::fs::remove_file(&office.files.key).unwrap();
    let error = office.running.reload_tls().await.err().unwrap();
    assert!(matches!(error, TlsError::File { .. }) && error.to_string().contains("key.pem"), "{error}");
    assert!(office.is_trusted_by("phone", &office.authority).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_to_the_tls_port_gets_no_answer_of_ours() {
    let office = Office::open().await;
    let mut plain = TcpStream::connect(office.running.addr).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).await.ok();
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(!answer.contains("http/") && !answer.contains("sync-proto"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_never_shake_hands_hold_up_nobody() {
    let office = Office::open().await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(office.running.addr).await.unwrap());
    }
    assert!(office.is_trusted_by("phone", &office.authority).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_allows_any_address_and_one_that_is_not_there_stops_the_start_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("server");
    let listen = "0.0.0.0:0".parse().unwrap();
    let now = Hands::at(UnixMs(0)).server();
    let tls = Some(files(folder.path()));
    let refused = start(Config { listen, tls, ..Config::on_loopback(&data, now) }).await;
    assert!(matches!(refused, Err(ServeError::Tls(TlsError::File { .. }))), "no word about loopback");
    assert!(!data.exists());
}
