//! What each line of a told entry is called, and what a personal value is and for whom.

use doorstep_domain::words;

use crate::{Pack, Words};

words!(
    /// What a line says of its entry. Apps decide by its spelling; its words are in `words.toml`.
    Label {
        /// Why the parcel could not be handed over, or which problem it is.
        Reason = "reason",
        /// The reason in particular.
        SubReason = "sub_reason",
        /// Anything in a person's words.
        Words = "words",
        /// The piece of a shipment that it is about.
        Piece = "piece",
        /// What the recipient would pay.
        WouldPay = "would_pay",
        /// The time agreed for another delivery.
        AgreedAt = "agreed_at",
        /// How long the courier waited.
        Waited = "waited",
        /// Where a problem was found.
        Stage = "stage",
        /// When it was found.
        FoundAt = "found_at",
        /// How many items or pieces it concerns.
        Count = "count",
        /// The other parcel of a pollution or a swap.
        OtherParcel = "other_parcel",
        /// Weight on the scale.
        Weight = "weight",
        /// Weight on the label.
        LabelWeight = "label_weight",
        /// How a call ended.
        CallResult = "call_result",
        /// The number that was called.
        NumberCalled = "number_called",
        /// What a photo shows.
        Shows = "shows",
        /// The photo.
        Photo = "photo",
        /// The small picture that travels first.
        Thumbnail = "thumbnail",
        /// Colours and shapes, until the thumbnail is there: a ThumbHash.
        Placeholder = "placeholder",
        /// The photo from which it was made by drawing or cutting.
        MadeFrom = "made_from",
        /// When its camera says that it was taken.
        TakenAt = "taken_at",
        /// Where its camera says that it was taken.
        TakenWhere = "taken_where",
        /// The camera.
        Camera = "camera",
        /// How sharp the picture is.
        Sharpness = "sharpness",
        /// How bright it is.
        Brightness = "brightness",
        /// Perceptual hash: pictures that look alike differ in few bits.
        Look = "look",
        /// The entry or finding that it is about.
        About = "about",
        /// The day whose attempt an SMS is to prove.
        SmsDay = "sms_day",
        /// The template of an SMS.
        Template = "template",
        /// The version of its template.
        TemplateVersion = "template_version",
        /// The number to which an SMS goes.
        SmsTo = "sms_to",
        /// The hash of that number with the case.
        SmsMark = "sms_mark",
        /// The text of an SMS.
        SmsText = "sms_text",
        /// The hash of the text.
        SmsDigest = "sms_digest",
        /// The text has the recipient's surname.
        HasSurname = "has_surname",
        /// The text has the full waybill number.
        HasWaybill = "has_waybill",
        /// How far an SMS has got.
        SmsState = "sms_state",
        /// Which try it is, from 1.
        Try = "try",
        /// The way an SMS goes.
        SmsWay = "sms_way",
        /// The installation that has the lease of an SMS.
        LeaseHolder = "lease_holder",
        /// Why an SMS failed or was not sent.
        SmsFault = "sms_fault",
        /// When, as the operator says.
        OperatorTime = "operator_time",
        /// The customer wants no more messages.
        OptOut = "sms_opt_out",
        /// The outlet that a notice is for.
        NoticeTo = "notice_to",
        /// Where the target of a notice came from.
        TargetSource = "target_source",
        /// Which decision is asked for.
        Request = "request",
        /// What had failed.
        OutageReason = "outage_reason",
        /// Whom to ask for: of a reply the recipient's contact person, of an outage who answered the phone.
        Contact = "contact",
        /// A number: of a reply the one that reaches the recipient, of an outage the one that was called.
        Phone = "phone",
        /// When the call was.
        PhonedAt = "phoned_at",
        /// The outlet that was called.
        OutletCalled = "outlet_called",
        /// What was said on the phone.
        Said = "said",
        /// What the origin outlet decided.
        Decision = "decision",
        /// The right address.
        Address = "address",
        /// The company at the address.
        Company = "company",
        /// The label's data are right.
        Same = "same",
        /// On which day, or until when.
        Until = "until",
        /// Where the recipient collects it.
        Place = "place",
        /// The recipient has been told.
        Informed = "informed",
        /// Who agreed: sender, recipient or receiver.
        AgreedBy = "agreed_by",
        /// The name of the person who agreed.
        Agreed = "agreed",
        /// Who pays.
        Payer = "payer",
        /// The photo of the confirmation letter.
        Letter = "letter",
        /// What is said of another's entry.
        Remark = "remark",
        /// Why that is said, by the pack's list.
        MarkReason = "mark_reason",
        /// What was done, or how it ended.
        Outcome = "outcome",
        /// The peer carrier, or the site that it was forwarded to.
        Carrier = "carrier",
        /// The number under which it travels on.
        OnwardNumber = "onward_number",
        /// How much money.
        Amount = "amount",
        /// The step that was done.
        Step = "step",
        /// Who is to act, or to take the parcel over.
        Assignee = "assignee",
        /// For when it is planned.
        PlannedAt = "planned_at",
        /// The entry whose place it takes.
        Replaces = "replaces",
        /// To what somebody agreed.
        AgreedTo = "agreed_to",
        /// What was said when they agreed: the new address, the amount.
        AgreedWords = "agreed_words",
        /// What the goods are.
        GoodsName = "goods_name",
        /// How the goods are packed.
        Packing = "packing",
        /// What the goods are worth.
        GoodsValue = "goods_value",
        /// What a line of finance's registers says.
        LedgerChange = "ledger_change",
        /// Which register.
        Book = "book",
        /// The receipt slip was taken back.
        SlipBack = "slip_back",
        /// The row of the evidence matrix that can not be had.
        Evidence = "evidence",
        /// The other number of the same parcel.
        AlsoKnownAs = "also_known_as",
        /// What was wrong with an entry.
        Fault = "fault",
        /// The entry whose act it is.
        SameAct = "same_act",
        /// Whether something stands, by head office's ruling.
        Stands = "stands",
        /// A party's share.
        Share = "share",
        /// From when a row of head office's list is in force.
        Since = "since",
        /// The network.
        NetworkCode = "network_code",
        /// The waybill.
        Waybill = "waybill",
        /// The origin outlet.
        OriginOutlet = "origin_outlet",
        /// The delivering outlet.
        DeliveringOutlet = "delivering_outlet",
        /// Cash to collect.
        CashToCollect = "cash_to_collect",
        /// The hash of the label's mobile with the case.
        LabelMark = "label_mark",
        /// The hash of the virtual number with the case.
        VirtualMark = "virtual_mark",
        /// The scheduled arrival at the delivering outlet.
        ArrivalDue = "arrival_due",
        /// When the waybill's data were in the system.
        EnteredAt = "entered_at",
        /// The version of head office's list.
        ListVersion = "list_version",
        /// The kind of an entry that this version does not know.
        NewerKind = "newer_kind",
    }
);

impl Label {
    /// Its words: the network's own, else the product's.
    pub fn words(self, pack: Option<&Pack>) -> Words {
        key_words(pack, self.as_str())
    }
}

/// The words of a key: the network's own, else the product's.
pub(super) fn key_words(pack: Option<&Pack>, key: &str) -> Words {
    pack.map_or_else(|| crate::words(key), |pack| pack.words(key))
}

words!(
    /// Whom a personal value is for: to reach them, or whose it is.
    Whom {
        /// It reaches the recipient: to call them, to find them, to write to them.
        Recipient = "recipient",
        /// The sender's own.
        Sender = "sender",
        /// Somebody's on the customers' side, whichever of them it was.
        Customer = "customer",
        /// An outlet's: a business number, and who answers it.
        Colleague = "colleague",
        /// Its author's own.
        Author = "author",
        /// For whoever works on the case: what people who work on it tell each other.
        Handlers = "handlers",
    }
);

words!(
    /// What sort of personal value it is. Each has its mask.
    Sort {
        /// A name, of a person or a company.
        Name = "name",
        /// A number.
        Phone = "phone",
        /// An address, or a place where somebody collects a parcel.
        Address = "address",
        /// A position on earth.
        Position = "position",
        /// A customer's words: they may hold an address, so they are hidden whole.
        CustomersWords = "customers_words",
        /// Words of those who work on the case: they stay, numbers in them are masked.
        StaffWords = "staff_words",
    }
);
