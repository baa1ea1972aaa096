//! The rows of parcels on the device: how a row of the wire is stored, and how a stored one is read.

use doorstep_domain::{Day, Details, Fen, Freight, FreightKind, Parcel, Personal, VirtualNumber, Waybill};
use doorstep_protocol::{DetailsRow, ParcelRow};
use rusqlite::Connection;

use crate::{
    StoreError,
    row::{Row, Statements, params},
};

/// Writes a row of the list, replacing the one before.
pub(crate) fn insert(db: &Connection, row: &ParcelRow) -> Result<(), StoreError> {
    let nothing = DetailsRow::default();
    let details = row.details.as_ref().unwrap_or(&nothing);
    // A word that a newer version has added says nothing here.
    let freight = details.freight.as_deref().and_then(FreightKind::from_word);
    let day = details.day.and_then(Day::new);
    let receipt_no = details.receipt_no.as_deref().and_then(|number| Waybill::parse(number).ok());
    db.run(
        "INSERT OR REPLACE INTO parcel (waybill, network, origin_outlet, delivering_outlet, courier, recipient_name,
           recipient_phone, recipient_address, cod_fen, arrival_ms, hub, entered_ms, children, virtual_phone, virtual_until_ms,
           sender_name, sender_phone, freight, freight_fen, receipt_no, label_grams, pieces, goods, declared_fen, list_day, run,
           expires_ms, courier_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25,
           ?26, ?27, ?28)",
        params![
            row.waybill,
            row.network,
            row.origin_outlet,
            row.delivering_outlet,
            row.courier,
            row.recipient_name,
            row.recipient_phone,
            row.recipient_address,
            row.cod_fen,
            row.theoretical_arrival_ms,
            row.hub,
            row.entered_ms,
            row.children.as_deref().unwrap_or_default().join(" "),
            row.virtual_phone,
            row.virtual_until_ms,
            details.sender_name,
            details.sender_phone,
            freight,
            details.freight_fen.filter(|_| freight.is_some()),
            receipt_no,
            details.label_grams,
            details.pieces,
            details.goods,
            details.declared_fen,
            day,
            details.run,
            details.expires_ms,
            details.courier_ms
        ],
    )?;
    Ok(())
}

/// The row of a parcel; `None` if it is on no list here.
pub(crate) fn get(db: &Connection, waybill: &Waybill) -> Result<Option<Parcel>, StoreError> {
    db.maybe("parcel", "SELECT * FROM parcel WHERE waybill = ?1", params![waybill], read)
}

/// Reads a row of `SELECT * FROM parcel`.
pub(crate) fn read(row: &Row<'_>) -> Result<Parcel, StoreError> {
    // A personal value that the row does not have is an empty column and not NULL.
    let personal = |column: &str| match row.bytes(column)? {
        [] => Ok(None),
        _ => row.get::<Personal>(column).map(Some),
    };
    let freight = row.get::<Option<FreightKind>>("freight")?.zip(row.get::<Option<Fen>>("freight_fen")?);
    let details = Details {
        sender_name: personal("sender_name")?,
        sender_phone: personal("sender_phone")?,
        freight: freight.map(|(kind, amount)| Freight { kind, amount }),
        receipt_no: row.get("receipt_no")?,
        label_grams: row.get("label_grams")?,
        pieces: row.get("pieces")?,
        goods: personal("goods")?,
        declared: row.get("declared_fen")?,
        day: row.get("list_day")?,
        run: row.get("run")?,
        expires_at: row.get("expires_ms")?,
        courier_at: row.get("courier_ms")?,
    };
    let expires_at = row.get("virtual_until_ms")?;
    let children: String = row.get("children")?;
    Ok(Parcel {
        waybill: row.get("waybill")?,
        network: row.get("network")?,
        origin_outlet: row.get("origin_outlet")?,
        delivering_outlet: row.get("delivering_outlet")?,
        courier: row.get("courier")?,
        recipient_name: row.get("recipient_name")?,
        recipient_phone: personal("recipient_phone")?,
        virtual_number: personal("virtual_phone")?.map(|number| VirtualNumber { number, expires_at }),
        recipient_address: row.get("recipient_address")?,
        cod: row.get("cod_fen")?,
        theoretical_arrival: row.get("arrival_ms")?,
        hub: row.get("hub")?,
        entered_at: row.get("entered_ms")?,
        children: children.split_whitespace().map(Waybill::parse).collect::<Result<_, _>>().map_err(|_| row.damaged())?,
        details,
    })
}

#[cfg(test)]
mod tests {
    use doorstep_domain::UnixMs;

    use super::*;
    use crate::schema;

    fn plain(text: &str) -> Vec<u8> {
        Personal::plain(text).unwrap().as_bytes().to_vec()
    }

    fn row(details: Option<DetailsRow>) -> ParcelRow {
        ParcelRow {
            waybill: "QH310000000017".into(),
            network: "QH".into(),
            origin_outlet: "0571".into(),
            delivering_outlet: "0412".into(),
            courier: None,
            recipient_name: plain("王小花"),
            recipient_phone: vec![],
            recipient_address: plain("青禾路1号"),
            cod_fen: 0,
            theoretical_arrival_ms: None,
            hub: None,
            entered_ms: None,
            children: None,
            virtual_phone: vec![],
            virtual_until_ms: None,
            details,
        }
    }

    fn stored(details: Option<DetailsRow>) -> Details {
        let mut db = Connection::open_in_memory().unwrap();
        schema::migrate(&mut db).unwrap();
        insert(&db, &row(details)).unwrap();
        get(&db, &Waybill::parse("QH310000000017").unwrap()).unwrap().unwrap().details
    }

    #[test]
    fn the_details_of_a_row_are_read_as_they_came_and_a_row_without_them_has_none() {
        let came = DetailsRow {
            sender_name: plain("陈掌柜"),
            sender_phone: plain("13900001234"),
            freight: Some("collect".into()),
            freight_fen: Some(1_800),
            receipt_no: Some("QHR310000000017".into()),
            label_grams: Some(2_350),
            pieces: Some(2),
            goods: plain("茶叶"),
            declared_fen: Some(30_000),
            day: Some(20_514),
            run: Some("first".into()),
            expires_ms: Some(99),
            courier_ms: Some(77),
        };
        let kept = stored(Some(came));
        let personal = |text| Some(Personal::plain(text).unwrap());
        assert!(
            (kept.sender_name, kept.sender_phone, kept.goods) == (personal("陈掌柜"), personal("13900001234"), personal("茶叶"))
        );
        assert_eq!(kept.freight, Some(Freight { kind: FreightKind::Collect, amount: Fen(1_800) }));
        assert_eq!(kept.receipt_no.unwrap().as_str(), "QHR310000000017");
        assert_eq!((kept.label_grams, kept.pieces, kept.declared), (Some(2_350), Some(2), Some(Fen(30_000))));
        assert_eq!((kept.day, kept.run.as_deref(), kept.expires_at.map(|at| at.0)), (Day::new(20_514), Some("first"), Some(99)));
        assert_eq!(kept.courier_at, Some(UnixMs(77)));
        assert_eq!(stored(None), Details::default());
    }

    #[test]
    fn a_word_or_number_that_this_version_does_not_know_costs_only_its_own_field() {
        let came = DetailsRow {
            freight: Some("barter".into()),
            freight_fen: Some(1),
            receipt_no: Some("?".into()),
            day: Some(-1),
            label_grams: Some(7),
            ..DetailsRow::default()
        };
        assert_eq!(stored(Some(came)), Details { label_grams: Some(7), ..Details::default() });
    }
}
