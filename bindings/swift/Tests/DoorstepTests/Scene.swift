import Doorstep
import DoorstepWorld
import Foundation
import Testing

/// What most tests need: a folder of their own, a world, and a courier's phone.
actor Scene {
    nonisolated let folder: String
    nonisolated let world: World
    nonisolated var store: String { "\(folder)/phone" }
    private var opened: [Doorstep] = []

    private init(parcels: Int) async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("doorstep-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        world = try await World("\(folder)/world", parcels: parcels)
    }

    /// The courier's phone, opened.
    func phone(_ platform: Platform = Platform()) async throws -> Doorstep {
        let doorstep = try await Doorstep.open(ClientConfig(folder: store), platform: platform)
        opened.append(doorstep)
        return doorstep
    }

    /// The courier's phone, enrolled.
    func courier(_ platform: Platform = Platform()) async throws -> Doorstep {
        let doorstep = try await phone(platform)
        try await doorstep.enrol(server: world.url, code: try await world.code())
        return doorstep
    }

    /// Another person's device, enrolled.
    func device(of user: String) async throws -> Doorstep {
        let doorstep = try await Doorstep.open(ClientConfig(folder: "\(folder)/\(user)"), platform: Platform())
        opened.append(doorstep)
        try await doorstep.enrol(server: world.url, code: try await world.code(user))
        return doorstep
    }

    /// A picture as a camera leaves it.
    nonisolated func picture(_ name: String = "door.jpg") async throws -> PhotoFile {
        try await world.tell("photo \(folder)/\(name)")
        return PhotoFile(path: "\(folder)/\(name)")
    }

    /// What the store's files hold together.
    nonisolated var bytesInStore: UInt64 {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: store)) ?? []
        let files = names.compactMap { try? FileManager.default.attributesOfItem(atPath: "\(store)/\($0)") }
        return files.filter { $0[.type] as? FileAttributeType == .typeRegular }.map { ($0[.size] as? NSNumber)?.uint64Value ?? 0 }.reduce(0, +)
    }

    /// A sync that has reached the server's door and waits there.
    nonisolated func held(_ doorstep: Doorstep, cancel: Cancel = Cancel()) async throws -> Task<SyncSummary, any Error> {
        try await world.tell("link hold")
        let syncing = Task { try await doorstep.sync(cancel: cancel) }
        try await world.tell("reached")
        return syncing
    }

    private func end() async {
        for doorstep in opened { try? await doorstep.shutdown() }
        await world.end()
        try? FileManager.default.removeItem(atPath: folder)
    }

    static func play(parcels: Int = 40, _ test: @Sendable (Scene) async throws -> Void) async throws {
        let scene = try await Scene(parcels: parcels)
        // What waits for a network that never answers fails with it; what waits for a change is cancelled by the suite's limit.
        let limit = Task {
            try await Task.sleep(for: .seconds(60))
            await scene.world.end()
        }
        defer { limit.cancel() }
        do {
            try await test(scene)
        } catch {
            await scene.end()
            throw error
        }
        await scene.end()
    }
}

/// The error that a call throws; the test fails if it throws none of this library.
func failure(
    _ call: () async throws -> some Any, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> DoorstepError {
    do {
        _ = try await call()
    } catch let error as DoorstepError {
        return error
    }
    return try #require(nil as DoorstepError?, "nothing was thrown", sourceLocation: sourceLocation)
}

extension DoorstepError {
    /// Its kind, as a word.
    var kind: String { Mirror(reflecting: self).children.first!.label! }
}
