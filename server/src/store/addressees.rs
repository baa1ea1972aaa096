//! The recipients in head office's list of parcels.

use doorstep_domain::{Personal, UnixMs, Waybill};

use super::tx::{Row, StoreError, Tx, params, sql};

/// A recipient in the list. A value is `None` if the column has none that can be read.
pub(crate) struct Listed {
    pub name: Option<Personal>,
    pub phone: Option<Personal>,
    pub virtual_phone: Option<Personal>,
    /// When the virtual number ends.
    pub virtual_until: Option<UnixMs>,
}

/// The recipient of a parcel; `None` if it is on no list.
pub(crate) fn of(tx: &Tx<'_>, waybill: &Waybill) -> Result<Option<Listed>, StoreError> {
    tx.maybe(
        sql!("SELECT recipient_name, recipient_phone, virtual_phone, virtual_until_ms FROM parcel WHERE waybill = ?1"),
        params![waybill],
        |row| {
            Ok(Listed {
                name: personal(row, 0)?,
                phone: personal(row, 1)?,
                virtual_phone: personal(row, 2)?,
                virtual_until: row.get(3)?,
            })
        },
    )
}

/// The numbers of a row of the list.
pub(crate) struct NumbersOf {
    pub waybill: Waybill,
    /// The label's number.
    pub phone: Option<Personal>,
    pub virtual_phone: Option<Personal>,
}

/// The numbers of each row of the list.
pub(crate) fn numbers(tx: &Tx<'_>) -> Result<Vec<NumbersOf>, StoreError> {
    tx.all(sql!("SELECT waybill, recipient_phone, virtual_phone FROM parcel ORDER BY waybill"), params![], |row| {
        Ok(NumbersOf { waybill: row.get(0)?, phone: personal(row, 1)?, virtual_phone: personal(row, 2)? })
    })
}

fn personal(row: &Row<'_>, at: usize) -> Result<Option<Personal>, StoreError> {
    Ok(Personal::from_bytes(&row.get::<Vec<u8>>(at)?).ok())
}
