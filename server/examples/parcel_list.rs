//! Writes a list of many parcels as CSV, to measure an import: `parcel_list NUMBER OUTLETS COURIERS > FILE`.
//!
//! Outlets are `O1`, `O2`, ..., couriers `c1`, `c2`, ...; head office has to know them.

use std::io::{BufWriter, Write, stdout};

fn main() -> std::io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<u64>().unwrap_or(1).max(1));
    let mut number = |default| numbers.next().unwrap_or(default);
    let (rows, outlets, couriers) = (number(200_000), number(1), number(1));
    let mut out = BufWriter::new(stdout().lock());
    writeln!(
        out,
        "waybill,network,origin_outlet,delivering_outlet,courier,recipient_name,recipient_phone,recipient_address,cod_fen,theoretical_arrival"
    )?;
    for n in 1..=rows {
        let (origin, delivering, courier) = (n % outlets + 1, n / 7 % outlets + 1, n % couriers + 1);
        writeln!(
            out,
            "QH32{n:010},QH,O{origin},O{delivering},c{courier},王小花{n},138{:08},\"青禾市城西区青苗街{n}号, 听雨小区10幢\",{},2026-03-02 06:50",
            n % 100_000_000,
            n % 5 * 100
        )?;
    }
    out.flush()
}
