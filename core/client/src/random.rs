//! Randomness of the operating system.

use crate::ClientError;

pub(crate) fn random<const N: usize>() -> Result<[u8; N], ClientError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| ClientError::Internal("the operating system gave no randomness"))?;
    Ok(bytes)
}
