//! Replies that came too late to bind (domain 6.6).

use super::due::due_at;
use crate::{
    Clock, LateReply, On,
    case_index::{Act, CaseIndex},
};

/// Whether a reply came too late and no longer binds (domain 6.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TooLate {
    /// It binds.
    No,
    /// It binds, but would not if the unproven time of the act at this index is true.
    Claimed(usize),
    /// It no longer binds.
    Yes,
}

/// Whether the reply at this index came too late. It counts from when it is valid: a reply that lacked something while it was
/// overdue was no answer.
pub(crate) fn came_too_late(index: &CaseIndex<'_>, place: usize) -> TooLate {
    let Some(counts) = index.acts.get(place).and_then(Act::counts_from) else { return TooLate::No };
    let Some((told, by)) = index.told_in_round_of(place) else { return TooLate::No };
    let pack = index.pack_of(by);
    let reply_clock = pack.clocks.iter().find(|clock| is_reply_clock(clock));
    let due = reply_clock.and_then(|clock| due_at(index, pack, clock, told).ok().flatten());
    let Some(due) = due.filter(|due| counts > *due) else { return TooLate::No };
    match pack.switches.late_reply {
        LateReply::Binds => TooLate::No,
        LateReply::Void => TooLate::Yes,
        LateReply::BindsUnlessActed => {
            let first = index.acted.partition_point(|acted| acted.at <= due);
            match index.acted.get(first) {
                Some(acted) if acted.latest < counts => TooLate::Yes,
                Some(acted) if acted.at < counts => TooLate::Claimed(acted.place),
                _ => TooLate::No,
            }
        }
    }
}

/// Whether this is the clock of the origin outlet's answer: started by a notice and met only by a reply.
pub(crate) fn is_reply_clock(clock: &Clock) -> bool {
    clock.starts.on == On::Notice && clock.met_by.iter().all(|event| event.on == On::Reply)
}
