//! A document's digest in a list.

use doorstep_domain::Digest;
use minicbor::{Decode, Encode};

use crate::id;

/// A digest in a list: a leaf of a signed answer, a document's digest in a proof, or a chain of unsent changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Leaf(#[cbor(n(0), with = "id")] pub Digest);
