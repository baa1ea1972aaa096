//! Reads and verifies a batch before the writer gets it, cheap checks first. It needs no database.

use doorstep_document::{
    Change, Refusal,
    pack::{
        self, PackError,
        dense::{self, Rebuilt},
    },
};
use doorstep_domain::{BatchHash, Body, CaseId, ChangeHash, Clocks, Digest, DocKind, DocRef, InstallId, UnixMs};
use doorstep_protocol::{
    Batch, Brought, Envelope, FirstAnswer, Header, Leaf, MAX_PUSH_CASES, MAX_REQUEST, MAX_REST, Push, PushDoc, Sending, Spoken,
    SyncRequest, decode, encode,
    signing::{batch_message, is_signed},
};

use crate::{
    enrol::{Device, Member},
    error::ApiError,
};

/// A batch that has passed every check that needs no database.
pub(crate) struct Verified {
    pub number: u64,
    pub prev: BatchHash,
    pub hash: BatchHash,
    pub install: InstallId,
    pub user: String,
    pub again: Vec<u64>,
    pub clock: Clocks,
    pub signed: Signed,
    pub cases: Vec<VerifiedCase>,
    /// The first receipts that the device shows for changes that it sends again.
    pub first: Vec<FirstAnswer>,
}

/// A batch as it was signed and will be stored.
pub(crate) struct Signed {
    pub version: Spoken,
    /// In version 2 the `Push`; in version 3 the `Batch` without sending and signature.
    pub body: Vec<u8>,
    /// In version 3 the `Sending`.
    pub sending: Vec<u8>,
    pub sig: Vec<u8>,
    /// In version 3 the time of receipt in the newest verdicts that the device had.
    pub heard: Option<UnixMs>,
    /// In version 3 the chains that the sending left behind. `brings` names the chains of earlier sendings that the batch
    /// continues.
    pub rest: Option<Vec<Leaf>>,
    pub brings: Vec<Brought>,
}

impl Signed {
    /// Whether the device says that it had no other unsent change.
    pub fn is_complete(&self) -> bool {
        self.rest.as_ref().is_some_and(Vec::is_empty)
    }
}

/// One document of a batch.
pub(crate) struct VerifiedCase {
    pub case: CaseId,
    /// The kind of document. Of an unknown kind no change is accepted.
    pub kind: DocKind,
    /// The document's digest in a batch of version 3.
    pub digest: Option<Digest>,
    /// One result for each change of the pack, or why the pack can not be rebuilt.
    pub changes: Result<Vec<Offered>, String>,
}

impl VerifiedCase {
    pub fn doc(&self) -> DocRef {
        DocRef::new(self.kind, self.case)
    }
}

/// One change of a pack.
pub(crate) struct Offered {
    pub hash: ChangeHash,
    pub bytes: Vec<u8>,
    pub read: Result<Change, Refusal>,
}

/// A batch of either version, before its packs are rebuilt.
struct Claimed {
    header: Header,
    hash: BatchHash,
    clock: Clocks,
    signed: Signed,
    docs: Vec<ClaimedDoc>,
    first: Vec<FirstAnswer>,
}

struct ClaimedDoc {
    doc: CaseId,
    content: Content,
    /// The signed content that the pack must rebuild to, without the pack; `None` in version 2, where the pack itself says it.
    is_of: Option<PushDoc>,
}

enum Content {
    /// A pack of format 1 or 2.
    Pack(Vec<u8>),
    /// What the request's dense pack rebuilds to for this document.
    Dense(Changes),
}

/// The changes of a pack, or why it does not rebuild.
type Changes = Result<Vec<(ChangeHash, Vec<u8>)>, PackError>;

/// Checks the signature of a batch of version 2.
fn of_version_2(envelope: Envelope, device: &Device) -> Result<Claimed, ApiError> {
    if !is_signed(&device.public_key, &batch_message(&envelope.body, &envelope.clock), &envelope.sig) {
        return Err(ApiError::Signature);
    }
    let Push { batch, prev, user, install, cases, again } = decode(&envelope.body)?;
    let hash = BatchHash::of(&envelope.body);
    let docs = cases
        .into_iter()
        .map(|pushed| ClaimedDoc { doc: pushed.case, content: Content::Pack(pushed.pack), is_of: None })
        .collect();
    let clock = envelope.clock.clocks();
    let (body, sig) = (envelope.body, envelope.sig);
    let signed = Signed { version: Spoken::Version2, body, sending: vec![], sig, heard: None, rest: None, brings: vec![] };
    Ok(Claimed { header: Header { batch, prev, user, install, again }, hash, clock, signed, docs, first: vec![] })
}

/// Checks the signature of a batch of version 3. The signature covers the documents' digests, so it holds even if a pack can not
/// be rebuilt.
fn of_version_3(batch: Batch, dense: Option<Vec<u8>>, device: &Device) -> Result<Claimed, ApiError> {
    if !is_signed(&device.public_key, &batch.message(), &batch.sig) {
        return Err(ApiError::Signature);
    }
    let header = decode(&batch.header)?;
    let sending: Sending = decode(&batch.sending)?;
    if sending.rest.len() > MAX_REST || batch.brings.len() > MAX_REST {
        return Err(ApiError::Malformed("more chains of what is left behind than a sending may name".into()));
    }
    let (hash, clock) = (batch.hash(), sending.clocks());
    let Batch { header: header_bytes, sending: sending_bytes, sig, mut docs, first, brings } = batch;
    let contents = contents_of(&mut docs, dense)?;
    let kept = Batch { header: header_bytes, sending: vec![], sig: vec![], docs, first: vec![], brings: vec![] };
    let body = encode(&kept)?;
    let claimed = |(mut doc, dense): (PushDoc, Option<Changes>)| {
        let pack = std::mem::take(&mut doc.pack);
        ClaimedDoc { doc: doc.doc, content: dense.map_or(Content::Pack(pack), Content::Dense), is_of: Some(doc) }
    };
    let docs = kept.docs.into_iter().zip(contents).map(claimed).collect();
    let signed = Signed {
        version: Spoken::Version3,
        body,
        sending: sending_bytes,
        sig,
        heard: sending.heard_ms.map(UnixMs),
        rest: Some(sending.rest),
        brings,
    };
    Ok(Claimed { header, hash, clock, signed, docs, first })
}

/// The changes of each document of the dense pack; `None` for one that has a pack of its own. A document of the dense pack gets its id
/// and a pack of format 2, so that the log holds every batch in the same form. If the dense pack does not rebuild, that is a fault of each
/// of its documents.
fn contents_of(docs: &mut [PushDoc], dense: Option<Vec<u8>>) -> Result<Vec<Option<Changes>>, ApiError> {
    let is_dense = |doc: &PushDoc| doc.pack == [dense::FORMAT];
    let many = docs.iter().filter(|doc| is_dense(doc)).count();
    let rebuilt = match dense.map(|pack| dense::unpack(&pack, MAX_REQUEST)) {
        Some(Err(PackError::OverLimit)) => return Err(ApiError::TooLarge),
        Some(Ok(rebuilt)) if rebuilt.len() != many => Err(PackError::Malformed),
        Some(rebuilt) => rebuilt,
        None => Err(PackError::Format),
    };
    let mut rebuilt = rebuilt.map(Vec::into_iter);
    let mut contents = Vec::with_capacity(docs.len());
    for doc in docs {
        if !is_dense(doc) {
            contents.push(None);
            continue;
        }
        let next = rebuilt.as_mut().map_err(|fault| *fault).and_then(|rest| rest.next().ok_or(PackError::Malformed));
        contents.push(Some(next.and_then(|Rebuilt { doc: id, changes }| {
            let slices: Vec<&[u8]> = changes.iter().map(|(_, bytes)| bytes.as_slice()).collect();
            (doc.doc, doc.pack) = (id, pack::elide_bare(&slices).ok_or(PackError::Malformed)?);
            Ok(changes)
        })));
    }
    Ok(contents)
}

/// Checks the signature, rebuilds packs and reads changes, outside the writer. It panics on no input, and the rebuilt packs
/// together are bounded like an inflated body.
pub(crate) fn verify(request: &mut SyncRequest, device: &Device) -> Result<Option<Verified>, ApiError> {
    let install = request.install;
    let claimed = match (request.push.take(), request.batch.take()) {
        (None, None) => return Ok(None),
        (Some(envelope), None) => of_version_2(envelope, device)?,
        (None, Some(batch)) => of_version_3(batch, request.dense.take(), device)?,
        (Some(_), Some(_)) => return Err(ApiError::Malformed("two batches in one request".into())),
    };
    let Claimed { header, hash, clock, signed, docs, first } = claimed;
    if docs.len() > MAX_PUSH_CASES {
        return Err(ApiError::TooLarge);
    }
    if header.again.len() > MOST_AGAIN || header.again.iter().any(|number| *number > MAX_BATCH) {
        return Err(ApiError::Malformed("batches sent again out of range".into()));
    }
    if header.install != install || header.batch == 0 || header.batch > MAX_BATCH {
        return Err(ApiError::Malformed("batch of another installation, or its number out of range".into()));
    }
    if !device.members.iter().any(|member| member.person == header.user) {
        return Err(ApiError::Malformed("batch in the name of nobody on this device".into()));
    }
    let mut rebuilt = 0;
    let mut cases = Vec::with_capacity(docs.len());
    for offered in docs {
        let case = offered.doc;
        let doc = match &offered.is_of {
            Some(named) => named.document(),
            None => Some(DocRef::from(&case)),
        };
        let restored = match offered.content {
            Content::Pack(pack) => pack::restore_within(&pack, MAX_REQUEST.saturating_sub(rebuilt)),
            Content::Dense(rebuilt) => rebuilt,
        };
        let changes = match restored {
            // If earlier packs have used the limit, a smaller batch helps. A single pack over the limit is refused alone, so that
            // the others need not wait for it.
            Err(PackError::OverLimit) if rebuilt > 0 => return Err(ApiError::TooLarge),
            Err(fault) => Err(fault.to_string()),
            Ok(chunks) => {
                rebuilt += chunks.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
                match (doc, &offered.is_of) {
                    (None, _) => Err("this server does not know the kind of document".to_owned()),
                    (_, Some(named)) if !named.is_of(chunks.iter().map(|(hash, _)| hash)) => {
                        Err("pack does not rebuild to the digest that is signed".to_owned())
                    }
                    (Some(doc), _) => {
                        let read = |bytes: &[u8]| Change::read(doc, bytes).and_then(|change| author_of(change, device, &install));
                        Ok(chunks.into_iter().map(|(hash, bytes)| Offered { hash, read: read(&bytes), bytes }).collect())
                    }
                }
            }
        };
        cases.push(VerifiedCase {
            case,
            kind: doc.map_or(DocKind::Case, |doc| doc.kind),
            digest: offered.is_of.map(|named| named.digest),
            changes,
        });
    }
    Ok(Some(Verified {
        number: header.batch,
        prev: header.prev,
        hash,
        install,
        user: header.user,
        again: header.again,
        clock,
        signed,
        cases,
        first,
    }))
}

/// No device makes so many batches, and SQL integers hold far more.
pub(crate) const MAX_BATCH: u64 = 1 << 40;
/// The largest number of lost batches that one batch may replace.
const MOST_AGAIN: usize = 64;

/// Checks the author: the actor is an installation of the device, and every entry names a person who was enrolled on it, in a
/// role and outlet of that enrolment. Records from before a person moved to another outlet stay valid. Only the server itself
/// writes released entries.
fn author_of(change: Change, device: &Device, install: &InstallId) -> Result<Change, Refusal> {
    if change.install() != *install && !device.installs.contains(&change.install()) {
        return Err(Refusal::Actor);
    }
    for entry in change.entries() {
        let wrong = |field| Refusal::Field { kind: entry.key.kind.clone(), field };
        if entry.release.is_some() {
            return Err(wrong("o"));
        }
        if matches!(entry.body, Body::Listed(_)) {
            return Err(wrong("since")); // only the server may say when a row of the list began
        }
        let author = &entry.author;
        let is_theirs = |member: &&Member| {
            member.person == author.user.as_str()
                && member.role == author.role.as_str()
                && member.outlet == author.outlet.as_str()
        };
        let member = device.members.iter().find(is_theirs).ok_or_else(|| wrong("by"))?;
        if device.revoked || member.today.is_none() {
            return Err(Refusal::Revoked);
        }
    }
    Ok(change)
}
