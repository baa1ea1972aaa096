import DoorstepBindings

/// Logging, for the whole process.
extension Doorstep {
    /// Sets up logging, before anything else; without it nothing is logged. The last call counts. No line can hold personal data.
    ///
    /// - Parameters:
    ///   - config: what is logged, and the file for support.
    ///   - sink: takes each line, on a thread of its own; it may not log back, and what it throws is ignored.
    public static func logging(_ config: LogConfig, to sink: (any LogSink)? = nil) throws {
        try initLogging(config: config, sink: sink)
    }

    /// Returns when every line so far is in the file and with the sink: before a file for support is handed on.
    public static func flushLogs() async throws {
        try await DoorstepBindings.flushLogs()
    }
}
