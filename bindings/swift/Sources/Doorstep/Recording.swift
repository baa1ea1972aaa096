import DoorstepBindings

/// What is done at the door and at the desk.
extension Doorstep {
    /// Records a failed delivery: durable on this device when it returns, sent by the next sync.
    ///
    /// - Parameters:
    ///   - waybill: as typed or scanned; a child number names the piece.
    ///   - reason: a code of ``rules()``.
    ///   - sub: a code of the reason's own list.
    ///   - words: what happened.
    ///   - photos: files; they are copied and stay the app's.
    /// - Throws: `DoorstepError.Rule` if the rules refuse it; nothing is recorded then, as if a photo can not be used.
    @discardableResult
    public func fail(
        _ waybill: String, reason: String, sub: String? = nil, words: String? = nil, photos: [PhotoFile] = []
    ) async throws -> Recorded {
        try await one(.fail(attempt: FailedDelivery(waybill: waybill, reason: reason, sub: sub, words: words)), photos: photos)
    }

    /// Asks for an SMS to the customer; a phone that can sends it with ``dispatchSms()`` or the next sync.
    @discardableResult
    public func sendSms(_ waybill: String, wish: SmsRequest = SmsRequest()) async throws -> Recorded {
        try await one(.sms(waybill: waybill, wish: wish))
    }

    /// Gives the origin outlet notice; `to` whom and with which `request` come from the parcel's data and the rules if they are not given.
    @discardableResult
    public func notifyOrigin(_ waybill: String, to: String? = nil, request: String? = nil) async throws -> Recorded {
        try await one(.notice(waybill: waybill, to: to, request: request))
    }

    /// Records what a person did, with photos: durable on this device when it returns, sent by the next sync. Nothing is recorded if the
    /// rules refuse it or a photo can not be used. Cancelling the task does not interrupt it: what was begun is recorded.
    ///
    /// - Parameter anyway: the person insists on what is refused because it would not count, contradicts the reply in force or ends a
    ///   case before its COD money is handed in.
    /// - Returns: the cases it concerns, in the command's order.
    @discardableResult
    public func record(_ command: Command, photos: [PhotoFile] = [], anyway: Bool = false) async throws -> [Recorded] {
        try await client.record(command: command, photos: photos, anyway: anyway)
    }

    /// A provisional number for a parcel whose label can not be read: unique without asking anybody.
    public func provisionalNumber() async throws -> String {
        try await client.provisionalNumber()
    }

    /// Records a command that concerns one parcel.
    private func one(_ command: Command, photos: [PhotoFile] = []) async throws -> Recorded {
        try await client.record(command: command, photos: photos)[0]
    }
}

/// Photos, as files.
extension Doorstep {
    /// Looks at a picture before it is recorded: too blurred, dark or bright to count, or no picture at all.
    public func lookAtPhoto(_ path: String) async throws -> PhotoLook {
        try await client.lookAtPhoto(path: path)
    }

    /// Fails if there is no room for a photo: ask before the camera opens.
    public func hasRoomForPhoto() async throws {
        try await client.hasRoomForPhoto()
    }

    /// What has become of this device's photos: those that are not settled, and why; `all`: the settled ones too.
    public func photos(all: Bool = false) async throws -> [PhotoRow] {
        try await client.photos(all: all)
    }

    /// Sends the waiting photos now, whatever the network costs.
    public func sendPhotosNow() async throws {
        try await client.sendPhotosNow()
    }

    /// Calls a missing photo lost, because a person knows that its file does not come back.
    ///
    /// - Parameter photo: its id.
    /// - Returns: `false`: it is not waiting, or its file is here.
    public func photoIsLost(_ photo: String) async throws -> Bool {
        try await client.photoIsLost(photo: photo)
    }

    /// Writes a photo or thumbnail to a file: from this device, or fetched now.
    ///
    /// - Parameters:
    ///   - photo: its id.
    ///   - path: the file; whole or not at all.
    ///   - cancel: stops it from elsewhere; cancelling the task raises it too.
    /// - Returns: `false`: it is not at the server yet, or not for this device to see, and no file is written.
    public func photoToFile(_ photo: String, path: String, cancel: Cancel = Cancel()) async throws -> Bool {
        try await stoppable(cancel) { try await client.photoToFile(photo: photo, path: path, cancel: cancel) }
    }
}

/// The customer's SMS.
extension Doorstep {
    /// The SMS to a recipient as it would be sent now.
    public func previewSms(_ waybill: String, wish: SmsRequest = SmsRequest()) async throws -> SmsDraft {
        try await client.previewSms(waybill: waybill, wish: wish)
    }

    /// Moves every SMS of this device on as far as it goes now. Each sync does it too; call it when cellular service came back.
    @discardableResult
    public func dispatchSms() async throws -> SmsMoved {
        try await client.dispatchSms()
    }

    /// Takes what the platform says of an SMS, by the reference that it was given. Said twice or too late, it changes nothing.
    public func smsResult(_ reference: String, _ outcome: SmsOutcome) async throws {
        try await client.smsResult(reference: reference, outcome: outcome)
    }

    /// Asks the server for the lease of an SMS whose attempt somebody else recorded, or that was left to the gateway; this device then
    /// sends it.
    ///
    /// - Parameters:
    ///   - waybill: its parcel.
    ///   - cancel: stops it from elsewhere; cancelling the task raises it too.
    public func leaseSms(_ waybill: String, cancel: Cancel = Cancel()) async throws {
        try await stoppable(cancel) { try await client.leaseSms(waybill: waybill, cancel: cancel) }
    }
}
