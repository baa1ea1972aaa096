//! Reasons for refusing a change.

use doorstep_domain::RefusalCode;

/// Why bytes are not a valid change of this document. Each reason has a stable code for verdicts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Larger than [`crate::MAX_CHANGE_BYTES`].
    #[error("change has {0} bytes, more than allowed")]
    TooLarge(usize),
    /// Not an uncompressed change chunk. Compressed chunks are refused because one of 298 KiB inflates to 1.1 GB inside
    /// Automerge.
    #[error("not an uncompressed change chunk")]
    ChunkType,
    /// The checksum does not match the content. Automerge itself does not check it.
    #[error("checksum does not match the content")]
    Checksum,
    /// It ends early, or has a number or text that does not read.
    #[error("change can not be decoded")]
    Undecodable,
    /// Decoding and encoding again gives other bytes, as with columns that our changes do not have. Such changes have poisoned
    /// documents.
    #[error("change does not encode back to the same bytes")]
    NotCanonical,
    /// The writer is not an installation, or not one of the device that pushes.
    #[error("actor is not the installation that it should be")]
    Actor,
    /// It carries a time, a message, an author, other actors or unsorted dependencies.
    #[error("change carries more than entries")]
    Envelope,
    /// An operation other than making an entry map at a root key or putting a scalar into the last one made.
    #[error("operation {0} does not make or fill an entry")]
    Shape(usize),
    /// An entry key whose tag, sequence number or spelling is not this change's.
    #[error("entry key does not belong to this change")]
    Key,
    /// A field that is missing, of another type or too long.
    #[error("field {field} of entry {kind} is missing or malformed")]
    Field {
        /// The entry's kind.
        kind: String,
        /// The field's name in the document.
        field: &'static str,
    },
    /// An entry of another document, or facts that give another id.
    #[error("entry belongs to another document")]
    OtherCase,
    /// An entry that belongs to another kind of document: a sheet's entry in a case, or a case's entry in a sheet.
    #[error("entry kind {kind} belongs to another kind of document")]
    Kind {
        /// The entry's kind.
        kind: String,
    },
    /// The first change of an installation in a document does not say which parcel, or whose day, it is about.
    #[error("first change of an installation does not say what it is about")]
    NoFacts,
    /// No entry at all, or more operations than [`crate::MAX_CHANGE_OPS`].
    #[error("change has {0} operations")]
    OpCount(usize),
    /// `start_op` is not one more than the highest operation of its dependencies, so it would win every conflict, or overflow.
    #[error("operation counter starts at {got} instead of {want}")]
    StartOp {
        /// The value in the change.
        got: u64,
        /// The value that follows from its dependencies.
        want: u64,
    },
    /// It would leave the case with more than [`crate::MAX_CASE_HEADS`] heads, and no change could join them any more.
    #[error("case would have too many heads")]
    Heads,
    /// The case has reached the server's limit.
    #[error("case has reached its size limit")]
    CaseFull,
    /// The policy gives the writer's role no right to this kind of entry in this case (domain 10.2).
    #[error("policy rule {rule} refuses it")]
    Rights {
        /// The rule of the policy.
        rule: String,
    },
    /// The device or the person was revoked before the change arrived. The change is kept for a person to judge.
    #[error("device or person is revoked")]
    Revoked,
    /// Another change of the same installation already has this sequence number (a clone or a restored backup).
    #[error("sequence number {0} is taken by another change")]
    SeqTaken(u64),
}

impl Refusal {
    /// The stable code, which is sent in verdicts.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::TooLarge(_) => RefusalCode::TooLarge,
            Self::ChunkType => RefusalCode::ChunkType,
            Self::Checksum => RefusalCode::Checksum,
            Self::Undecodable => RefusalCode::Undecodable,
            Self::NotCanonical => RefusalCode::NotCanonical,
            Self::Actor => RefusalCode::Actor,
            Self::Envelope => RefusalCode::Envelope,
            Self::Shape(_) => RefusalCode::Shape,
            Self::Key => RefusalCode::EntryKey,
            Self::Field { .. } => RefusalCode::Field,
            Self::OtherCase => RefusalCode::OtherCase,
            Self::Kind { .. } => RefusalCode::Kind,
            Self::NoFacts => RefusalCode::NoFacts,
            Self::OpCount(_) => RefusalCode::OpCount,
            Self::StartOp { .. } => RefusalCode::StartOp,
            Self::Heads => RefusalCode::Heads,
            Self::CaseFull => RefusalCode::CaseFull,
            Self::Rights { rule } => RefusalCode::Rights(rule.clone()),
            Self::Revoked => RefusalCode::Revoked,
            Self::SeqTaken(_) => RefusalCode::SeqTaken,
        }
    }
}

/// Why entries cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// No entry, or too many for one change.
    #[error("{0} entries do not fit one change")]
    EntryCount(usize),
    /// Every reader would refuse the change for this reason.
    #[error("entry can not be written: {0}")]
    Invalid(#[from] Refusal),
}
