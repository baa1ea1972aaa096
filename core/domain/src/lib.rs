//! The vocabulary of Doorstep: ids, waybills, places, people, parcels, entries and time evidence.
//!
//! This crate has plain data with its validation. It has no clock, no randomness and no I/O. The only formats here are the few
//! fixed byte layouts that every replica must agree on (case id, entry key, time evidence, personal value). "Domain n.m" in
//! comments names the section of the domain text from which a rule comes.

mod day;
mod doc;
mod entry;
mod ids;
mod mask;
mod money;
mod number;
mod parcel;
mod people;
mod personal;
mod refusal;
mod standing;
mod time;
mod visible;
mod waybill;

pub use day::Day;
pub use doc::{DocId, DocKind, DocRef};
pub use entry::{
    About, Action, Alias, Answered, Ask, Assign, Attempt, Body, Book, Call, CallResult, Capture, Clarity, Close, Consent,
    Correction, Customer, Dispatch, Dispute, Entry, Facts, Fault, GeoPosition, Goods, Handover, Kind, Ledger, Linked, Listed,
    MAX_CAMERA, MAX_PHOTO, MAX_PLACEHOLDER, MAX_THUMBNAIL, Mark, Notice, Outage, OutageReason, Payer, Photo, PhotoPurpose,
    PhotoSource, Problem, Release, Remark, Reply, Ruling, Seen, SheetDay, SheetFacts, SheetNote, Sms, SmsFault, SmsLevel,
    SmsReply, SmsReport, SmsState, SmsWay, Stage, Stands, Takeover, TargetSource, Thumbnail, Tick, Waiver, has_text,
};
pub use ids::{
    ActionId, BatchHash, CaseId, ChangeHash, DeviceId, Digest, EntryKey, HistoryId, IdError, InstallId, MessageKey, NetworkCode,
    OutletCode, PhotoId, ReasonCode, Tag, UserId,
};
pub use mask::{HIDDEN, mask_address, mask_name, mask_number, mask_position, mask_words};
pub use money::Fen;
pub use number::{Number, NumberFault, NumberKind, Numbers};
pub use parcel::{
    Details, Freight, FreightKind, Outlet, Parcel, VirtualNumber, is_marked, is_same_number, marks_of, mobile_mark,
};
pub use people::{Author, Role};
pub use personal::{Personal, PersonalError};
pub use refusal::RefusalCode;
pub use standing::{DISORDERED, FactsCheck, MARKS_OF_VERSION_2, PASSED_OVER, Receipt, ReceiptParts, Recorded, Standing};
pub use time::{Anchor, Arrival, BootId, Clocks, IN_FLIGHT_MS, Leans, Reckoning, TimeEvidence, UnixMs, is_steady};
pub use visible::is_visible;
pub use waybill::{Waybill, WaybillError, check_s10};
