//! The sides of a problem parcel.

use doorstep_domain::words;

words!(
    /// The side that does a step or acts next (domain 14.1).
    Side {
        /// The outlet that must deliver.
        Delivering = "delivering_outlet",
        /// The outlet where the sender handed it in.
        Origin = "origin_outlet",
        /// The sorting hub that holds the parcel.
        Hub = "hub",
        /// Outlet finance.
        Finance = "finance",
        /// Head office.
        HeadOffice = "head_office",
    }
);
