//! Labels of the lines of an entry's content, and the sorts of personal values.

use doorstep_domain::words;

use crate::{Pack, Words};

words!(
    /// The label of a line. Apps use its spelling; its displayed words are in `words.toml`.
    Label {
        /// The reason of a failed delivery, or the problem type.
        Reason = "reason",
        /// The sub-reason.
        SubReason = "sub_reason",
        /// Remarks in a person's words.
        Words = "words",
        /// The piece of a shipment that it is about.
        Piece = "piece",
        /// The amount that the recipient offered.
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
        /// When a call began.
        CalledAt = "called_at",
        /// How long a call was.
        CallLength = "call_length",
        /// What a photo shows.
        Shows = "shows",
        /// The photo.
        Photo = "photo",
        /// The thumbnail, which is sent first.
        Thumbnail = "thumbnail",
        /// A ThumbHash, which is shown until the thumbnail arrives.
        Placeholder = "placeholder",
        /// The photo from which it was made by drawing or cutting.
        MadeFrom = "made_from",
        /// Where the app got the picture from.
        PhotoSource = "photo_source",
        /// The time of the photo, by its camera.
        TakenAt = "taken_at",
        /// The position of the photo, by its camera.
        TakenWhere = "taken_where",
        /// The camera.
        Camera = "camera",
        /// How sharp the picture is.
        Sharpness = "sharpness",
        /// How bright it is.
        Brightness = "brightness",
        /// Perceptual hash: similar pictures differ in few bits.
        Look = "look",
        /// The entry or finding that it refers to.
        About = "about",
        /// The day of the attempt that an SMS proves.
        SmsDay = "sms_day",
        /// The template of an SMS.
        Template = "template",
        /// The version of its template.
        TemplateVersion = "template_version",
        /// The number to which an SMS is sent.
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
        /// The state of an SMS.
        SmsState = "sms_state",
        /// The number of the try, from 1.
        Try = "try",
        /// The way of sending an SMS.
        SmsWay = "sms_way",
        /// The installation that has the lease of an SMS.
        LeaseHolder = "lease_holder",
        /// Why an SMS failed or was not sent.
        SmsFault = "sms_fault",
        /// The operator's time.
        OperatorTime = "operator_time",
        /// The customer wants no more messages.
        OptOut = "sms_opt_out",
        /// The outlet that a notice is for.
        NoticeTo = "notice_to",
        /// How the target of a notice was found.
        TargetSource = "target_source",
        /// The decision that is requested.
        Request = "request",
        /// The cause of an outage.
        OutageReason = "outage_reason",
        /// A contact person: in a reply the recipient's, in an outage the person who answered the phone.
        Contact = "contact",
        /// A number: in a reply the one that reaches the recipient, in an outage the one that was called.
        Phone = "phone",
        /// When the call was.
        PhonedAt = "phoned_at",
        /// The outlet that was called.
        OutletCalled = "outlet_called",
        /// Notes of the phone call.
        Said = "said",
        /// The origin outlet's decision.
        Decision = "decision",
        /// The correct address.
        Address = "address",
        /// The company at the address.
        Company = "company",
        /// The label's data are right.
        Same = "same",
        /// The day, or the end of the period.
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
        /// The remark on another person's entry.
        Remark = "remark",
        /// The reason for a mark, from the pack's list.
        MarkReason = "mark_reason",
        /// The action, or the end of the case.
        Outcome = "outcome",
        /// The peer carrier, or the site that it was forwarded to.
        Carrier = "carrier",
        /// The number under which it travels on.
        OnwardNumber = "onward_number",
        /// An amount of money.
        Amount = "amount",
        /// The step that was done.
        Step = "step",
        /// The person who shall act or take the parcel over.
        Assignee = "assignee",
        /// The planned time.
        PlannedAt = "planned_at",
        /// The entry that it replaces.
        Replaces = "replaces",
        /// The outcome to which somebody agreed.
        AgreedTo = "agreed_to",
        /// Details of the consent, such as the new address or the amount.
        AgreedWords = "agreed_words",
        /// The name of the goods.
        GoodsName = "goods_name",
        /// The packing of the goods.
        Packing = "packing",
        /// The value of the goods.
        GoodsValue = "goods_value",
        /// The change in a line of finance's registers.
        LedgerChange = "ledger_change",
        /// The register.
        Book = "book",
        /// The receipt slip was taken back.
        SlipBack = "slip_back",
        /// The row of the evidence matrix that cannot be satisfied.
        Evidence = "evidence",
        /// The other number of the same parcel.
        AlsoKnownAs = "also_known_as",
        /// The error in an entry.
        Fault = "fault",
        /// The other entry of the same act.
        SameAct = "same_act",
        /// Head office's decision on a finding, mark or conflict.
        Stands = "stands",
        /// A party's share.
        Share = "share",
        /// When a row of head office's list came into force.
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
        /// When the waybill's data were first in the system.
        EnteredAt = "entered_at",
        /// The version of head office's list.
        ListVersion = "list_version",
        /// The outlet or hub that is asked.
        Asked = "asked",
        /// The answer of an outlet or hub that was asked.
        Result = "result",
        /// The parcel is at the answering outlet.
        Here = "here",
        /// The outlet to which the parcel is sent on.
        Site = "site",
        /// The run with which the parcel leaves.
        Run = "run",
        /// The state of the other case.
        State = "state",
        /// The kind of an entry that this version does not know.
        NewerKind = "newer_kind",
    }
);

impl Label {
    /// The displayed words: the network's own, else the product's.
    pub fn words(self, pack: Option<&Pack>) -> Words {
        key_words(pack, self.as_str())
    }
}

/// The words of a key: the network's own, else the product's.
pub(super) fn key_words(pack: Option<&Pack>, key: &str) -> Words {
    pack.map_or_else(|| crate::words(key), |pack| pack.words(key))
}

words!(
    /// The person whom a personal value concerns.
    Whom {
        /// The recipient: a value for calling, finding or writing to them.
        Recipient = "recipient",
        /// The sender.
        Sender = "sender",
        /// Somebody on the customers' side.
        Customer = "customer",
        /// An outlet: a business number, or the person who answers it.
        Colleague = "colleague",
        /// The author.
        Author = "author",
        /// The people who work on the case, for their messages to each other.
        Handlers = "handlers",
    }
);

words!(
    /// The sort of a personal value. Each sort has its mask.
    Sort {
        /// A name, of a person or a company.
        Name = "name",
        /// A number.
        Phone = "phone",
        /// An address, or a place where somebody collects a parcel.
        Address = "address",
        /// A position on earth.
        Position = "position",
        /// A customer's words. They may have an address, so they are hidden as a whole.
        CustomersWords = "customers_words",
        /// Words of people who work on the case. Only numbers in them are masked.
        StaffWords = "staff_words",
    }
);
