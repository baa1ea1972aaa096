//! LEB128 numbers in their shortest form, which is the only one that Automerge writes. A longer form is refused.

/// Writes an unsigned number.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes a signed number.
pub(crate) fn put_signed(out: &mut Vec<u8>, mut value: i64) {
    // Six bits and the sign are left for the last byte.
    while !(-0x40..0x40).contains(&value) {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8 & 0x7f);
}

/// Reads an unsigned number and moves past it; `None` if it ends early, is too large, or has a shorter form.
#[inline]
pub(crate) fn take(input: &mut &[u8]) -> Option<u64> {
    // Nearly all numbers have one byte.
    if let [byte @ ..0x80, rest @ ..] = *input {
        *input = rest;
        return Some(u64::from(*byte));
    }
    take_long(input)
}

fn take_long(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            // The tenth byte has room for one bit.
            let fits = shift < 63 || byte == 1;
            let is_longer = shift > 0 && byte == 0;
            return (fits && !is_longer).then_some(value);
        }
    }
    None
}

/// Reads a signed number and moves past it; `None` as for [`take`].
#[inline]
pub(crate) fn take_signed(input: &mut &[u8]) -> Option<i64> {
    if let [byte @ ..0x80, rest @ ..] = *input {
        *input = rest;
        // The seventh bit is the sign.
        return Some(i64::from((byte << 1).cast_signed() >> 1));
    }
    take_signed_long(input)
}

fn take_signed_long(input: &mut &[u8]) -> Option<i64> {
    let (mut value, mut before) = (0, 0);
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        value |= i64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            if shift < 57 && byte & 0x40 != 0 {
                value |= -1 << (shift + 7);
            }
            // The tenth byte only repeats the sign.
            let fits = shift < 63 || byte == 0 || byte == 0x7f;
            let is_longer = shift > 0 && matches!((byte, before & 0x40), (0, 0) | (0x7f, 0x40));
            return (fits && !is_longer).then_some(value);
        }
        before = byte;
    }
    None
}

/// Splits off so many bytes and moves past them; `None` if there are fewer.
pub(crate) fn take_bytes<'a>(input: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (bytes, rest) = input.split_at_checked(usize::try_from(length).ok()?)?;
    *input = rest;
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_has_one_spelling(value in any::<u64>(), shift in 0u32..64) {
            let (unsigned, signed) = (value >> shift, value.cast_signed() >> shift);
            let (mut bytes, mut signed_bytes) = (vec![], vec![]);
            put(&mut bytes, unsigned);
            put_signed(&mut signed_bytes, signed);
            prop_assert_eq!((take(&mut bytes.as_slice()), take_signed(&mut signed_bytes.as_slice())), (Some(unsigned), Some(signed)));
            // The same number with a byte more that says nothing.
            *bytes.last_mut().unwrap() |= 0x80;
            bytes.push(0);
            *signed_bytes.last_mut().unwrap() |= 0x80;
            signed_bytes.push(if signed < 0 { 0x7f } else { 0 });
            prop_assert_eq!((take(&mut bytes.as_slice()), take_signed(&mut signed_bytes.as_slice())), (None, None));
        }

        #[test]
        fn what_reads_is_what_would_be_written(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let (mut rest, mut signed_rest) = (bytes.as_slice(), bytes.as_slice());
            let (mut again, mut signed_again) = (vec![], vec![]);
            if let Some(value) = take(&mut rest) {
                put(&mut again, value);
                prop_assert_eq!(&again, &bytes[..bytes.len() - rest.len()]);
            }
            if let Some(value) = take_signed(&mut signed_rest) {
                put_signed(&mut signed_again, value);
                prop_assert_eq!(&signed_again, &bytes[..bytes.len() - signed_rest.len()]);
            }
        }
    }

    #[test]
    fn the_greatest_and_smallest_numbers_read_and_no_greater_one_does() {
        for value in [i64::MIN, i64::MIN + 1, -65, -64, -1, 0, 63, 64, i64::MAX] {
            let mut bytes = vec![];
            put_signed(&mut bytes, value);
            assert_eq!(take_signed(&mut bytes.as_slice()), Some(value), "{value}");
        }
        let ten = |last: u8| [[0xff; 9].as_slice(), &[last]].concat();
        assert_eq!(take(&mut ten(1).as_slice()), Some(u64::MAX));
        assert_eq!(take(&mut ten(2).as_slice()), None);
        assert_eq!(take(&mut [0xff; 11].as_slice()), None);
        assert_eq!(take_signed(&mut ten(0).as_slice()), Some(i64::MAX));
        assert_eq!((take_signed(&mut ten(1).as_slice()), take_signed(&mut ten(0x7e).as_slice())), (None, None));
    }
}
