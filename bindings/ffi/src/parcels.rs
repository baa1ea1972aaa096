//! Today's parcels and the outlets' directory.

use doorstep_domain::{Freight, FreightKind, Outlet, Parcel, Personal, UnixMs, mask_number};

use crate::{Bilingual, DoorstepClient, DoorstepError};

/// A parcel of the day, with the customer's data in clear or masked, as the person who is signed in sees it. For the screen, never for
/// a log; as text it shows none of it.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct ParcelRow {
    /// The waybill.
    pub waybill: String,
    /// Recipient's name.
    pub recipient_name: String,
    /// The number that reaches the recipient now: the virtual one until it ends, else the label's.
    pub recipient_phone: Option<String>,
    /// Recipient's address.
    pub recipient_address: String,
    /// Cash to collect, in fen.
    pub cod_fen: i64,
    /// Where the sender handed it in.
    pub origin_outlet: String,
    /// Which outlet delivers it.
    pub delivering_outlet: String,
    /// Child numbers of a shipment of several pieces.
    pub children: Vec<String>,
    /// Sender's name: in clear for the outlet that sent the parcel, masked for others.
    pub sender_name: Option<String>,
    /// Sender's number, in clear and masked as the name is.
    pub sender_phone: Option<String>,
    /// The freight.
    pub freight: Option<FreightRow>,
    /// The number of the receipt that goes back to the sender.
    pub receipt_no: Option<String>,
    /// Weight on the label, in grams.
    pub label_g: Option<u32>,
    /// The number of pieces of the shipment, the main one included.
    pub pieces: Option<u32>,
    /// The goods' name.
    pub goods: Option<String>,
    /// The goods' declared value, in fen.
    pub declared_fen: Option<i64>,
    /// The day of the list, an ISO date.
    pub day: Option<String>,
    /// The inbound run of that day that brings it.
    pub run: Option<String>,
}

/// The freight of a parcel.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FreightRow {
    /// Whether the recipient pays it at the door; else the sender has paid.
    pub is_collect: bool,
    /// How much it is, in fen.
    pub fen: i64,
}

impl std::fmt::Display for ParcelRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let number = self.recipient_phone.as_deref().map(mask_number).unwrap_or_default();
        write!(f, "ParcelRow({} {number})", self.waybill)
    }
}

/// An outlet of the directory.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OutletRow {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: Bilingual,
    /// The business number to phone during an outage.
    pub phone: String,
}

#[uniffi::export]
impl DoorstepClient {
    /// A page of today's parcels, in the order of their waybills: those after the given one, at most `limit` (1 to 500).
    #[uniffi::method(default(after = None, limit = 100))]
    pub async fn parcels(&self, after: Option<String>, limit: u32) -> Result<Vec<ParcelRow>, DoorstepError> {
        self.local(move |client| {
            let now = client.now()?;
            let page = client.parcels_after(after.as_deref().unwrap_or_default(), limit.clamp(1, 500))?;
            Ok(page.into_iter().map(|parcel| ParcelRow::of(parcel, now)).collect())
        })
        .await
    }

    /// An outlet by its code; absent if the directory does not have it.
    pub async fn outlet(&self, code: String) -> Result<Option<OutletRow>, DoorstepError> {
        self.local(move |client| Ok(client.outlet(&code)?.map(OutletRow::from))).await
    }
}

impl ParcelRow {
    fn of(parcel: Parcel, now: UnixMs) -> Self {
        let text = |value: &Personal| value.text().unwrap_or_default().to_owned();
        let details = &parcel.details;
        Self {
            sender_name: details.sender_name.as_ref().map(text),
            sender_phone: details.sender_phone.as_ref().map(text),
            freight: details.freight.map(FreightRow::from),
            receipt_no: details.receipt_no.as_ref().map(ToString::to_string),
            label_g: details.label_grams,
            pieces: details.pieces,
            goods: details.goods.as_ref().map(text),
            declared_fen: details.declared.map(|value| value.0),
            day: details.day.map(|day| day.to_string()),
            run: details.run.clone(),
            recipient_phone: parcel.number_at(now).map(text),
            recipient_name: text(&parcel.recipient_name),
            recipient_address: text(&parcel.recipient_address),
            waybill: parcel.waybill.to_string(),
            cod_fen: parcel.cod.0,
            origin_outlet: parcel.origin_outlet.to_string(),
            delivering_outlet: parcel.delivering_outlet.to_string(),
            children: parcel.children.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<Freight> for FreightRow {
    fn from(Freight { kind, amount }: Freight) -> Self {
        Self { is_collect: kind == FreightKind::Collect, fen: amount.0 }
    }
}

impl From<Outlet> for OutletRow {
    fn from(outlet: Outlet) -> Self {
        let name = Bilingual { zh: outlet.name_zh, en: outlet.name_en };
        Self { code: outlet.code.to_string(), name, phone: outlet.phone }
    }
}
