import Doorstep
import DoorstepWorld
import Foundation

// Prints what calls cost; holds nothing against a bound. With a folder, lists its cases once: for the time from a process's start.
if CommandLine.arguments.count > 1 {
    _ = try await Doorstep.open(ClientConfig(folder: CommandLine.arguments[1])).cases()
    exit(0)
}

/// Prints how long one call out of many takes.
func timed(_ what: String, _ count: Int, _ call: (Int) async throws -> Void) async throws {
    let begun = ContinuousClock.now
    for n in 0..<count { try await call(n) }
    let ms = (ContinuousClock.now - begun) / .milliseconds(1) / Double(count)
    let column = what.padding(toLength: 48, withPad: " ", startingAt: 0)
    print(column + String(format: " %9.3f ms %9.0f a second", ms, 1000 / ms))
}

func list(_ doorstep: Doorstep, pages: Int) async throws {
    var after: String?
    repeat { after = try await doorstep.cases(after: after, limit: pages).next } while after != nil
}

let folder = FileManager.default.temporaryDirectory.appendingPathComponent("doorstep-bench-\(UUID())").path
try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
let world = try await World("\(folder)/world", parcels: 1_200)
let doorstep = try await Doorstep.open(ClientConfig(folder: "\(folder)/phone"))
try await doorstep.enrol(server: world.url, code: world.code())
try await timed("record a failure, durable", 1_000) { try await doorstep.fail(waybill($0), reason: "DF-NOBODY") }
try await timed("a call that waits for nothing", 20_000) { _ in _ = try doorstep.recordAgain() }
try await timed("an async call that reads storage", 5_000) { _ in _ = try await doorstep.isLocked() }
try await timed("1,000 cases in pages of 100", 10) { _ in try await list(doorstep, pages: 100) }
try await timed("1,000 cases in pages of 500", 10) { _ in try await list(doorstep, pages: 500) }
try await world.tell("photo \(folder)/door.jpg")
let photos = [PhotoFile(path: "\(folder)/door.jpg")]
try await timed("a failure with a photo (300 KB kept), by path", 10) {
    try await doorstep.fail(waybill(1_000 + $0), reason: "DF-NOBODY", photos: photos)
}
try await doorstep.shutdown()
try await timed("from a process's start to its first list", 3) { _ in
    _ = try await Program(CommandLine.arguments[0], ["\(folder)/phone"]).end()
}
await world.end()
try FileManager.default.removeItem(atPath: folder)
