//! The parcels of head office's list, and on whose list each ever was.

use doorstep_domain::{OutletCode, UserId};
use doorstep_protocol::ParcelRow;

use super::tx::{Row, StoreError, Tx, params, sql};

/// The columns of a parcel, in the order of [`read`].
macro_rules! parcel_columns {
    () => {
        "parcel.waybill, parcel.network, parcel.origin_outlet, parcel.delivering_outlet, parcel.courier, parcel.recipient_name,
         parcel.recipient_phone, parcel.recipient_address, parcel.cod_fen, parcel.arrival_ms, parcel.hub, parcel.entered_ms,
         parcel.children, parcel.virtual_phone, parcel.virtual_until_ms"
    };
}

fn read(row: &Row<'_>) -> Result<ParcelRow, StoreError> {
    let children: String = row.get(12)?;
    let children: Vec<String> = children.split_whitespace().map(str::to_owned).collect();
    Ok(ParcelRow {
        waybill: row.get(0)?,
        network: row.get(1)?,
        origin_outlet: row.get(2)?,
        delivering_outlet: row.get(3)?,
        courier: row.get(4)?,
        recipient_name: row.get(5)?,
        recipient_phone: row.get(6)?,
        recipient_address: row.get(7)?,
        cod_fen: row.get(8)?,
        theoretical_arrival_ms: row.get(9)?,
        hub: row.get(10)?,
        entered_ms: row.get(11)?,
        children: Some(children).filter(|children| !children.is_empty()),
        virtual_phone: row.get(13)?,
        virtual_until_ms: row.get(14)?,
    })
}

/// What the list says of a parcel now; `None`: it is not on it.
pub(crate) fn of_waybill(tx: &Tx<'_>, waybill: &str) -> Result<Option<ParcelRow>, StoreError> {
    tx.maybe(sql!("SELECT ", parcel_columns!(), " FROM parcel WHERE parcel.waybill = ?1"), params![waybill], read)
}

/// The parcels that a courier is concerned with while they are open: on their list and not handed over to another, or taken over, or
/// offered to them (C-23).
pub(crate) fn of_courier(tx: &Tx<'_>, courier: &str) -> Result<Vec<ParcelRow>, StoreError> {
    tx.all(
        sql!(
            "SELECT ",
            parcel_columns!(),
            " FROM parcel WHERE parcel.courier = ?1 AND NOT EXISTS (SELECT 1 FROM doc
                WHERE doc.waybill = parcel.waybill AND (doc.closed = 1 OR doc.courier <> ?1))
              UNION SELECT ",
            parcel_columns!(),
            " FROM doc JOIN parcel ON parcel.waybill = doc.waybill
              WHERE (doc.courier = ?1 OR doc.offered_to = ?1) AND doc.closed = 0
              ORDER BY 1"
        ),
        params![courier],
        read,
    )
}

/// The parcels that a hub handles on their way.
pub(crate) fn of_hub(tx: &Tx<'_>, hub: &str) -> Result<Vec<ParcelRow>, StoreError> {
    tx.all(sql!("SELECT ", parcel_columns!(), " FROM parcel WHERE parcel.hub = ?1 ORDER BY parcel.waybill"), params![hub], read)
}

/// The parcels that an outlet delivers.
pub(crate) fn of_outlet(tx: &Tx<'_>, outlet: &str) -> Result<Vec<ParcelRow>, StoreError> {
    tx.all(
        sql!("SELECT ", parcel_columns!(), " FROM parcel WHERE parcel.delivering_outlet = ?1 ORDER BY parcel.waybill"),
        params![outlet],
        read,
    )
}

/// Who a parcel's row names.
pub(crate) struct Named {
    pub delivering: OutletCode,
    pub origin: OutletCode,
    pub hub: Option<OutletCode>,
    pub courier: Option<UserId>,
}

/// Who a parcel's row names; `None`: it is not on the list.
pub(crate) fn named(tx: &Tx<'_>, waybill: &str) -> Result<Option<Named>, StoreError> {
    tx.maybe(
        sql!("SELECT delivering_outlet, origin_outlet, hub, courier FROM parcel WHERE waybill = ?1"),
        params![waybill],
        |row| Ok(Named { delivering: row.get(0)?, origin: row.get(1)?, hub: row.get(2)?, courier: row.get(3)? }),
    )
}

/// The couriers on whose list a parcel ever was.
pub(crate) fn assigned(tx: &Tx<'_>, waybill: &str) -> Result<Vec<UserId>, StoreError> {
    tx.all(sql!("SELECT courier FROM assigned WHERE waybill = ?1 ORDER BY courier"), params![waybill], |row| row.get(0))
}
