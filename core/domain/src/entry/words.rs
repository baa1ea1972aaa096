//! Enumerations that have one spelling in documents, packs, JSON and on the command line. Values are added, never renamed.

/// Defines an enumeration whose values have one spelling each, used in documents, packs, JSON, on the command line, and as the
/// key of the displayed words.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of the definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The one spelling.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// The value with this spelling.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let word = <String as serde::Deserialize>::deserialize(d)?;
                Self::from_word(&word).ok_or_else(|| serde::de::Error::custom(concat!("no ", stringify!($name))))
            }
        }
    };
}

words!(
    /// How a call to the customer ended (domain, appendix A).
    CallResult {
        /// Somebody answered.
        Answered = "answered",
        /// It rang, nobody answered.
        NoAnswer = "no_answer",
        /// Engaged.
        Busy = "busy",
        /// Switched off or out of service.
        Off = "off",
        /// Answered by a stranger.
        Wrong = "wrong",
        /// No such number.
        NotExist = "not_exist",
    }
);
words!(
    /// What a photo is meant to show (domain 7).
    PhotoPurpose {
        /// The label.
        Label = "label",
        /// The door, or the notice left there.
        Door = "door",
        /// Closed premises.
        ClosedPremises = "closed_premises",
        /// Outside of a damaged parcel.
        DamageOutside = "damage_outside",
        /// Inside of a damaged parcel, or polluted goods.
        DamageInside = "damage_inside",
        /// The parcel on the scale, display and label readable (EV-2).
        Scale = "scale",
        /// The parcel whose liquid caused the pollution (EV-3).
        PollutionSource = "pollution_source",
        /// A confirmation letter with stamp and signature (EV-5).
        Letter = "letter",
        /// The mark or header that was rewritten with the marker pen (EV-14).
        Mark = "mark",
        /// The label of a transfer or return (EV-1).
        TransferLabel = "transfer_label",
        /// Anything else.
        Other = "other",
    }
);
words!(
    /// Where an app got a picture from. Only the app says so.
    PhotoSource {
        /// The app's own camera took it for this record.
        Camera = "in_app",
        /// A person chose a picture that the phone already had.
        Gallery = "gallery",
    }
);
words!(
    /// Where a problem was found. This decides who must register it and by when (domain 2.1).
    Stage {
        /// At the sorting hub.
        Hub = "hub",
        /// On arrival at the delivering outlet.
        Arrival = "arrival",
        /// On delivery.
        Delivery = "delivery",
        /// When the origin outlet's work was checked.
        Origin = "origin",
        /// Afterwards, by a complaint.
        Service = "service",
    }
);
words!(
    /// Why there was no online notice (X-1, domain 3.5).
    OutageReason {
        /// Network fault (网络故障).
        Network = "network",
        /// Power cut (停电).
        Power = "power",
    }
);
words!(
    /// How the target of a notice was found (domain 6.1).
    TargetSource {
        /// The parcel's reference row.
        WaybillData = "waybill_data",
        /// The label was scanned.
        LabelScan = "label_scan",
        /// A person chose it, which is flagged.
        Manual = "manual",
    }
);
words!(
    /// A party on the customers' side that agrees or decides (domain 1.2).
    Customer {
        /// The sender.
        Sender = "sender",
        /// The recipient.
        Recipient = "recipient",
        /// The person whom the recipient named to receive.
        Receiver = "receiver",
    }
);
words!(
    /// Who pays for a return (domain 6.4).
    Payer {
        /// The sender.
        Sender = "sender",
        /// The recipient.
        Recipient = "recipient",
        /// The outlet where the sender handed it in.
        OriginOutlet = "origin_outlet",
        /// The outlet that delivers.
        DeliveringOutlet = "delivering_outlet",
    }
);
words!(
    /// A remark on another person's entry (domain 6.1, 6.4, 7). The entry stays.
    Remark {
        /// The reply counts.
        Valid = "valid",
        /// The reply decides nothing.
        Invalid = "invalid",
        /// The notice went to an outlet other than the origin outlet.
        WrongTarget = "wrong_target",
        /// The photo does not show what it should.
        Unclear = "unclear",
        /// The photo's bytes are not those that its entry names; an altered photo is void (EV-1). Only head office's remark
        /// counts.
        Void = "void",
    }
);
words!(
    /// The kind of error in an entry (domain 7: the error declarations of GS1 EPCIS, and one for merges).
    Fault {
        /// The act never happened.
        DidNotOccur = "did_not_occur",
        /// The act happened differently; the correct data are a new entry.
        IncorrectData = "incorrect_data",
        /// The act is already recorded in another entry, by another device.
        SameAs = "same_as",
    }
);
words!(
    /// Head office's decision on a finding, mark or conflict.
    Stands {
        /// It is confirmed.
        Upheld = "upheld",
        /// It is cancelled.
        Lifted = "lifted",
    }
);
words!(
    /// Outlet finance's registers (domain 9.3).
    Book {
        /// Cash on delivery (货款本).
        Cod = "cod",
        /// Freight collect (到付本).
        FreightCollect = "freight_collect",
    }
);
