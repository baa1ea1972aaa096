import DoorstepBindings

/// Who is at the device.
extension Doorstep {
    /// Redeems a one-time code from head office, then fetches rules, directory, parcels and cases. On an outlet's tablet a second person's
    /// code adds them. Cancelled while it fetches, the device is enrolled and the rest comes with the next sync.
    ///
    /// - Parameters:
    ///   - server: where head office is: `https://...`.
    ///   - code: the one-time code.
    ///   - cancel: stops it from elsewhere; cancelling the task raises it too.
    @discardableResult
    public func enrol(server: String, code: String, cancel: Cancel = Cancel()) async throws -> Person {
        try await stoppable(cancel) { try await client.enrol(server: server, code: code, cancel: cancel) }
    }

    /// Who is signed in; on a locked device the last one who was; `nil` before enrolment.
    public func person() async throws -> Person? {
        try await client.person()
    }

    /// Everybody who was enrolled on this device.
    public func people() async throws -> [Person] {
        try await client.people()
    }

    /// Whether somebody must unlock first: the shift has ended, or nobody has unlocked yet.
    public func isLocked() async throws -> Bool {
        try await client.isLocked()
    }

    /// Sets the PIN of the person who is signed in: 4 to 12 digits.
    public func setPin(_ pin: String) async throws {
        try await client.setPin(pin: pin)
    }

    /// Signs a person in with their PIN, until the shift ends. After five wrong ones only a new code from head office unlocks.
    public func unlock(user: String, pin: String) async throws {
        try await client.unlock(user: user, pin: pin)
    }

    /// Signs a person in because the platform vouches for them (finger, face, device passcode), until the shift ends.
    public func unlockByPlatform(user: String) async throws {
        try await client.unlockByPlatform(user: user)
    }

    /// Locks: recording and reading wait for the next unlock. What is unsent is sent all the same.
    public func lock() async throws {
        try await client.lock()
    }
}
