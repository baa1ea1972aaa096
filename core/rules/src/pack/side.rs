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
        /// An outlet or hub that is asked something. Only a question makes one: no step of a card names this side.
        Asked = "asked_outlet",
        /// Head office.
        HeadOffice = "head_office",
    }
);
