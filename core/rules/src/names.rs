//! One spelling for each value of an enum: the key of its words in the pack.

macro_rules! names {
    ($type:ident { $($variant:ident = $word:literal),+ }) => {
        impl $type {
            /// The one spelling, also the key of its words in the pack.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}
pub(crate) use names;
