//! Golden bytes: one file for each message and each signed message; each is also read back. Values that many messages have are in this
//! file, the messages and their tests in a file for each subject.

mod proofs;
mod requests;
mod signed;
mod version2;
mod version3;

use minicbor::{Decode, Encode};

use super::*;

/// The file of that name.
pub(crate) fn file(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.hex"))
}

/// The bytes in the file of that name.
pub(crate) fn bytes_of(name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = text.trim_end();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Compares with the file of that name; `GOLDEN=write` writes it anew.
fn golden(name: &str, bytes: &[u8]) {
    let file = file(name);
    if std::env::var("GOLDEN").is_ok_and(|what| what == "write") {
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        std::fs::write(&file, hex + "\n").unwrap();
    }
    assert_eq!(bytes, bytes_of(name), "{name}");
}

/// The value is written as the file says, and the file is read as the value.
fn message<T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + std::fmt::Debug>(name: &str, value: &T) {
    golden(name, &encode(value).unwrap());
    assert_eq!(decode::<T>(&bytes_of(name)).unwrap(), *value, "{name}");
}

const NOW: i64 = 1_772_413_200_000;

/// The key of RFC 6979, A.2.5. The signatures in the golden files were made with it, and with the nonces of that RFC.
fn key() -> Vec<u8> {
    bytes_of("key")
}

fn device() -> DeviceId {
    DeviceId::of(&key())
}

fn case() -> CaseId {
    "816724b57d84f4bbb40d976fd67143a2".parse().unwrap()
}

fn nonce() -> Vec<u8> {
    [&NOW.to_be_bytes()[..], &[0x5a; 16], &[0xa5; 32]].concat()
}

const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn token() -> Token {
    Token { secret: TOKEN.into(), expires_ms: NOW + 3_600_000 }
}

/// The changes of the pack, as its description names them.
fn changes() -> Vec<ChangeHash> {
    ["15bd58fc82a143893f8a7632e5fc716639489cd263f564b9f6bed7580770d5b8", SECOND].map(|hash| hash.parse().unwrap()).into()
}

const SECOND: &str = "420f1640c11b010d2ed7800576c1fe74e0df6a65c1272cc9c5970268ccc5d09a";

/// The pack without the hash that ends it.
fn bare() -> Vec<u8> {
    let with_head = bytes_of("pack");
    let mut bare = with_head[..with_head.len() - 32].to_vec();
    bare[0] = 2;
    bare
}
