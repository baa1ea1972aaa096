//! Run-length coded columns: the values of all operations in one column, one after the other.
//!
//! A column is a row of runs. A run begins with a signed number n. If n > 0, one value follows, and stands n times. If n < 0, -n
//! values follow that all differ from their neighbours. If n = 0, an unsigned number follows, which counts operations without a
//! value. A column without any value has no bytes.

use crate::leb;

/// A column that ends too early, or has a number or text that does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The values of a column: numbers, or texts with their length before them.
pub(crate) trait Coded<'a>: Copy + PartialEq {
    /// Writes one value.
    fn put(self, out: &mut Vec<u8>);
    /// Reads one value and moves past it.
    fn take(input: &mut &'a [u8]) -> Option<Self>;
}

impl Coded<'_> for u64 {
    fn put(self, out: &mut Vec<u8>) {
        leb::put(out, self);
    }
    fn take(input: &mut &[u8]) -> Option<Self> {
        leb::take(input)
    }
}

impl<'a> Coded<'a> for &'a str {
    fn put(self, out: &mut Vec<u8>) {
        leb::put(out, self.len() as u64);
        out.extend_from_slice(self.as_bytes());
    }
    fn take(input: &mut &'a [u8]) -> Option<Self> {
        let length = leb::take(input)?;
        str::from_utf8(leb::take_bytes(input, length)?).ok()
    }
}

/// Writes a column; `value` gives an operation's value.
pub(crate) fn write<'a, O, T: Coded<'a>>(out: &mut Vec<u8>, operations: &[O], value: impl Fn(&O) -> Option<T>) {
    let singles = |out: &mut Vec<u8>, operations: &[O]| {
        if !operations.is_empty() {
            leb::put_signed(out, -(operations.len() as i64));
            operations.iter().filter_map(&value).for_each(|value| value.put(out));
        }
    };
    // The operations that are not written yet, which begin with so many of single values.
    let (mut waiting, mut count) = (operations, 0);
    for run in operations.chunk_by(|a, b| value(a) == value(b)) {
        let first = run.first().and_then(&value);
        if first.is_some() && run.len() == 1 {
            count += 1;
            continue;
        }
        let (before, rest) = waiting.split_at(count);
        singles(out, before);
        match first {
            Some(value) => {
                leb::put_signed(out, run.len() as i64);
                value.put(out);
            }
            None if run.len() == operations.len() => {}
            None => {
                leb::put_signed(out, 0);
                leb::put(out, run.len() as u64);
            }
        }
        (waiting, count) = (rest.get(run.len()..).unwrap_or_default(), 0);
    }
    singles(out, waiting);
}

/// Reads a column value by value.
pub(crate) struct Runs<'a, T> {
    input: &'a [u8],
    /// Operations that the current run still has.
    left: u64,
    /// The value of each of them; `None` in a run of different ones.
    same: Option<Option<T>>,
}

impl<'a, T: Coded<'a>> Runs<'a, T> {
    /// The column of these bytes.
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { input, left: 0, same: None }
    }

    /// The next operation's value. An operation past the end of the column has none, as in Automerge.
    pub(crate) fn next(&mut self) -> Result<Option<T>, Malformed> {
        self.try_next().ok_or(Malformed)
    }

    fn try_next(&mut self) -> Option<Option<T>> {
        while self.left == 0 {
            if self.input.is_empty() {
                return Some(None);
            }
            let length = leb::take_signed(&mut self.input)?;
            (self.left, self.same) = match length {
                0 => (leb::take(&mut self.input)?, Some(None)),
                1.. => (length.unsigned_abs(), Some(Some(T::take(&mut self.input)?))),
                _ => (length.unsigned_abs(), None),
            };
        }
        self.left -= 1;
        self.same.or_else(|| T::take(&mut self.input).map(Some))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(values: &[Option<u64>]) -> Vec<u8> {
        let mut out = vec![];
        write(&mut out, values, |value| *value);
        out
    }

    #[test]
    fn a_column_is_written_in_the_fewest_runs() {
        for (values, bytes) in [
            (&[][..], &[][..]),
            (&[None, None], &[]),
            (&[Some(7)], &[0x7f, 7]),
            (&[Some(7), Some(7)], &[2, 7]),
            (&[None, Some(7), Some(7), None], &[0, 1, 2, 7, 0, 1]),
            (&[Some(1), Some(2), Some(2), Some(3), Some(4)], &[0x7f, 1, 2, 2, 0x7e, 3, 4]),
            (&[Some(1), Some(2), None, Some(3)], &[0x7e, 1, 2, 0, 1, 0x7f, 3]),
        ] {
            assert_eq!(written(values), bytes, "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn a_column_reads_as_it_was_written(values in proptest::collection::vec(proptest::option::of(0u64..3), 0..40)) {
            let bytes = written(&values);
            let mut runs = Runs::<u64>::new(&bytes);
            for value in &values {
                prop_assert_eq!(runs.next(), Ok(*value));
            }
            prop_assert_eq!(runs.next(), Ok(None), "there is no more");
        }
    }

    #[test]
    fn a_column_that_ends_in_a_run_is_malformed() {
        for bytes in [&[2][..], &[0x7f], &[0], &[0x80]] {
            assert_eq!(Runs::<u64>::new(bytes).next(), Err(Malformed), "{bytes:?}");
        }
        assert_eq!(Runs::<u64>::new(&[0, 0]).next(), Ok(None), "an empty run is no value");
    }
}
