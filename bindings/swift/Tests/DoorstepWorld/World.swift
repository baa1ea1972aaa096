import Foundation

/// A program that a test speaks to over its standard input and output, line by line.
public final class Program: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe(), output = Pipe()
    /// One question at a time, on a thread that may wait.
    private let queue = DispatchQueue(label: "doorstep.program")
    private var unread = Data()
    private let ended: AsyncStream<Int32>

    public init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        signal(SIGPIPE, SIG_IGN)
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = output
        let (ended, end) = AsyncStream.makeStream(of: Int32.self)
        self.ended = ended
        process.terminationHandler = { process in
            end.yield(process.terminationStatus)
            end.finish()
        }
        try process.run()
    }

    /// A line that it printed; `nil` at its end.
    public func line() async -> String? {
        await withCheckedContinuation { done in
            queue.async { done.resume(returning: self.readLine()) }
        }
    }

    /// Its answer to a line.
    func answer(_ question: String) async -> String? {
        await withCheckedContinuation { done in
            queue.async {
                try? self.input.fileHandleForWriting.write(contentsOf: Data("\(question)\n".utf8))
                done.resume(returning: self.readLine())
            }
        }
    }

    /// Ends its input, and returns its status when it has ended.
    @discardableResult
    public func end() async -> Int32 {
        try? input.fileHandleForWriting.close()
        for await status in ended { return status }
        return -1
    }

    /// Kills it, without a chance to tidy up.
    public func kill() async {
        _ = Foundation.kill(process.processIdentifier, SIGKILL)
        await end()
    }

    private func readLine() -> String? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread = Data(unread[(end + 1)...]) }
                return String(decoding: unread[..<end], as: UTF8.self)
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            unread += more
        }
    }
}

/// The folder of built programs, and of this package's own.
public func program(_ name: String, in variable: String = "DOORSTEP_BIN") -> String {
    "\(ProcessInfo.processInfo.environment[variable]!)/\(name)"
}

/// The waybill of the nth parcel.
public func waybill(_ n: Int) -> String {
    let digits = String(n)
    return "QH" + String(repeating: "0", count: 12 - digits.count) + digits
}

/// A small network: a `doorstep-world` process.
public final class World: Sendable {
    public struct Failed: Error { let answer: String }
    public let url: String
    private let process: Program

    public init(_ folder: String, parcels: Int) async throws {
        process = try Program(program("doorstep-world"), [folder, String(parcels)])
        url = try Self.read(await process.line())["url"] as! String
    }

    /// A command that is done when this returns.
    public func tell(_ command: String) async throws {
        _ = try await ask(command)
    }

    /// A one-time code.
    public func code(_ user: String = "c1") async throws -> String {
        try await ask("code \(user)")["code"] as! String
    }

    /// What head office has: attempts by waybill.
    public func cases() async throws -> [String: Int] {
        let cases = try await ask("cases")["cases"] as! [[String: Any]]
        return Dictionary(uniqueKeysWithValues: cases.map { ($0["waybill"] as! String, $0["attempts"] as! Int) })
    }

    public func end() async {
        await process.end()
    }

    private func ask(_ command: String) async throws -> [String: Any] {
        try Task.checkCancellation()  // A test that is past its limit asks nothing more.
        return try Self.read(await process.answer(command))
    }

    private static func read(_ line: String?) throws -> [String: Any] {
        let answer = try line.flatMap { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        guard let answer, answer["error"] == nil else { throw Failed(answer: line ?? "nothing") }
        return answer
    }
}
