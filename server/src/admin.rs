//! The administrator's commands. They act on the data folder itself, and a running server sees the result at once.

mod quota;
mod service_tokens;
mod sms;

use std::path::Path;

use doorstep_domain::{
    Author, CaseId, ChangeHash, Day, DeviceId, Fen, IdError, NetworkCode, OutletCode, PhotoId, Remark, Role, Stands, UnixMs,
    UserId, Waybill,
};
use doorstep_rules::{Case, Explanation, Policy, Rulebook, Sheet, explain, judge};
use serde::Serialize;

use crate::{
    AdminError, ServeError, audit, case_log, clock, devices, enrol,
    error::ApiError,
    headoffice::{self, HeadOfficeError, NewDecision},
    import,
    keys::Keys,
    numbers, open,
    packs::{self, PublishError, Rules},
    photos::{self, Storage},
    project,
    quarantine::{self, DecideError},
    random, replace_key, sheet,
    store::{
        self,
        db::{Db, Store},
        parcel_scopes, people,
        references::bump,
        tx::Tx,
    },
};

pub use self::{
    quota::{QuotaOf, QuotaRow},
    service_tokens::{NewServiceToken, ServiceToken},
    sms::{Found, InboundRow, MessageRow, ReceiptRow},
};
pub use crate::{
    audit::{Alarm, Alarms, Fault, Looked, MOST_FAULTS, Wrong},
    clock::Doubt,
    devices::{DeviceRow, EnvelopeRow, Fork},
    error::{Unreadable, Unreading},
    import::{BadRow, CellFault, ColumnsFault, FileFault, HeaderFault, Imported, Note, TimeFault},
    numbers::UnusableNumber,
    packs::PackRow,
    photos::{PhotoRow, Scrub, Scrubbed},
    project::{CaseRow, DueFrom, Which},
    replace_key::Pinned,
    store::{findings::FindingRow, quarantine::Item},
};

/// How long a code can be redeemed.
const CODE_LIFE_MS: i64 = 24 * 3_600_000;

/// A data folder opened for administration.
pub struct Admin {
    db: Store,
    rules: Rules,
}

/// A one-time code as handed to a person.
#[derive(Debug, Clone, Serialize)]
pub struct NewCode {
    /// The code. It is shown once: the server keeps only its hash.
    pub code: String,
    /// The account of the person who may redeem the code.
    pub user: String,
    /// The code can not be redeemed after this time.
    pub expires_at: UnixMs,
}

impl From<ApiError> for AdminError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Database(error) => Self::Database(error),
            other => Self::Invalid(other.to_string()),
        }
    }
}

impl From<DecideError> for AdminError {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Api(error) => error.into(),
            other => Self::Invalid(other.to_string()),
        }
    }
}

impl From<PublishError> for AdminError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Api(error) => error.into(),
            PublishError::Unreadable(unreadable) => unreadable.into(),
            other => Self::Invalid(other.to_string()),
        }
    }
}

impl From<HeadOfficeError> for AdminError {
    fn from(error: HeadOfficeError) -> Self {
        match error {
            HeadOfficeError::Api(error) => error.into(),
            other => Self::Invalid(other.to_string()),
        }
    }
}

/// A reviewer's decision on a finding or an entry, as the administrator asks for it.
pub struct Decide<'a> {
    /// The waybill of the case.
    pub waybill: &'a str,
    /// The id of a finding or the key of an entry, as [`Admin::explain`] names it.
    pub about: &'a str,
    /// Whether the finding stands.
    pub stands: Stands,
    /// The reviewer's account.
    pub by: &'a str,
    /// The share of the party that the finding holds liable, 0 to 100 percent.
    pub share: Option<u8>,
    /// The amount that the reviewer sets.
    pub amount: Option<Fen>,
    /// The reviewer's reason.
    pub words: Option<&'a str>,
}

impl Admin {
    /// Opens a data folder, and sets up an empty one.
    pub fn open(folder: &Path) -> Result<Self, AdminError> {
        Ok(Self { db: open::open(folder)?, rules: Rules::default() })
    }

    /// Adds or changes an outlet.
    pub fn outlet(&mut self, code: &str, name_zh: &str, name_en: &str, phone: &str) -> Result<(), AdminError> {
        let code: OutletCode = parse(code, "outlet code")?;
        self.db.write(|tx| {
            people::write_outlet(tx, &code, (name_zh, name_en), phone)?;
            bump(tx, "outlets")?;
            Ok(())
        })
    }

    /// Adds or changes a person.
    pub fn user(&mut self, id: &str, name: &str, role: &str, outlet: &str) -> Result<(), AdminError> {
        let id: UserId = parse(id, "user id")?;
        if id.as_str() == Author::SERVER {
            return Err(AdminError::Invalid(format!("{id} is the server's own account; take another id")));
        }
        let role: Role = role.parse().map_err(|_| {
            AdminError::Invalid(format!(
                "role {role:?} is none of: {}",
                Role::ALL.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ")
            ))
        })?;
        self.db.write(|tx| {
            need_outlet(tx, outlet)?;
            people::write(tx, &id, name, role, outlet)?;
            // A person of another outlet or role reads other parcels.
            parcel_scopes::anew_for(tx, id.as_str())?;
            bump(tx, "people")?;
            Ok(())
        })
    }

    /// Makes a one-time code for a person, valid for 24 hours.
    pub fn code(&mut self, user: &str, now: UnixMs) -> Result<NewCode, AdminError> {
        self.db.read(|tx| need_person(tx, user, "add the person first: doorstep-server admin user"))?;
        // 12 characters of an alphabet of 32 give 60 bits. 0, 1, I and O are left out, because codes are read aloud and typed.
        let alphabet = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
        let random = random::bytes::<12>().ok_or(crate::ServeError::Random)?;
        let letters: Vec<char> =
            random.iter().filter_map(|byte| alphabet.get(usize::from(byte % 32)).map(|b| char::from(*b))).collect();
        let code = letters.chunks(4).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join("-");
        let clean = enrol::clean_code(&code);
        let expires_at = now.plus(CODE_LIFE_MS);
        // Two codes share their first four characters once in a million. The older code is then void, and nobody is let in.
        let id: String = clean.chars().take(enrol::CODE_ID).collect();
        self.db.write(|tx| people::keep_code(tx, &id, &enrol::code_hash(&clean), user, expires_at))?;
        Ok(NewCode { code, user: user.to_owned(), expires_at })
    }

    /// Notes that a person has left. Their devices can not read under their name any more, and their later records go into
    /// quarantine.
    pub fn left(&mut self, user: &str, now: UnixMs) -> Result<(), AdminError> {
        self.db.write(|tx| {
            need_person(tx, user, "list them in the parcels' or your own records")?;
            people::leave(tx, user, now)?;
            parcel_scopes::anew_for(tx, user)?;
            bump(tx, "people")?;
            Ok(())
        })
    }

    /// Publishes a policy: who may record what. Refuses a policy whose format an enrolled device can not read.
    pub fn policy(&mut self, json: &[u8]) -> Result<u32, AdminError> {
        self.publish_policy(json, false)
    }

    /// Publishes a policy. `anyway` publishes it even if an enrolled device can not read its format; such a device keeps the
    /// newest policy that it can read.
    pub fn publish_policy(&mut self, json: &[u8], anyway: bool) -> Result<u32, AdminError> {
        let policy = Policy::parse(json).map_err(|error| AdminError::Invalid(error.to_string()))?;
        self.db.write(|tx| {
            if let Some(unreadable) = devices::against(tx, policy.format(), anyway)? {
                return Err(unreadable.into());
            }
            store::references::replace_policy(tx, json, policy.format())?;
            bump(tx, "policy")?;
            Ok(policy.version)
        })
    }

    /// Makes a new signing key of the server, signed by the old one. Devices accept the new key with their next answers.
    pub fn replace_key(&mut self, now: UnixMs) -> Result<(), AdminError> {
        self.db.write(|tx| {
            replace_key::replace(tx, now)?;
            Ok(())
        })
    }

    /// Returns the replaced keys, with the number of devices that still trust each.
    pub fn pinned_keys(&self) -> Result<Vec<Pinned>, AdminError> {
        self.db.read(|tx| Ok(replace_key::pinned(tx)?))
    }

    /// Accepts the operator's statement that the server's clock is right. Returns the doubt that the statement ends; `None` if
    /// there was none.
    pub fn clock_is_right(&mut self, now: UnixMs) -> Result<Option<Doubt>, AdminError> {
        self.db.write(|tx| Ok(clock::is_right(tx, now)?))
    }

    /// Returns all devices. The devices with the oldest unsent work come first, then the devices that were silent longest.
    pub fn devices(&self, now: UnixMs) -> Result<Vec<DeviceRow>, AdminError> {
        self.db.read(|tx| Ok(devices::list(tx, now)?))
    }

    /// Revokes the device whose id begins with `prefix`. The device can not read from its next request on, and its later records
    /// go into quarantine. A new code enrols it again.
    pub fn revoke(&mut self, prefix: &str, why: &str, now: UnixMs) -> Result<DeviceId, AdminError> {
        let device = self.device(prefix)?;
        self.db.write(|tx| store::devices::revoke(tx, &device, why, now))?;
        Ok(device)
    }

    /// Revokes a device and orders its wipe. With its next request the device destroys its keys, then everything that it stores.
    /// The records of that request go into quarantine; records that do not fit into the request are lost. A new code ends the
    /// order.
    pub fn wipe(&mut self, prefix: &str, why: &str, now: UnixMs) -> Result<DeviceId, AdminError> {
        let device = self.revoke(prefix, why, now)?;
        self.db.write(|tx| store::devices::order_wipe(tx, &device, now))?;
        Ok(device)
    }

    fn device(&self, prefix: &str) -> Result<DeviceId, AdminError> {
        let found = self.db.read(|tx| store::devices::beginning(tx, prefix))?;
        match found.as_slice() {
            [id] if !prefix.is_empty() => Ok(*id),
            _ => Err(AdminError::Missing(format!(
                "{} devices begin with {prefix:?}; list them: doorstep-server admin devices",
                found.len()
            ))),
        }
    }

    /// Returns the changes in quarantine, oldest first; with `decided`, the decided ones too.
    pub fn quarantine(&self, decided: bool) -> Result<Vec<Item>, AdminError> {
        self.db.read(|tx| Ok(quarantine::list(tx, decided)?))
    }

    /// Releases the quarantined change whose hash begins with `prefix`. The server writes its entries anew under its own
    /// signature, with their author, time and first receipt. Returns the case and the new change.
    pub fn release(&mut self, prefix: &str, by: &str, now: UnixMs) -> Result<(CaseId, ChangeHash), AdminError> {
        self.db.write(|tx| {
            let keys = Keys::read(tx)?;
            let released = quarantine::release(tx, &keys, prefix, by, now)?;
            Ok(released)
        })
    }

    /// Discards the quarantined change whose hash begins with `prefix`. The change stays in quarantine with the reason, and its
    /// device learns of the decision.
    pub fn discard(&mut self, prefix: &str, by: &str, why: &str, now: UnixMs) -> Result<(CaseId, ChangeHash), AdminError> {
        self.db.write(|tx| Ok(quarantine::discard(tx, prefix, by, why, now)?))
    }

    /// Returns the signed batches that touched a case, and verifies each signature anew.
    pub fn envelopes(&self, case: &CaseId) -> Result<Vec<EnvelopeRow>, AdminError> {
        self.db.read(|tx| Ok(devices::envelopes(tx, case)?))
    }

    /// Checks the stored log, or one case of it, against the signatures. Changes nothing.
    pub fn verify_log(&self, case: Option<CaseId>) -> Result<Looked, AdminError> {
        Ok(audit::look(&self.db, case)?)
    }

    /// Returns the faults that the server's background audit of the log has found.
    pub fn log_faults(&self) -> Result<Alarms, AdminError> {
        self.db.read(|tx| Ok(audit::alarms(tx)?))
    }

    /// Finds the case of a waybill of this network.
    pub fn case_of(&self, waybill: &str) -> Result<CaseId, AdminError> {
        let waybill = Waybill::parse(waybill).map_err(|error| AdminError::Invalid(error.to_string()))?;
        self.db.read(|tx| {
            let (_, book) = self.rules.book(tx)?;
            let network: NetworkCode = parse(&book.newest().pack.network, "network")?;
            Ok(CaseId::of(&network, &waybill))
        })
    }

    /// Returns an outlet's day from its sheet; `None` if nothing is recorded for that day.
    pub fn sheet(&self, outlet: &str, day: &str) -> Result<Option<Sheet>, AdminError> {
        let day: Day = day.parse().map_err(|error: IdError| AdminError::Invalid(error.to_string()))?;
        self.db.read(|tx| Ok(sheet::read(tx, outlet, &day.to_string())?))
    }

    /// Returns the fork alarms that nobody has looked at. A cloned store or a restored backup causes a fork.
    pub fn forks(&self) -> Result<Vec<Fork>, AdminError> {
        self.db.read(|tx| Ok(devices::forks(tx)?))
    }

    /// Marks a fork alarm as looked at.
    pub fn fork_seen(&mut self, id: i64, now: UnixMs) -> Result<(), AdminError> {
        match self.db.write(|tx| store::chains::see_fork(tx, id, now))? {
            false => Err(AdminError::Missing(format!("no open alarm {id}; list them: doorstep-server admin forks"))),
            true => Ok(()),
        }
    }

    /// Returns how often the server gave each refusal of a request.
    pub fn refusals(&self) -> Result<Vec<(String, u64)>, AdminError> {
        self.db.read(|tx| Ok(store::refusals::all(tx)?))
    }

    /// Publishes a version of the rule pack. Refuses a version whose format an enrolled device can not read.
    pub fn publish_pack(&mut self, toml: &[u8], now: UnixMs) -> Result<PackRow, AdminError> {
        self.publish_rules(toml, false, now)
    }

    /// Publishes a version of the rule pack. `anyway` publishes it even if an enrolled device can not read its format; such a
    /// device keeps the newest versions that it can read.
    pub fn publish_rules(&mut self, toml: &[u8], anyway: bool, now: UnixMs) -> Result<PackRow, AdminError> {
        self.db.write(|tx| {
            let keys = Keys::read(tx)?;
            let published = packs::publish(tx, &keys, toml, anyway, now)?;
            Ok(published)
        })
    }

    /// Returns every published version of the rule pack, newest first.
    pub fn packs(&self, now: UnixMs) -> Result<Vec<PackRow>, AdminError> {
        self.db.read(|tx| Ok(packs::list(tx, now)?))
    }

    /// Returns all versions of the rules, as devices have them.
    pub fn book(&self) -> Result<Rulebook, AdminError> {
        self.db.read(|tx| Ok(self.rules.book(tx)?.1.as_ref().clone()))
    }

    /// Explains each deadline, missing evidence, finding and conflict of a case by its chain of facts and its rule.
    pub fn explain(&self, waybill: &str, now: UnixMs) -> Result<Vec<Explanation>, AdminError> {
        let case = self.case_of(waybill)?;
        self.db.read(|tx| {
            let (_, book) = self.rules.book(tx)?;
            let folded = Case::fold(case_log::entries(tx, &case)?);
            let folded = folded.ok_or_else(|| AdminError::Missing("nothing is recorded of this waybill".into()))?;
            Ok(explain(&folded, &book, &judge(&folded, &book, now)))
        })
    }

    /// Returns the ledger of findings with their waybills, newest first: those of one outlet, or the undecided ones.
    pub fn findings(
        &mut self,
        outlet: Option<&str>,
        open: bool,
        limit: u32,
        now: UnixMs,
    ) -> Result<Vec<(String, FindingRow)>, AdminError> {
        project::catch_up_here(&self.db, &self.rules, now)?;
        self.db.read(|tx| Ok(store::findings::all(tx, outlet, open, limit)?))
    }

    /// Writes a reviewer's decision into the case.
    pub fn decide(&mut self, new: &Decide<'_>, now: UnixMs) -> Result<ChangeHash, AdminError> {
        let case = self.case_of(new.waybill)?;
        self.db.write(|tx| {
            let keys = Keys::read(tx)?;
            let Decide { about, stands, by, share, amount, words, .. } = *new;
            let decision = NewDecision { by, about, stands, share, amount, words };
            let change = headoffice::decide(tx, &keys, &self.rules, &case, &decision, now)?;
            Ok(change)
        })
    }

    /// Writes a reviewer's mark on an entry: a notice to a wrong target, a reply that decides nothing, or an unclear photo.
    pub fn mark(
        &mut self,
        waybill: &str,
        entry: &str,
        remark: Remark,
        by: &str,
        words: Option<&str>,
        now: UnixMs,
    ) -> Result<ChangeHash, AdminError> {
        let case = self.case_of(waybill)?;
        self.db.write(|tx| {
            let keys = Keys::read(tx)?;
            let change = headoffice::mark(tx, &keys, &self.rules, &case, (by, entry, remark), words, now)?;
            Ok(change)
        })
    }

    /// Returns the photos that head office should look at: not yet stored, overdue, lost, void, or recorded under two waybills.
    /// `all` returns every photo.
    pub fn photos(&self, all: bool, limit: u32, now: UnixMs) -> Result<Vec<PhotoRow>, AdminError> {
        self.db.read(|tx| Ok(photos::list(tx, all, limit, now)?))
    }

    /// Returns head office's lists of cases: at most `limit` whose waybill is in a list of parcels, then as many others.
    pub fn cases(&mut self, limit: u32, now: UnixMs) -> Result<Vec<CaseRow>, AdminError> {
        let mut rows = self.cases_of(Which::Listed, limit, now)?;
        rows.extend(self.cases_of(Which::Unlisted, limit, now)?);
        Ok(rows)
    }

    /// Returns one of head office's lists of cases.
    pub fn cases_of(&mut self, which: Which, limit: u32, now: UnixMs) -> Result<Vec<CaseRow>, AdminError> {
        self.cases_due_from(&DueFrom::default(), which, limit, now)
    }

    /// Returns the cases of one of head office's lists in which something is due from an outlet or a side.
    pub fn cases_due_from(&mut self, from: &DueFrom, which: Which, limit: u32, now: UnixMs) -> Result<Vec<CaseRow>, AdminError> {
        project::catch_up_here(&self.db, &self.rules, now)?;
        self.db.read(|tx| Ok(project::list(tx, which, from, limit)?))
    }

    /// Returns a case's raw changes in the order of acceptance, and its entries. Serves export and the comparison of replicas.
    pub fn log(&self, case: &CaseId) -> Result<(Vec<Vec<u8>>, Vec<doorstep_domain::Recorded>), AdminError> {
        self.db.read(|tx| {
            let (mut chunks, mut entries) = (Vec::new(), Vec::new());
            case_log::each(tx, case, |change, recorded| {
                chunks.push(change.bytes().to_vec());
                entries.extend(recorded);
            })?;
            Ok((chunks, entries))
        })
    }

    /// Imports the day's parcels from a CSV or XLSX file. A bad row is left out and reported by its lines; the other rows are
    /// imported.
    pub fn import_parcels(&mut self, file: &[u8], now: UnixMs) -> Result<Imported, AdminError> {
        self.import_parcels_so(file, (false, None), &mut |_| {}, now)
    }

    /// Imports the day's parcels. `dry_run` reads and checks everything, reports the same, and writes nothing. `progress` is told
    /// from time to time how many lines were read. With a day the list is all of that day's: its other rows end, except those whose
    /// case is open.
    pub fn import_parcels_so(
        &mut self,
        file: &[u8],
        (dry_run, complete): (bool, Option<Day>),
        progress: &mut dyn FnMut(u64),
        now: UnixMs,
    ) -> Result<Imported, AdminError> {
        let book = self.book()?;
        import::write::import(&self.db, book.at(now), file, import::write::How { dry_run, complete, progress }, now)
    }

    /// The parcels of the list to whose number no SMS can go, with the reason.
    pub fn numbers(&mut self) -> Result<Vec<UnusableNumber>, AdminError> {
        self.db.read(|tx| Ok(numbers::unusable(tx)?))
    }

    /// Imports the calendar that overrides the packs' own: days that differ from their weekday. The file must hold all such days
    /// of each year that it mentions. A bad row is reported by its line, and nothing is imported.
    pub fn import_calendar(&mut self, file: &[u8]) -> Result<Imported, AdminError> {
        self.db.write(|tx| import::calendar::import(tx, file))
    }
}

/// Compares the rows of photos with the storage.
pub async fn scrub(folder: &Path, url: Option<&str>, how: Scrub, now: UnixMs) -> Result<Scrubbed, AdminError> {
    let (db, storage) = with_storage(folder, url)?;
    Ok(photos::scrub(&db, &storage, how, now).await?)
}

/// Erases a photo and its thumbnail at head office's request. The hash, the requester and the reason stay.
pub async fn erase_photo(
    folder: &Path,
    url: Option<&str>,
    sha: &str,
    (by, why): (&str, &str),
    now: UnixMs,
) -> Result<(), AdminError> {
    let id: PhotoId =
        sha.parse().map_err(|_| AdminError::Invalid(format!("{sha:?} is no photo's hash: 64 hexadecimal digits")))?;
    let (db, storage) = with_storage(folder, url)?;
    let (by, why) = (by.to_owned(), why.to_owned());
    let erased = db.write(move |tx| photos::erase(tx, &id, &by, &why, now)).await.map_err(|error| match error {
        ApiError::NotFound => {
            AdminError::Missing("no entry names this photo; list them: doorstep-server admin photos --all".into())
        }
        other => other.into(),
    })?;
    let (photos, pieces) = erased;
    storage.drop_pieces(&pieces).await;
    // If this process dies before these deletions, the next scrub deletes the rest.
    for id in photos {
        storage.erase(&id).await?;
    }
    Ok(())
}

fn with_storage(folder: &Path, url: Option<&str>) -> Result<(Db, Storage), AdminError> {
    let at_folder = |source| ServeError::Folder { folder: folder.to_owned(), source };
    let db = Db::start(folder, open::open(folder)?).map_err(at_folder)?;
    Ok((db, Storage::open(folder, url)?))
}

fn parse<T: std::str::FromStr<Err = doorstep_domain::IdError>>(text: &str, what: &str) -> Result<T, AdminError> {
    text.parse().map_err(|error| AdminError::Invalid(format!("{what} {text:?}: {error}")))
}

fn need_outlet(tx: &Tx<'_>, code: &str) -> Result<(), AdminError> {
    let missing = || AdminError::Missing(format!("outlet {code:?} is not known; add it first: doorstep-server admin outlet"));
    if people::is_outlet(tx, code)? { Ok(()) } else { Err(missing()) }
}

fn need_person(tx: &Tx<'_>, id: &str, help: &str) -> Result<(), AdminError> {
    let missing = || AdminError::Missing(format!("person {id:?} is not known; {help}"));
    if people::is_person(tx, id)? { Ok(()) } else { Err(missing()) }
}
