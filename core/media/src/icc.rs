//! Colour profiles. A profile is kept only if colours would change without it.

/// Longest profile kept, in bytes. A phone's Display P3 has 548, Adobe RGB 560.
const MAX_PROFILE: usize = 4 * 1024;

/// A profile from the parts in a JPEG's segments, each with its number and their count in front. `None` unless all are there.
pub(crate) fn joined(parts: &[&[u8]]) -> Option<Vec<u8>> {
    let mut numbered = parts.iter().map(|part| part.split_first_chunk::<2>()).collect::<Option<Vec<_>>>()?;
    numbered.sort_by_key(|([number, _], _)| *number);
    let whole = numbered
        .iter()
        .zip(1usize..)
        .all(|(([number, count], _), place)| usize::from(*number) == place && usize::from(*count) == numbered.len());
    (whole && !parts.is_empty()).then(|| numbered.iter().flat_map(|(_, part)| part.iter().copied()).collect())
}

/// Whether pixels decoded to RGB look wrong without this profile: it is an RGB profile other than sRGB. Programs treat pixels
/// without a profile as sRGB.
pub(crate) fn is_needed(profile: &[u8]) -> bool {
    let signature = |at: usize| profile.get(at..at + 4);
    let named_srgb = |name: &[u8]| profile.windows(name.len()).any(|part| part == name);
    profile.len() <= MAX_PROFILE
        && signature(16) == Some(b"RGB ")
        && signature(36) == Some(b"acsp")
        && !named_srgb(b"sRGB")
        && !named_srgb(b"s\0R\0G\0B")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(space: &[u8], name: &[u8], len: usize) -> Vec<u8> {
        let mut profile = [&[0; 16][..], space, &[0; 16], b"acsp", &[0; 90], name].concat();
        profile.resize(len, 0);
        profile
    }

    #[test]
    fn a_profile_is_kept_only_where_colours_need_it() {
        assert!(is_needed(&profile(b"RGB ", b"Display P3", 548)));
        assert!(!is_needed(&profile(b"RGB ", b"sRGB IEC61966-2.1", 3144)));
        assert!(!is_needed(&profile(b"RGB ", b"\0s\0R\0G\0B\0 \0v\x004", 3144)));
        assert!(!is_needed(&profile(b"CMYK", b"FOGRA39", 548)));
        assert!(!is_needed(&profile(b"RGB ", b"Display P3", MAX_PROFILE + 1)));
        assert!(!is_needed(b"RGB "));
    }

    #[test]
    fn a_profile_is_joined_only_of_all_its_parts() {
        assert_eq!(joined(&[b"\x02\x02cd", b"\x01\x02ab"]), Some(b"abcd".to_vec()));
        assert_eq!(joined(&[b"\x01\x02ab"]), None);
        assert_eq!(joined(&[b"\x01\x02ab", b"\x01\x02ab"]), None);
        assert_eq!(joined(&[b"\x01"]), None);
        assert_eq!(joined(&[]), None);
    }
}
