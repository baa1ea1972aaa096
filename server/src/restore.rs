//! Makes a data folder that was restored from a copy go on as another log, because devices know answers from after the copy that
//! must not be mistaken for new ones. It gets a new history id, so that devices read everything anew and send lost changes again.
//! It gets a new installation of the server, so that new entries do not take the places of entries from the lost time.

use std::path::{Path, PathBuf};

use doorstep_domain::{HistoryId, InstallId, Tag, UnixMs};
use doorstep_protocol::{Publication, Signed, decode};
use serde::Serialize;

use crate::{
    AdminError, ServeError, copy,
    error::ApiError,
    folder,
    keys::{self, Keys},
    open, packs, random, sms,
    store::{
        self, installs, moments, people, references, sound,
        tx::{StoreError, Tx},
    },
};

/// Added to the versions of reference rows, so that no device can have one of the new versions, however many were published in
/// the lost time.
const VERSIONS_UP: i64 = 1_000_000;

/// The result of a restore, and the remaining work for a person.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    /// The new history id.
    pub history: String,
    /// The number of open codes that can not be redeemed any more.
    pub codes_voided: usize,
    /// The versions of the rule pack that came back from signed publications.
    pub packs_taken: Vec<u32>,
    /// The versions among them that were signed with a replaced key. A holder of that key could have made them.
    pub packs_of_replaced_key: Vec<u32>,
    /// The newest version of the rule pack after the restore.
    pub newest_pack: u32,
    /// The number of SMS that wait until a person releases the gateway.
    pub sms_waiting: u64,
    /// The newest time in the copy. Head office's work from after it must be done again. `None`: the copy holds no time.
    pub lost_from: Option<UnixMs>,
    /// When the folder was restored, which ends the lost period.
    pub lost_until: UnixMs,
    /// The copy of a write-ahead log that could not be read to its end.
    pub kept_log: Option<PathBuf>,
}

/// Prepares a restored data folder for serving: entirely or not at all. No server may run on it.
///
/// `publications`: files with signed publications of rule packs, as devices hold them. Those that the copy lacks are added.
pub fn restore(folder: &Path, publications: &[PathBuf], now: UnixMs) -> Result<Restored, AdminError> {
    copy::need(folder)?;
    let _alone = folder::lock(folder, false)?;
    begin_anew(folder, publications, now)
}

/// Does the work of [`restore`] for a process that already holds the folder's lock.
pub(crate) fn begin_anew(folder: &Path, publications: &[PathBuf], now: UnixMs) -> Result<Restored, AdminError> {
    let (store, kept_log) = open::open_as_it_is(folder)?;
    sound::structure(&store, folder, true)?;
    let starts = store.read(|tx| copy::starts(tx, folder))?;
    let restored = store.write(|tx| {
        let keys = Keys::read(tx)?;
        let lost_from = moments::newest(tx)?;
        let history = HistoryId::new(fresh()?);
        keys::change_history(tx, &history)?;
        keys::change_install(tx, &another_install(tx)?)?;
        // A code that was redeemed after the copy would be open again.
        let codes_voided = people::end_codes(tx, now.plus(-1))?;
        let (mut packs_taken, mut packs_of_replaced_key) = (Vec::new(), Vec::new());
        for file in publications {
            let bytes = std::fs::read(file).map_err(|source| AdminError::File { file: file.clone(), source })?;
            let taken = take_publication(tx, &keys, &bytes).map_err(|why| match why {
                Unusable::Not(why) => AdminError::Invalid(format!("{}: {why}", file.display())),
                Unusable::Api(error) => error.into(),
            })?;
            packs_taken.extend(taken.map(|taken| taken.version));
            packs_of_replaced_key.extend(taken.filter(|taken| taken.of_replaced_key).map(|taken| taken.version));
        }
        references::raise_all(tx, VERSIONS_UP)?;
        store::parcel_scopes::anew_for_all(tx)?;
        store::docs::project_all_anew(tx)?;
        sms::hold(tx, now)?;
        let sms_waiting = sms::waiting(tx)?;
        let newest_pack = store::packs::newest_version(tx)?;
        copy::settle(tx, folder, starts)?;
        Ok::<_, AdminError>(Restored {
            history: history.to_string(),
            codes_voided,
            packs_taken,
            packs_of_replaced_key,
            newest_pack,
            sms_waiting,
            lost_from,
            lost_until: now,
            kept_log,
        })
    })?;
    copy::close(&store, folder, starts)?;
    Ok(restored)
}

fn fresh() -> Result<[u8; 16], ServeError> {
    random::bytes::<16>().ok_or(ServeError::Random)
}

/// Finds an installation whose tag no other one has.
fn another_install(tx: &Tx<'_>) -> Result<InstallId, AdminError> {
    loop {
        let install = InstallId::new(fresh()?);
        if installs::of_tag(tx, &Tag::of(&install))?.is_none() && !keys::is_the_servers(tx, &install)? {
            return Ok(install);
        }
    }
}

enum Unusable {
    Not(&'static str),
    Api(ApiError),
}

impl From<StoreError> for Unusable {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

/// A publication that the log lacked.
#[derive(Clone, Copy)]
struct CameBack {
    version: u32,
    of_replaced_key: bool,
}

/// Adds a publication that the log lacks; `None` if it has it. Devices judge by it, so the server must too. One that a replaced
/// key signed is signed anew with the newest key, like all publications.
fn take_publication(tx: &Tx<'_>, keys: &Keys, bytes: &[u8]) -> Result<Option<CameBack>, Unusable> {
    let mut signed: Signed = decode(bytes).map_err(|_| Unusable::Not("not a signed publication of a rule pack"))?;
    // A device that pins a replaced key got the publication with that key's signature.
    let own = Keys::own(tx).map_err(Unusable::Api)?;
    let publication = own.iter().find_map(|key| Publication::verify(&signed, key).ok());
    let publication = publication.ok_or(Unusable::Not("not signed by this server, or altered"))?;
    let of_replaced_key = Publication::verify(&signed, &keys.public()).is_err();
    if of_replaced_key {
        signed.sig = keys.sign_pack(&signed.body).map_err(Unusable::Api)?;
    }
    match store::packs::body(tx, publication.version)? {
        Some(had) if had == signed.body => Ok(None),
        Some(_) => Err(Unusable::Not("the copy has another publication of this version")),
        None => packs::save(tx, &publication, &signed)
            .map(|()| Some(CameBack { version: publication.version, of_replaced_key }))
            .map_err(Unusable::Api),
    }
}
