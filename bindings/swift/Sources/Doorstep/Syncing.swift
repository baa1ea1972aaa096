import DoorstepBindings

/// In step with head office.
extension Doorstep {
    /// Sends what is unsent, fetches what is new, uploads photos; one at a time, whoever asks. Cancelled, it stops and loses nothing.
    ///
    /// - Parameter cancel: stops it from elsewhere, as `DoorstepError.Cancelled`; cancelling the task raises it too.
    /// - Throws: `DoorstepError.Network` if head office can not be reached: everything is kept and will be sent. `CancellationError` if
    ///   the task is cancelled.
    @discardableResult
    public func sync(cancel: Cancel = Cancel()) async throws -> SyncSummary {
        try await stoppable(cancel) { try await client.sync(cancel: cancel) }
    }

    /// Keeps this device in sync by itself until it is stopped or shut down; failures are waited out and shown by ``unsent()``.
    ///
    /// - Parameter hints: also listen for the server's word that something moved: for a tablet on a desk; a phone holds no connection open.
    public nonisolated func keepInSync(hints: Bool = false) throws {
        try client.keepInSync(hints: hints)
    }

    /// Ends keeping in sync.
    public nonisolated func stopKeepingInSync() throws {
        try client.stopKeepingInSync()
    }

    /// Network, cellular service or power changed: what waited for that is tried now.
    public func connectivityChanged() async throws {
        try await client.connectivityChanged()
    }

    /// What head office has not confirmed.
    public func unsent() async throws -> UnsentSummary {
        try await client.unsent()
    }
}
