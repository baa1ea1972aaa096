@_exported import DoorstepBindings

/// A field client on one folder: records what a courier or an outlet does, durable on this device when a call returns, and brings it to head
/// office when there is a network.
///
/// Open one for the process and keep it. A folder opened again gives the same client under whatever spelling; closing one closes both. Any
/// call may be made from anywhere, the main actor too: the work runs on threads of the library.
///
/// Calls throw `DoorstepError`, whose kind says what to do and whose `zh` and `en` are for the person. Times are milliseconds since 1970,
/// UTC; money is in fen. What is said in words, names, numbers and addresses are personal data: for the screen, never for a log.
///
/// It is an actor for the streams that it has to end. Its calls do not wait for one another: it is free whenever one of them waits for the
/// library.
public actor Doorstep {
    nonisolated let client: DoorstepClient
    /// Streams of changes that somebody listens to; `nil` after shutting down.
    var listening: [ObjectIdentifier: AsyncStream<Void>.Continuation]? = [:]

    private init(_ client: DoorstepClient) {
        self.client = client
    }

    /// Opens or creates the store in a folder; a damaged one is repaired first. Touches no network. If the folder is open in this process
    /// already, it is that client, with the ``Platform`` that it was opened with.
    public static func open(_ config: ClientConfig, platform: Platform = Platform()) async throws -> Doorstep {
        Doorstep(
            try await openClient(
                config: config, deviceKey: platform.deviceKey, databaseKey: platform.databaseKey, connectivity: platform.connectivity,
                location: platform.location, clock: platform.clock, sms: platform.sms))
    }

    /// Closes the store for the time that the app is in the background: no file is open and no lock is held when this returns, so that iOS
    /// has no reason to end the process. Calls on local storage are finished first; calls that wait for the network end with
    /// `DoorstepError.Suspended`, as does every call until ``resume()``. Twice is fine.
    ///
    /// Call it when the app goes to the background, within a background task, which gives it the time it needs:
    ///
    /// ```swift
    /// func applicationDidEnterBackground(_ application: UIApplication) {
    ///     let time = application.beginBackgroundTask()
    ///     Task {
    ///         try? await doorstep.suspend()
    ///         application.endBackgroundTask(time)
    ///     }
    /// }
    ///
    /// func applicationWillEnterForeground(_ application: UIApplication) {
    ///     Task { try await doorstep.resume() }
    /// }
    /// ```
    public func suspend() async throws {
        try await client.suspend()
    }

    /// Opens the store again after ``suspend()``, and goes on keeping in sync if it did. Without a suspension it does nothing.
    public func resume() async throws {
        try await client.resume()
    }

    /// Shuts down for good: calls under way that wait for the network end with `DoorstepError.Closed`, as does every later call; streams
    /// end. Twice is fine, and the folder may be opened again afterwards.
    public func shutdown() async throws {
        let streams = listening ?? [:]
        listening = nil
        defer { streams.values.forEach { $0.finish() } }
        try await client.shutdown()
    }

    /// Waybills of which something unsent was lost because the store had been damaged: to be recorded again.
    public nonisolated func recordAgain() throws -> [String] {
        try client.recordAgain()
    }

    /// Runs a call that waits for the network. The generated code does not pass on that a task is cancelled, so this does: the call ends,
    /// and as `CancellationError`. Stopped by the handle alone, it ends as `DoorstepError.Cancelled`.
    func stoppable<T: Sendable>(_ cancel: Cancel, _ call: () async throws -> T) async throws -> T {
        try await withTaskCancellationHandler {
            do {
                return try await call()
            } catch DoorstepError.Cancelled where Task.isCancelled {
                throw CancellationError()
            }
        } onCancel: {
            cancel.cancel()
        }
    }
}

/// How many rows a page has.
func page(of limit: Int) -> UInt32 {
    UInt32(min(max(limit, 1), 500))
}
