import Doorstep
import Foundation

/// What a fake remembers: it is asked on threads of the library.
class Guarded<State>: @unchecked Sendable {
    private var state: State
    private let lock = NSLock()

    init(_ state: State) {
        self.state = state
    }

    func with<T>(_ use: (inout State) throws -> T) rethrows -> T {
        try lock.withLock { try use(&state) }
    }
}

/// Thrown where an app's own code fails.
struct Broken: Error {
    var text = "key of 李明"
}

/// A fault that the platform tells.
enum Fault: Error {
    case word(String)
}

/// A phone without service until it is told what it does with an SMS.
final class Phone: Guarded<(sending: (@Sendable () throws -> Void)?, sent: [SmsToSend])>, SmsPlatform, @unchecked Sendable {
    var sent: [SmsToSend] { with { $0.sent } }

    init() {
        super.init((nil, []))
    }

    func will(_ sending: @escaping @Sendable () throws -> Void) {
        with { $0.sending = sending }
    }

    func canSend() -> Bool { with { $0.sending != nil } }

    func send(message: SmsToSend) throws -> String? {
        do {
            try with {
                try $0.sending?()
                $0.sent.append(message)
            }
        } catch Fault.word(let word) {
            return word
        }
        return nil
    }
}

/// Fails at everything that it is asked, and knows what that was.
final class ThrowingPart: Guarded<Set<String>>, ChangeListener, Location, DeviceClock, DeviceKey, @unchecked Sendable {
    var asked: Set<String> { with { $0 } }

    init() {
        super.init([])
    }

    private func fail(_ what: String) throws -> Never {
        with { _ = $0.insert(what) }
        throw Broken()
    }

    func changed() throws { try fail("changed") }
    func position() throws -> Position? { try fail("position") }
    func now() throws -> ClockReading { try fail("now") }
    func publicKey() -> Data { Data([4] + [UInt8](repeating: 0, count: 64)) }
    func sign(message: Data) throws -> Data { try fail("sign") }
}

/// Counts how often it is asked.
final class Here: Guarded<Int>, Location, @unchecked Sendable {
    var asked: Int { with { $0 } }

    init() {
        super.init(0)
    }

    func position() -> Position? {
        with { $0 += 1 }
        return Position(latitude: 30.28, longitude: 120.15)
    }
}

/// Keeps the lines, and throws after each.
final class Sink: Guarded<[String]>, LogSink, @unchecked Sendable {
    var lines: [String] { with { $0 } }

    init() {
        super.init([])
    }

    func log(record: LogRecord) throws {
        with { $0.append("\(record.level) \(record.target) \(record.text)") }
        throw Broken()
    }
}

extension Doorstep {
    /// The only SMS of a case.
    func message(_ waybill: String) async throws -> MessageRow {
        let messages = try await self.case(waybill)?.messages ?? []
        return messages.count == 1 ? messages[0] : MessageRow(
            entry: "", number: "", state: "\(messages.count) messages", told: Bilingual(zh: "", en: ""), counts: false, fault: nil, sentAtMs: nil)
    }
}
