//! SMS to customers (domain 5): their text, segments, permitted senders, and when they count.

mod fits;
mod message;
mod next;
mod numbers;
mod opt_out;
mod render;
mod reports;
mod segments;
mod surname;
mod unseen;

pub use fits::{Known, fits, fits_known};
pub use message::{Message, SmsLack};
pub use next::{Ability, Step, next};
pub(crate) use numbers::stop_wrong_numbers;
pub use numbers::{NoNumber, Numbers};
pub(crate) use opt_out::plain;
pub use opt_out::{OPT_OUT, wants_no_more};
pub use render::{Fields, Honorific, Language, MAX_TEXT, Rendered, TemplateFault, render};
pub(crate) use render::{fault_of, fault_of_neutral};
pub(crate) use reports::{messages, proves};
pub use segments::{Alphabet, MAX_SEGMENTS, Segments, septets};
