//! Streams of numbers and bytes.

use super::super::PackError;
use crate::leb;

/// Writes a difference.
pub(super) fn put_difference(out: &mut Vec<u8>, value: u64, before: u64) {
    let difference = value.wrapping_sub(before).cast_signed();
    leb::put(out, ((difference << 1) ^ (difference >> 63)).cast_unsigned());
}

/// A stream that is being read.
#[derive(Clone, Copy, Default)]
pub(super) struct Stream<'a>(pub &'a [u8]);

impl<'a> Stream<'a> {
    pub fn number(&mut self) -> Result<u64, PackError> {
        leb::take(&mut self.0).ok_or(PackError::Malformed)
    }

    /// A number that is at most `most`, else the pack is malformed.
    pub fn count(&mut self, most: usize) -> Result<usize, PackError> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= most).ok_or(PackError::Malformed)
    }

    /// The value whose difference to `before` comes next.
    pub fn difference(&mut self, before: u64) -> Result<u64, PackError> {
        let number = self.number()?;
        Ok(before.wrapping_add((number >> 1) ^ (number & 1).wrapping_neg()))
    }

    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], PackError> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(PackError::Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], PackError> {
        let (bytes, rest) = self.0.split_first_chunk::<N>().ok_or(PackError::Malformed)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub fn byte(&mut self) -> Result<u8, PackError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Bytes with their length before them.
    pub fn text(&mut self) -> Result<&'a [u8], PackError> {
        let length = self.count(self.0.len())?;
        self.bytes(length)
    }
}

/// The values used last, the newest at the end.
pub(super) struct Recent<T>(Vec<T>);

impl<T: Copy> Recent<T> {
    /// The number of values that it remembers. A place has one byte.
    const MOST: usize = 32;

    pub fn new() -> Self {
        Self(Vec::with_capacity(Self::MOST))
    }

    /// The place of a value: k for the k-th last, which becomes the newest; 0 if it is not remembered.
    pub fn place(&mut self, is_it: impl Fn(&T) -> bool) -> u8 {
        let Some(at) = self.0.iter().rposition(is_it) else { return 0 };
        let place = self.0.len() - at;
        let value = self.0.remove(at);
        self.0.push(value);
        place as u8
    }

    /// The value at a place from 1. It becomes the newest.
    pub fn at(&mut self, place: u8) -> Result<T, PackError> {
        let at = self.0.len().checked_sub(usize::from(place)).ok_or(PackError::Malformed)?;
        if at == self.0.len() {
            return Err(PackError::Malformed);
        }
        let value = self.0.remove(at);
        self.0.push(value);
        Ok(value)
    }

    pub fn add(&mut self, value: T) {
        if self.0.len() == Self::MOST {
            self.0.remove(0);
        }
        self.0.push(value);
    }

    /// The newest value.
    pub fn newest(&mut self) -> Option<&mut T> {
        self.0.last_mut()
    }
}
