//! What phones write behind a picture: a film (Google's motion photos) or a list of blocks (Samsung). It is found by its own marks,
//! so that a picture without its end mark ends before it.

/// Longest first box of a film. It has a brand and a list of compatible ones.
const MAX_FILE_TYPE: u32 = 256;
/// Most blocks in Samsung's list.
const MAX_BLOCKS: usize = 256;

/// A file without the trailer behind its picture, whose pixels begin at `pixels`.
pub(crate) fn without(bytes: &[u8], pixels: usize) -> &[u8] {
    let film = bytes.get(pixels..).and_then(film).map(|at| pixels + at);
    let samsung = samsung(bytes).filter(|at| *at >= pixels);
    let end = [samsung, film].into_iter().flatten().min().unwrap_or(bytes.len());
    bytes.split_at_checked(end).map_or(bytes, |(picture, _)| picture)
}

/// Where Samsung's blocks begin. The file ends with a list of the blocks, the list's length and `SEFT`. Each block is named with its
/// distance from the list.
fn samsung(bytes: &[u8]) -> Option<usize> {
    let (rest, len) = bytes.strip_suffix(b"SEFT")?.split_last_chunk::<4>()?;
    let at = rest.len().checked_sub(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
    // The list: its mark, a version, the number of blocks, and twelve bytes for each block.
    let blocks = rest.get(at..)?.strip_prefix(b"SEFH")?.get(8..)?;
    let (blocks, _) = blocks.as_chunks::<12>();
    let distances = blocks.iter().take(MAX_BLOCKS).map(|&[_, _, _, _, a, b, c, d, ..]| u32::from_le_bytes([a, b, c, d]));
    at.checked_sub(usize::try_from(distances.max().unwrap_or(0)).ok()?)
}

/// Where a film begins: a first box of a plausible length with a brand in letters and digits. Pixels do not look so by chance.
fn film(bytes: &[u8]) -> Option<usize> {
    let is_film = |head: &[u8]| match *head {
        [a, b, c, d, b'f', b't', b'y', b'p', ref brand @ ..] => {
            let len = u32::from_be_bytes([a, b, c, d]);
            let printable = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b' ';
            (16..=MAX_FILE_TYPE).contains(&len) && len.is_multiple_of(4) && brand.iter().all(printable)
        }
        _ => false,
    };
    bytes.windows(12).position(is_film)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailer_is_known_by_its_marks_and_by_nothing_less() {
        let film = b"pixels\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
        assert_eq!(without(film, 3), b"pixels");
        assert_eq!(without(b"pixels\0\0\0\x17ftypmp42", 3), b"pixels\0\0\0\x17ftypmp42");
        assert_eq!(without(b"pixels about ftypes", 3), b"pixels about ftypes");
        let samsung = |distance: u8, len: u8| {
            [&b"pixelsblock"[..], b"SEFH\x6b\0\0\0\x01\0\0\0\0\0\0\0", &[distance, 0, 0, 0, 5, 0, 0, 0, len], b"\0\0\0SEFT"]
                .concat()
        };
        assert_eq!(without(&samsung(5, 24), 3), b"pixels");
        for broken in [samsung(9, 24), samsung(200, 24), samsung(5, 23), samsung(5, 200)] {
            assert_eq!(without(&broken, 3), broken);
        }
    }
}
