//! The upload protocol, byte by byte: what a well-behaved client of ours would never send too.

use std::net::SocketAddr;

use data_encoding::BASE64;
use doorstep_domain::Photo;
use doorstep_protocol::{ErrorBody, PROTO_HEADER, PROTO_VERSION, decode};
use doorstep_tests::{Device, RawAnswer, World, raw};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{fail_with_large_photo, holds, photos_of};

/// A photo whose entry is accepted and whose bytes are still on the phone.
pub(super) struct Waiting {
    pub world: World,
    phone: Device,
    pub photo: Photo,
    pub bytes: Vec<u8>,
    pub token: String,
}

impl Waiting {
    pub async fn new() -> Self {
        let mut world = World::new().await;
        let phone = world.device("phone", "c1").await;
        let photo = fail_with_large_photo(&phone, 2, 1);
        phone.client.set_conditions(doorstep_client::Conditions { battery: Some(1), ..Default::default() });
        phone.sync().await.unwrap();
        let text = photo.id.to_string();
        let file = photos_of(&phone).into_iter().find(|path| path.to_string_lossy().contains(&text)).unwrap();
        let (bytes, token) = (std::fs::read(file).unwrap(), phone.bearer());
        Self { world, phone, photo, bytes, token }
    }

    /// Asserts that the photo is stored whole.
    pub async fn is_stored(&self) {
        holds(&self.world, &self.phone, &[&self.photo]).await;
    }

    fn path(&self) -> String {
        format!("/v1/photos/{}", self.photo.id)
    }

    async fn ask(&self, addr: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> RawAnswer {
        let usual = [("authorization", self.token.as_str()), ("tus-resumable", "1.0.0")];
        raw(addr, method, path, &[&usual, headers].concat(), body).await
    }

    async fn head(&self) -> RawAnswer {
        self.ask(self.world.addr(), "HEAD", &self.path(), &[], b"").await
    }

    async fn create(&self, body: &[u8]) -> RawAnswer {
        let (len, named) = (self.bytes.len().to_string(), self.named());
        let headers = [("upload-length", len.as_str()), ("upload-metadata", &named), ("content-type", CHUNK)];
        self.ask(self.world.addr(), "POST", "/v1/photos", &headers, body).await
    }

    fn named(&self) -> String {
        format!("filename {},sha256 {}", BASE64.encode(b"a.jpg"), BASE64.encode(self.photo.id.to_string().as_bytes()))
    }

    async fn patch(&self, offset: usize, body: &[u8], headers: &[(&str, &str)]) -> RawAnswer {
        self.patch_at(self.world.addr(), offset, body, headers).await
    }

    async fn patch_at(&self, addr: SocketAddr, offset: usize, body: &[u8], headers: &[(&str, &str)]) -> RawAnswer {
        let offset = offset.to_string();
        let own = [("upload-offset", offset.as_str()), ("content-type", CHUNK)];
        self.ask(addr, "PATCH", &self.path(), &[&own, headers].concat(), body).await
    }

    /// How often the upload was gone on with.
    fn fence(&self) -> i64 {
        let db = self.world.database();
        db.query_row("SELECT fence FROM upload", [], |row| row.get(0)).unwrap()
    }

    /// A PATCH that announces all the rest and then sends only a part of it.
    async fn hang(&self, addr: SocketAddr, offset: usize, sent: usize) -> TcpStream {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let head = format!(
            "PATCH {} HTTP/1.1\r\nHost: test\r\n{PROTO_HEADER}: {PROTO_VERSION}\r\nauthorization: {}\r\ntus-resumable: 1.0.0\r\n\
             upload-offset: {offset}\r\ncontent-type: {CHUNK}\r\ncontent-length: {}\r\n\r\n",
            self.path(),
            self.token,
            self.bytes.len() - offset
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&self.bytes[offset..offset + sent]).await.unwrap();
        stream
    }
}

const CHUNK: &str = "application/offset+octet-stream";

fn offset(answer: &RawAnswer) -> usize {
    header(answer, "upload-offset").unwrap_or_else(|| panic!("{}", answer.head)).parse().unwrap()
}

fn header<'a>(answer: &'a RawAnswer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn code(answer: &RawAnswer) -> String {
    decode::<ErrorBody>(&answer.body).unwrap().code.to_string()
}

fn checksum(bytes: &[u8]) -> String {
    format!("sha256 {}", BASE64.encode(&Sha256::digest(bytes)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_in_pieces_is_created_continued_and_stored() {
    let w = Waiting::new().await;
    assert_eq!((w.head().await.status, code(&w.patch(0, b"x", &[]).await)), (404, "upload_unknown".to_owned()));
    let created = w.create(b"").await;
    assert_eq!((created.status, offset(&created)), (201, 0));
    assert_eq!(header(&created, "location"), Some(w.path().as_str()));
    assert_eq!(header(&created, "tus-resumable"), Some("1.0.0"));
    assert!(header(&created, "upload-expires").is_some_and(|until| until.ends_with("gmt")), "{}", created.head);
    for at in (0..w.bytes.len()).step_by(64 * 1024) {
        let piece = &w.bytes[at..(at + 64 * 1024).min(w.bytes.len())];
        let patched = w.patch(at, piece, &[("upload-checksum", &checksum(piece))]).await;
        assert_eq!((patched.status, offset(&patched)), (204, at + piece.len()));
    }
    holds(&w.world, &w.phone, &[&w.photo]).await;
    assert_eq!(offset(&w.head().await), w.bytes.len());
    let again = w.create(&w.bytes).await;
    assert_eq!((again.status, offset(&again)), (200, w.bytes.len()), "already have");
    assert_eq!(w.patch(0, &w.bytes, &[]).await.status, 204, "sent again: no conflict");
    assert_eq!(code(&w.ask(w.world.addr(), "DELETE", &w.path(), &[], b"").await), "photo_stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_can_do_is_said_without_a_token_and_another_version_is_refused() {
    let w = Waiting::new().await;
    let can = raw(w.world.addr(), "OPTIONS", "/v1/photos", &[], b"").await;
    assert_eq!(can.status, 204);
    assert_eq!(header(&can, "tus-version"), Some("1.0.0"));
    assert_eq!(header(&can, "tus-extension"), Some("creation,creation-with-upload,checksum,expiration,termination"));
    assert_eq!(header(&can, "tus-max-size"), Some("12582912"));
    for version in [vec![], vec![("tus-resumable", "0.2.2")]] {
        let headers = [vec![("authorization", w.token.as_str())], version].concat();
        assert_eq!(raw(w.world.addr(), "HEAD", &w.path(), &headers, b"").await.status, 412);
        assert_eq!(raw(w.world.addr(), "POST", "/v1/photos", &headers, b"").await.status, 412);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_checksum_leaves_the_offset_as_it_was() {
    let w = Waiting::new().await;
    w.create(&w.bytes[..10_000]).await;
    let refused = w.patch(10_000, &w.bytes[10_000..20_000], &[("upload-checksum", &checksum(b"other"))]).await;
    assert_eq!((refused.status, code(&refused), offset(&refused)), (460, "checksum".to_owned(), 10_000));
    assert_eq!(offset(&w.head().await), 10_000);
    let sha1 = "sha1 ".to_owned() + &BASE64.encode(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, b"x").as_ref());
    assert_eq!(w.patch(10_000, &w.bytes[10_000..20_000], &[("upload-checksum", &sha1)]).await.status, 460);
    for unknown in ["md5 AAAA", "sha256", "sha256 !!"] {
        assert_eq!(w.patch(10_000, &w.bytes[10_000..], &[("upload-checksum", unknown)]).await.status, 400, "{unknown}");
    }
    assert_eq!(offset(&w.head().await), 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_offset_is_a_conflict_that_says_where_it_stands_and_the_same_bytes_again_are_none() {
    let w = Waiting::new().await;
    w.create(&w.bytes[..10_000]).await;
    let ahead = w.patch(20_000, &w.bytes[20_000..30_000], &[]).await;
    assert_eq!((ahead.status, offset(&ahead)), (409, 10_000));
    let replayed = w.patch(5_000, &w.bytes[5_000..8_000], &[]).await;
    assert_eq!((replayed.status, offset(&replayed)), (204, 10_000), "they are there");
    let beyond = w.patch(5_000, &w.bytes[5_000..15_000], &[]).await;
    assert_eq!((beyond.status, offset(&beyond)), (204, 15_000), "and what comes after them is new");
    let other = w.patch(5_000, &[0; 3_000], &[]).await;
    assert_eq!((other.status, offset(&other)), (409, 15_000), "other bytes than before");
    assert_eq!(w.patch(15_000, &[&w.bytes[15_000..], b"x"].concat(), &[]).await.status, 413, "more than the entry names");
    assert_eq!(w.patch(15_000, &w.bytes[15_000..], &[]).await.status, 204);
    holds(&w.world, &w.phone, &[&w.photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_are_refused_whole_and_the_upload_begins_anew() {
    let w = Waiting::new().await;
    let mut wrong = w.bytes.clone();
    wrong[w.bytes.len() / 2] ^= 1;
    let refused = w.create(&wrong).await;
    assert_eq!((refused.status, code(&refused)), (460, "photo_hash".to_owned()));
    w.create(&wrong[..200_000]).await;
    assert_eq!(w.patch(200_000, &wrong[200_000..], &[]).await.status, 460, "in pieces too");
    assert_eq!(w.head().await.status, 404);
    assert!(w.world.storage().keys("staging").await.is_empty());
    assert_eq!(w.create(&w.bytes).await.status, 201);
    holds(&w.world, &w.phone, &[&w.photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_off_counts_as_far_as_it_came() {
    let w = Waiting::new().await;
    w.create(b"").await;
    let mut stream = w.hang(w.world.addr(), 0, 100_000).await;
    stream.shutdown().await.unwrap();
    // The connection's end is answered, or just an end: then the server has written down what it had.
    stream.read_to_end(&mut Vec::new()).await.ok();
    assert_eq!(offset(&w.head().await), 100_000);
    let patched = w.patch(100_000, &w.bytes[100_000..], &[]).await;
    assert_eq!(patched.status, 204, "{}", patched.head);
    holds(&w.world, &w.phone, &[&w.photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_request_ends_an_older_one_that_hangs_and_goes_on_after_its_bytes() {
    let w = Waiting::new().await;
    w.create(&w.bytes[..10_000]).await;
    let mut hanging = w.hang(w.world.addr(), 10_000, 90_000).await;
    let mut stands = offset(&w.head().await);
    // The older one may not have been read yet; it is by the time that it has said where it stands.
    while stands == 10_000 {
        hanging = w.hang(w.world.addr(), 10_000, 90_000).await;
        stands = offset(&w.head().await);
    }
    assert!(stands > 10_000 && stands <= 100_000, "{stands}");
    let mut answer = String::new();
    hanging.read_to_string(&mut answer).await.ok();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 409"), "{answer}");
    assert_eq!(w.patch(stands, &w.bytes[stands..], &[]).await.status, 204);
    holds(&w.world, &w.phone, &[&w.photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_uploads_of_one_photo_at_once_give_one_whole_photo() {
    let w = Waiting::new().await;
    let (one, two, three) = tokio::join!(w.create(&w.bytes), w.create(&w.bytes), w.create(&w.bytes));
    let stored = [&one, &two, &three].iter().filter(|a| [200, 201].contains(&a.status)).count();
    assert!(stored >= 1, "{} {} {}", one.status, two.status, three.status);
    assert!([&one, &two, &three].iter().all(|a| [200, 201, 409].contains(&a.status)));
    holds(&w.world, &w.phone, &[&w.photo]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_process_over_the_same_storage_goes_on_and_fences_the_first() {
    let w = Waiting::new().await;
    let other = w.world.another_server().await;
    w.create(&w.bytes[..10_000]).await;
    assert_eq!(w.patch_at(other.addr, 10_000, &w.bytes[10_000..50_000], &[]).await.status, 204);
    // The first server waits for the rest of a body while the second goes on.
    let before = w.fence();
    let mut hanging = w.hang(w.world.addr(), 50_000, 30_000).await;
    while w.fence() == before {
        tokio::task::yield_now().await;
    }
    let stands = offset(&w.ask(other.addr, "HEAD", &w.path(), &[], b"").await);
    assert_eq!(w.patch_at(other.addr, stands, &w.bytes[stands..stands + 10_000], &[]).await.status, 204);
    hanging.write_all(&w.bytes[80_000..]).await.ok();
    let mut answer = String::new();
    hanging.read_to_string(&mut answer).await.ok();
    assert!(!answer.starts_with("HTTP/1.1 204"), "the older can not commit: {answer}");
    let stands = offset(&w.ask(other.addr, "HEAD", &w.path(), &[], b"").await);
    assert!(stands >= 60_000, "never back: {stands}");
    assert_eq!(w.patch_at(other.addr, stands, &w.bytes[stands..], &[]).await.status, 204);
    holds(&w.world, &w.phone, &[&w.photo]).await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_goes_on_with_expires_and_leaves_nothing() {
    let w = Waiting::new().await;
    w.create(&w.bytes[..50_000]).await;
    w.world.hands.advance(7 * 24 * 60 + 1);
    let phone = &w.phone;
    phone.sync().await.unwrap(); // a new token
    let token = phone.bearer();
    let headers = [("authorization", token.as_str()), ("tus-resumable", "1.0.0")];
    let gone = raw(w.world.addr(), "HEAD", &w.path(), &headers, b"").await;
    assert_eq!(gone.status, 410);
    assert_eq!(w.world.scrub(false).await.expired, 1);
    assert!(w.world.storage().keys("staging").await.is_empty());
    assert_eq!(raw(w.world.addr(), "HEAD", &w.path(), &headers, b"").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_upload_is_begun_anew_before_anybody_has_tidied_up() {
    let w = Waiting::new().await;
    w.create(&w.bytes[..50_000]).await;
    w.world.hands.advance(7 * 24 * 60 + 1);
    w.phone.client.set_conditions(doorstep_client::Conditions::default());
    assert_eq!(w.phone.sync().await.unwrap().photos, 1);
    assert_eq!(w.world.storage().photo(&w.photo.id).await.unwrap(), w.bytes);
    assert!(w.world.storage().keys("staging").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_which_storage_has_lost_a_piece_begins_anew() {
    let w = Waiting::new().await;
    w.create(&w.bytes[..50_000]).await;
    w.world.storage().remove_all("staging").await;
    let lost = w.patch(50_000, &w.bytes[50_000..], &[]).await;
    assert_eq!((lost.status, code(&lost)), (404, "upload_unknown".to_owned()));
    assert_eq!(w.create(&w.bytes).await.status, 201);
    w.is_stored().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_is_the_length_means_stored_and_nothing_less() {
    let w = Waiting::new().await;
    let all_but_one = w.bytes.len() - 1;
    w.create(&w.bytes[..all_but_one]).await;
    // The last byte comes while storage fails: it is not written down as a piece.
    w.world.storage().block(&w.photo.id).await;
    if w.world.stores_in_a_folder() {
        assert_eq!(w.patch(all_but_one, &w.bytes[all_but_one..], &[]).await.status, 503);
        assert_eq!(offset(&w.head().await), all_but_one);
    }
    w.world.storage().unblock(&w.photo.id).await;
    assert_eq!(w.patch(all_but_one, &w.bytes[all_but_one..], &[]).await.status, 204);
    assert!(header(&w.head().await, "upload-expires").is_none(), "only what is unfinished expires");
    w.is_stored().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_has_so_many_unfinished_uploads_and_no_more() {
    let w = Waiting::new().await;
    let db = w.world.database();
    let device = w.phone.client.identity().unwrap().unwrap().device;
    for n in 0..64u8 {
        let sql = "INSERT INTO upload (sha, device, received, fence, expires_at) VALUES (?1, ?2, 1, 1, 9223372036854775807)";
        db.execute(sql, rusqlite::params![[n; 32].as_slice(), device.as_bytes().as_slice()]).unwrap();
    }
    assert_eq!(w.create(&w.bytes[..50_000]).await.status, 503);
    assert!(w.world.storage().keys("staging").await.is_empty());
    assert_eq!(w.create(&w.bytes).await.status, 201, "a whole photo needs none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_ended_takes_no_byte_and_the_offset_stays() {
    let w = Waiting::new().await;
    w.create(&w.bytes[..50_000]).await;
    w.world.hands.advance(61);
    assert_eq!(w.patch(50_000, &w.bytes[50_000..], &[]).await.status, 401);
    assert_eq!(w.head().await.status, 401);
    w.phone.sync().await.unwrap();
    let token = w.phone.bearer();
    let headers = [("authorization", token.as_str()), ("tus-resumable", "1.0.0")];
    assert_eq!(offset(&raw(w.world.addr(), "HEAD", &w.path(), &headers, b"").await), 50_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let w = Waiting::new().await;
    w.create(&w.bytes[..50_000]).await;
    assert_eq!(w.world.storage().keys("staging").await.len(), 1);
    assert_eq!(w.ask(w.world.addr(), "DELETE", &w.path(), &[], b"").await.status, 204);
    assert!(w.world.storage().keys("staging").await.is_empty());
    assert_eq!(w.ask(w.world.addr(), "DELETE", &w.path(), &[], b"").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_get_typed_errors_and_change_nothing() {
    let w = Waiting::new().await;
    let len = w.bytes.len().to_string();
    let named = w.named();
    let post =
        async |headers: &[(&str, &str)], body: &[u8]| w.ask(w.world.addr(), "POST", "/v1/photos", headers, body).await.status;
    assert_eq!(post(&[("upload-metadata", &named)], b"").await, 400, "no length");
    assert_eq!(post(&[("upload-length", "7"), ("upload-metadata", &named)], b"").await, 400, "another length");
    assert_eq!(post(&[("upload-length", &len)], b"").await, 400, "no name");
    assert_eq!(post(&[("upload-length", &len), ("upload-metadata", "sha256 !")], b"").await, 400);
    assert_eq!(post(&[("upload-length", &len), ("upload-metadata", &named)], b"body").await, 415, "no kind");
    assert_eq!(w.head().await.status, 404);
    w.create(b"").await;
    assert_eq!(w.ask(w.world.addr(), "PATCH", &w.path(), &[("content-type", CHUNK)], b"x").await.status, 400, "no offset");
    assert_eq!(w.ask(w.world.addr(), "PATCH", &w.path(), &[("upload-offset", "0")], b"x").await.status, 415);
    assert_eq!(
        w.ask(w.world.addr(), "PATCH", "/v1/photos/zz", &[("upload-offset", "0"), ("content-type", CHUNK)], b"x").await.status,
        404
    );
    assert_eq!(offset(&w.head().await), 0);
}
