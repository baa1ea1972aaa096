//! The versions of the protocol, each with a name and a reason. A server supports a version for 24 months after the next one is
//! released. An even older client may still push, so that no record is stranded on a phone.

/// One version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The name in the header.
    pub name: &'static str,
    /// The date of its release.
    pub since: &'static str,
    /// The reason for it.
    pub reason: &'static str,
    /// The rights of a device that speaks it.
    pub reach: Reach,
    /// The newest format of rule packs and policies that it reads; it also reads all older ones. 0 if it reads none.
    pub newest_format: u32,
}

/// The rights of devices of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everything.
    Whole,
    /// Only deliver its records. Its feeds stay empty until it is updated.
    PushOnly,
}

/// Every version that this build knows, oldest first.
pub const VERSIONS: &[Version] = &[
    // It would read the entry kinds of version 2 as unknown, and it expects rule packs in another form.
    Version {
        name: "1",
        since: "2026-11-22",
        reason: "the first: signed batches, signed receipts",
        reach: Reach::PushOnly,
        newest_format: 0,
    },
    Version {
        name: "2",
        since: "2026-11-25",
        reason: "rule packs as signed publications in several versions; entries of the whole problem-parcel domain",
        reach: Reach::Whole,
        newest_format: 1,
    },
    Version {
        name: "3",
        since: "2026-11-29",
        reason: "batches signed over a digest for each document; receipts with the gap in which an act happened; signed answers counted",
        reach: Reach::Whole,
        newest_format: 2,
    },
];

/// The rights of a device that names this version; `None` if the name is not a version. A missing name counts as the oldest
/// version. A version newer than the server's counts as the server's newest, because both ends ignore unknown fields.
pub fn reach(versions: &[Version], name: Option<&str>) -> Option<Reach> {
    let Some(name) = name else { return versions.first().map(|version| version.reach) };
    let newest = versions.last().and_then(|v| v.name.parse::<u32>().ok());
    match versions.iter().find(|version| version.name == name) {
        Some(version) => Some(version.reach),
        None => name.parse::<u32>().ok().filter(|given| newest.is_some_and(|newest| *given > newest)).map(|_| Reach::Whole),
    }
}

/// The newest format of rule packs and policies that a device reads whose newest protocol version is `name`. An empty name counts
/// as version 2: the device was last in contact before the server stored versions.
pub fn newest_format(versions: &[Version], name: &str) -> u32 {
    let name = if name.is_empty() { "2" } else { name };
    versions.iter().find(|version| version.name == name).or(versions.last()).map_or(0, |version| version.newest_format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_client_may_still_push_and_a_newer_one_is_spoken_to_in_our_version() {
        let old = Version { name: "1", since: "2026-11-22", reason: "the first", reach: Reach::PushOnly, newest_format: 0 };
        let new = Version { name: "2", since: "2028-12-01", reason: "the second", reach: Reach::Whole, newest_format: 1 };
        let reach = |name| reach(&[old, new], name);
        assert_eq!((reach(Some("1")), reach(None)), (Some(Reach::PushOnly), Some(Reach::PushOnly)));
        assert_eq!((reach(Some("2")), reach(Some("3"))), (Some(Reach::Whole), Some(Reach::Whole)));
        assert_eq!((reach(Some("0")), reach(Some("x")), reach(Some(""))), (None, None, None));
    }

    #[test]
    fn each_version_reads_the_formats_of_its_time_and_a_newer_one_all_of_ours() {
        let read = ["1", "2", "", "3", "4"].map(|name| newest_format(VERSIONS, name));
        assert_eq!(read, [0, 1, 1, 2, 2]);
    }
}
