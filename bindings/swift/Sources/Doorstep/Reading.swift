import DoorstepBindings

/// What there is.
extension Doorstep {
    /// A page of today's parcels by waybill: at most `limit` (1 to 500) of those after the waybill `after`.
    public func parcels(after: String? = nil, limit: Int = 100) async throws -> [ParcelRow] {
        try await client.parcels(after: after, limit: page(of: limit))
    }

    /// An outlet of the directory by its code; `nil` if it is not there.
    public func outlet(_ code: String) async throws -> OutletRow? {
        try await client.outlet(code: code)
    }

    /// The sheet of the person's own outlet for a day such as `2026-03-02`, without one of today; `nil` if nothing of it is here.
    public func sheet(day: String? = nil) async throws -> SheetDetail? {
        try await client.sheet(day: day)
    }

    /// Writes a signed note into the sheet of a day, without one of today: durable on this device when it returns.
    public func noteSheet(_ words: String, day: String? = nil) async throws {
        try await client.noteSheet(words: words, day: day)
    }

    /// Opens a day of the person's own outlet, without one today.
    public func openSheet(words: String? = nil, day: String? = nil) async throws {
        try await client.openSheet(words: words, day: day)
    }

    /// The rules in force now, with the codes for the pickers; `nil` until the first sync.
    public func rules() async throws -> RuleSummary? {
        try await client.rules()
    }

    /// The words for keys such as a state, a step or a flag, in their order; a key itself where there are none.
    public func words(for keys: [String]) async throws -> [Bilingual] {
        try await client.words(keys: keys)
    }

    /// A page of cases by whose turn it is, at most `limit` (1 to 500): the first, or the one after a page's `next`.
    public func cases(_ filter: CaseFilter = CaseFilter(), after: String? = nil, limit: Int = 100) async throws -> CasePage {
        try await client.cases(filter: filter, after: after, limit: page(of: limit))
    }

    /// All cases by whose turn it is, each once.
    public func allCases(_ filter: CaseFilter = CaseFilter()) async throws -> [CaseSummary] {
        try await client.allCases(filter)
    }

    /// One case by its waybill or a child number; `nil` if nothing is recorded of it here.
    public func `case`(_ waybill: String) async throws -> CaseDetail? {
        try await client.case(waybill: waybill)
    }

    /// The couriers to whom a parcel can be assigned; empty if this device does not know the outlet's people.
    public func assignable(_ waybill: String) async throws -> [Assignable] {
        try await client.assignable(waybill: waybill)
    }

    /// Why a case stands as it does: the facts and the rule behind each deadline, gap, finding and contradiction. Works offline.
    public func explain(_ waybill: String) async throws -> [Explained] {
        try await client.explain(waybill: waybill)
    }

    /// What a registration would ask for if it were recorded now: evidence, clocks, steps, outcomes, the SMS, the origin outlet's number.
    /// It records nothing.
    public func reasonNeeds(_ question: ReasonQuestion) async throws -> ReasonNeeds {
        try await client.reasonNeeds(question: question)
    }

    /// The moments until `untilMs` at which the app must speak up, the earliest first. Schedule them, and ask again after each change and
    /// when the network comes or goes.
    public func alarms(untilMs: Int64) async throws -> [AlarmRow] {
        try await client.alarms(untilMs: untilMs)
    }

    /// What is new in the list since this was asked last, case by case. The first call after opening answers with nothing: ask once after
    /// opening, and then after each change.
    public func news() async throws -> [NewsRow] {
        try await client.news()
    }

    /// The ledgers of the person's own outlet from one day to another, both included, as ISO dates; without any day, of today. Of one
    /// ledger if one is named: `cod` or `freight_collect`.
    public func ledger(fromDay: String? = nil, toDay: String? = nil, book: String? = nil) async throws -> LedgerDays {
        try await client.ledger(fromDay: fromDay, toDay: toDay, book: book)
    }
}

extension DoorstepClient {
    /// A case that moves between two pages may come twice: the first counts.
    func allCases(_ filter: CaseFilter) async throws -> [CaseSummary] {
        var all: [CaseSummary] = [], seen: Set<String> = [], after: String?
        repeat {
            let page = try await cases(filter: filter, after: after, limit: 500)
            all += page.cases.filter { seen.insert($0.waybill).inserted }
            after = page.next
        } while after != nil
        return all
    }
}
