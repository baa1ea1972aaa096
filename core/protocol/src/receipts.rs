//! The wire form of verdicts and receipts: rows of differences, which compress to almost nothing.
//!
//! `acted_at` is sent as the offset between the server's clock and the device's monotonic clock, which is the same for every act
//! of one boot. The receiver adds the act's own monotonic time, which is in the entry.

use doorstep_domain::{MARKS_OF_VERSION_2, Receipt, ReceiptParts, RefusalCode, UnixMs};
use minicbor::{Decode, Encode};

/// The server's verdict on one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted.
    Ok(Receipt),
    /// Already in the log; its first receipt.
    Dup(Receipt),
    /// A change that it depends on has not arrived; it stays in the outbox.
    Pend,
    /// Refused and kept; the reason.
    Quarantined(RefusalCode),
}

/// One row: verdict code, then receipt times as differences from the previous row. Version 2 ends with `slack`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ReceiptRow {
    /// 0 ok, 1 dup, 2 pend, 3 quarantined.
    #[n(0)]
    pub code: u8,
    /// Receipt time minus the previous row's, milliseconds.
    #[n(1)]
    pub received: i64,
    /// Clock offset minus the previous row's, milliseconds; null if the act's time is not known.
    #[n(2)]
    pub offset: Option<i64>,
    /// The bits of [`Receipt::marks`]; absent if none.
    #[n(3)]
    pub marks: Option<u16>,
    /// Half the width of the act's estimate, milliseconds; absent if zero.
    #[n(4)]
    pub slack: Option<u32>,
    /// The lower end of the gap minus the previous row's, milliseconds; null if unknown.
    #[n(5)]
    pub from: Option<i64>,
    /// How long before its receipt the gap ends, milliseconds; absent if zero.
    #[n(6)]
    pub before: Option<i64>,
    /// Acts of the person whose time is not proven; absent if zero.
    #[n(7)]
    pub unproven: Option<u16>,
}

impl ReceiptRow {
    /// The row in the form of version 2.
    pub fn in_version_2(self) -> Self {
        let marks = self.marks.map(|marks| marks & MARKS_OF_VERSION_2).filter(|marks| *marks != 0);
        Self { marks, from: None, before: None, unproven: None, ..self }
    }

    /// A row of a verdict without a receipt.
    fn without(code: u8) -> Self {
        Self { code, received: 0, offset: None, marks: None, slack: None, from: None, before: None, unproven: None }
    }
}

#[derive(Default)]
struct Deltas {
    received: i64,
    offset: i64,
    from: i64,
    spoken: Spoken,
}

/// The protocol version whose rows are written. Every version reads both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spoken {
    /// Rows of five values with three marks.
    Version2,
    /// Rows with all values and marks.
    #[default]
    Version3,
}

impl Deltas {
    fn pack(&mut self, code: u8, receipt: Receipt, mono_ms: u64) -> ReceiptRow {
        let parts = receipt.parts();
        let received = parts.received_at.0.saturating_sub(self.received);
        self.received = parts.received_at.0;
        let offset = parts.acted_at.map(|acted| {
            let offset = acted.0.saturating_sub(mono_ms as i64);
            let delta = offset.saturating_sub(self.offset);
            self.offset = offset;
            delta
        });
        let slack = (parts.slack_ms != 0).then_some(parts.slack_ms);
        let some = |marks: u16| (marks != 0).then_some(marks);
        if self.spoken == Spoken::Version2 {
            let marks = some(parts.marks & MARKS_OF_VERSION_2);
            return ReceiptRow { received, offset, marks, slack, ..ReceiptRow::without(code) };
        }
        let from = parts.from.map(|from| {
            let delta = from.0.saturating_sub(self.from);
            self.from = from.0;
            delta
        });
        let before = parts.until.map(|until| parts.received_at.since(until)).filter(|before| *before != 0);
        let unproven = some(parts.unproven_acts);
        ReceiptRow { code, received, offset, marks: some(parts.marks), slack, from, before, unproven }
    }

    fn unpack(&mut self, row: &ReceiptRow, mono_ms: u64) -> Receipt {
        self.received = self.received.saturating_add(row.received);
        let received_at = UnixMs(self.received);
        let acted_at = row.offset.map(|delta| {
            self.offset = self.offset.saturating_add(delta);
            UnixMs(self.offset.saturating_add(mono_ms as i64))
        });
        let from = row.from.map(|delta| {
            self.from = self.from.saturating_add(delta);
            UnixMs(self.from)
        });
        Receipt::from_parts(ReceiptParts {
            received_at,
            acted_at,
            slack_ms: row.slack.unwrap_or(0),
            from,
            until: from.map(|_| received_at.plus(row.before.unwrap_or(0).saturating_neg())),
            marks: row.marks.unwrap_or(0),
            unproven_acts: row.unproven.unwrap_or(0),
        })
    }
}

/// Packs verdicts with the monotonic time of each change's act. Returns the rows and the reasons of quarantined ones by index.
pub fn pack_verdicts(base: UnixMs, verdicts: &[(Verdict, u64)], spoken: Spoken) -> (Vec<ReceiptRow>, Vec<(u32, RefusalCode)>) {
    let mut deltas = Deltas { received: base.0, spoken, ..Deltas::default() };
    let mut quarantined = Vec::new();
    let rows = verdicts.iter().enumerate().map(|(i, (verdict, mono_ms))| match verdict {
        Verdict::Ok(receipt) => deltas.pack(0, *receipt, *mono_ms),
        Verdict::Dup(receipt) => deltas.pack(1, *receipt, *mono_ms),
        Verdict::Pend => ReceiptRow::without(2),
        Verdict::Quarantined(code) => {
            quarantined.push((i as u32, code.clone()));
            ReceiptRow::without(3)
        }
    });
    (rows.collect(), quarantined)
}

/// The inverse of [`pack_verdicts`]: one verdict for each monotonic time given. A missing row or an unknown code counts as
/// pending, so the change stays in the outbox.
pub fn unpack_verdicts(base: UnixMs, rows: &[ReceiptRow], quarantined: &[(u32, RefusalCode)], monos: &[u64]) -> Vec<Verdict> {
    let mut deltas = Deltas { received: base.0, ..Deltas::default() };
    let mut verdicts: Vec<Verdict> = rows
        .iter()
        .zip(monos)
        .enumerate()
        .map(|(i, (row, mono_ms))| match row.code {
            0 => Verdict::Ok(deltas.unpack(row, *mono_ms)),
            1 => Verdict::Dup(deltas.unpack(row, *mono_ms)),
            3 => {
                let reason = quarantined.iter().find(|(at, _)| *at as usize == i).map(|(_, code)| code.clone());
                Verdict::Quarantined(reason.unwrap_or_else(|| "".into()))
            }
            _ => Verdict::Pend,
        })
        .collect();
    verdicts.resize(monos.len(), Verdict::Pend);
    verdicts
}

/// Packs the receipts of a feed, with the monotonic time of each change's act.
pub fn pack_receipts(receipts: &[(Receipt, u64)], spoken: Spoken) -> Vec<ReceiptRow> {
    let mut deltas = Deltas { spoken, ..Deltas::default() };
    receipts.iter().map(|(receipt, mono_ms)| deltas.pack(0, *receipt, *mono_ms)).collect()
}

/// The inverse of [`pack_receipts`]; `None` if there are not as many rows as changes.
pub fn unpack_receipts(rows: &[ReceiptRow], monos: &[u64]) -> Option<Vec<Receipt>> {
    let mut deltas = Deltas::default();
    (rows.len() == monos.len()).then(|| rows.iter().zip(monos).map(|(row, mono)| deltas.unpack(row, *mono)).collect())
}
