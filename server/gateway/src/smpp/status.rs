//! The meaning of an SMSC's status for a submit.

use crate::Fault;

/// The meaning of an answer other than "taken". All of them are definite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Throttled or temporarily out of order: the submit may be tried again.
    Later,
    /// The message will not be taken.
    Refused(Fault),
}

pub(super) fn verdict(status: u32) -> Verdict {
    match status {
        // ESME_RTHROTTLED, ESME_RMSGQFUL, ESME_RSYSERR, ESME_RX_T_APPN
        0x58 | 0x14 | 0x08 | 0x64 => Verdict::Later,
        // ESME_RINVDSTADR, ESME_RINVNUMDESTS, ESME_RINVDSTTON, ESME_RINVDSTNPI
        0x0b | 0x33 | 0x50 | 0x51 => Verdict::Refused(Fault::Number),
        // ESME_RINVMSGLEN, ESME_RINVESMCLASS, ESME_RINVDCS
        0x01 | 0x43 | 0x104 => Verdict::Refused(Fault::Text),
        // ESME_RINVBNDSTS, ESME_RINVSRCADR, ESME_RBINDFAIL, ESME_RINVPASWD, ESME_RINVSYSID, source TON and NPI, ESME_RINVSYSTYP
        0x04 | 0x0a | 0x0d | 0x0e | 0x0f | 0x48 | 0x49 | 0x53 => Verdict::Refused(Fault::Account),
        _ => Verdict::Refused(Fault::Refused),
    }
}

/// The status in the form that is shown.
pub(super) fn shown(status: u32) -> String {
    format!("0x{status:08x}")
}
