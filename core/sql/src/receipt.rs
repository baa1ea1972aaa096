//! A receipt as seven columns.

use doorstep_domain::{Receipt, ReceiptParts};

use crate::{Row, ToValue, Value, ValueError};

/// Number of columns of a receipt.
pub const WIDTH: usize = 7;

/// The columns of a receipt, in the order of [`values`] and [`read`]: a literal for `concat!`.
#[macro_export]
macro_rules! receipt_columns {
    () => {
        "received_at, acted_at, slack_ms, from_ms, until_ms, marks, unproven"
    };
}

/// The values of a receipt's columns.
pub fn values(receipt: &Receipt) -> Result<[Value<'static>; WIDTH], ValueError> {
    let ReceiptParts { received_at, acted_at, slack_ms, from, until, marks, unproven_acts } = receipt.parts();
    Ok([
        received_at.to_value()?.into_owned(),
        acted_at.to_value()?.into_owned(),
        slack_ms.to_value()?.into_owned(),
        from.to_value()?.into_owned(),
        until.to_value()?.into_owned(),
        marks.to_value()?.into_owned(),
        unproven_acts.to_value()?.into_owned(),
    ])
}

/// Reads a receipt from the columns that begin at `from`.
pub fn read(row: &impl Row, from: usize) -> Result<Receipt, ValueError> {
    Ok(Receipt::from_parts(ReceiptParts {
        received_at: row.get(from)?,
        acted_at: row.get(from + 1)?,
        slack_ms: row.get(from + 2)?,
        from: row.get(from + 3)?,
        until: row.get(from + 4)?,
        marks: row.get(from + 5)?,
        unproven_acts: row.get(from + 6)?,
    }))
}

#[cfg(test)]
mod tests {
    use doorstep_domain::{FactsCheck, Reckoning, UnixMs};

    use super::*;

    struct Values(Vec<Value<'static>>);
    impl Row for Values {
        fn value(&self, at: usize) -> Result<Value<'_>, ValueError> {
            self.0.get(at).cloned().ok_or(ValueError::Missing(at))
        }
    }

    #[test]
    fn a_receipt_is_read_as_it_was_stored() {
        let acted = Reckoning {
            at: Some(UnixMs(5)),
            slack_ms: 3,
            from: None,
            until: Some(UnixMs(9)),
            disordered: true,
            ..Reckoning::default()
        };
        let receipt = Receipt {
            unproven_acts: 12,
            in_contact: true,
            crowded: true,
            too_fast: true,
            ..Receipt::new(UnixMs(10), acted, true, FactsCheck::Altered)
        };
        let mut row = vec![Value::Null];
        row.extend(values(&receipt).unwrap());
        assert_eq!(receipt_columns!().split(", ").count(), WIDTH);
        assert_eq!(read(&Values(row.clone()), 1).unwrap(), receipt);
        assert_eq!(read(&Values(row), 2), Err(ValueError::Kind { wanted: "a number", found: "nothing" }));
    }
}
