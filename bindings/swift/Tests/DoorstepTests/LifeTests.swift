import Doorstep
import DoorstepWorld
import Foundation
import Testing

/// The client's life: cancelling, closing, suspending, observing, and who waits meanwhile.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct LifeTests {
    @Test("what a killed process recorded is there when the store is opened again")
    func killing() async throws {
        try await Scene.play { scene in
            try await scene.courier().shutdown()
            let victim = try Program(program("doorstep-victim", in: "DOORSTEP_PROGRAMS"), [scene.store, waybill(3)])
            #expect(await victim.line() == "recorded")
            await victim.kill()
            let doorstep = try await scene.phone()
            #expect(try await doorstep.unsent().actions.map(\.waybill) == [waybill(3)])
        }
    }

    @Test("a reply of the origin outlet arrives through the stream of a case")
    func observing() async throws {
        try await Scene.play { scene in
            let doorstep = try await scene.courier()
            try await doorstep.fail(waybill(4), reason: "DF-NOBODY")
            try await doorstep.notifyOrigin(waybill(4))
            try doorstep.keepInSync(hints: true)
            for try await unsent in await doorstep.unsentUpdates() where unsent.actions.isEmpty { break }
            try await scene.world.tell("reply \(waybill(4))")
            var decided: CaseDetail?
            for try await shown in await doorstep.caseUpdates(of: waybill(4)) where shown?.decision != nil {
                decided = shown
                break
            }
            #expect(decided?.decision == "REDELIVER")
            #expect(decided?.timeline.contains { $0.words == "同址再派" } == true)
        }
    }

    @Test("streams end when the client is shut down, and when nobody iterates any more")
    func endingStreams() async throws {
        try await Scene.play { scene in
            let doorstep = try await scene.courier()
            let iterating = Task {
                var lists = 0
                for try await _ in await doorstep.caseUpdates() { lists += 1 }
                return lists
            }
            var changes = await doorstep.changes().makeAsyncIterator()
            #expect(await changes.next() != nil)
            try await doorstep.fail(waybill(5), reason: "DF-NOBODY")
            #expect(await changes.next() != nil)
            let cancelled = Task { for await _ in await doorstep.changes() {} }
            cancelled.cancel()
            await cancelled.value
            try await doorstep.shutdown()
            #expect(try await iterating.value <= 2)
            while await changes.next() != nil {}
            for await _ in await doorstep.changes() {}
        }
    }

    @Test("a cancelled task's sync stops, and the next one sends all")
    func cancellingTask() async throws {
        try await Scene.play { scene in
            let doorstep = try await scene.courier()
            try await doorstep.fail(waybill(1), reason: "DF-NOBODY")
            let syncing = try await scene.held(doorstep)
            syncing.cancel()
            await #expect(throws: CancellationError.self) { try await syncing.value }
            // It stopped: while the link is still held, another one gets as far as the server's door.
            let again = try await scene.held(doorstep)
            try await scene.world.tell("link up")
            _ = try await again.value
            #expect(try await doorstep.unsent().actions.isEmpty)
        }
    }

    @Test("a cancel handle ends a sync as cancelled")
    func cancellingHandle() async throws {
        try await Scene.play { scene in
            let (doorstep, cancel) = (try await scene.courier(), Cancel())
            let syncing = try await scene.held(doorstep, cancel: cancel)
            cancel.cancel()
            #expect(try await failure { try await syncing.value }.kind == "Cancelled")
            try await scene.world.tell("link up")
            try await doorstep.sync()
        }
    }

    @Test("closing ends a sync under way, and everything that returned is there afterwards")
    func closing() async throws {
        try await Scene.play { scene in
            let doorstep = try await scene.courier()
            let syncing = try await scene.held(doorstep)
            let recording = (0..<20).map { n in Task { try await doorstep.fail(waybill(n), reason: "DF-NOBODY").waybill } }
            try await doorstep.shutdown()
            #expect(try await failure { try await syncing.value }.kind == "Closed")
            var kept: Set<String> = []
            for record in recording {
                switch await record.result {
                case .success(let waybill): kept.insert(waybill)
                case .failure(let error): #expect((error as? DoorstepError)?.kind == "Closed")
                }
            }
            #expect(try await failure { try await doorstep.unsent() }.kind == "Closed")
            let again = try await scene.phone()
            #expect(kept.isSubset(of: try await again.allCases().map(\.waybill)))
        }
    }

    @Test("a folder opened twice is one client")
    func sharing() async throws {
        try await Scene.play { scene in
            let doorstep = try await scene.courier()
            let again = try await Doorstep.open(ClientConfig(folder: "\(scene.store)/../phone/."))
            var changes = await doorstep.changes().makeAsyncIterator()
            #expect(await changes.next() != nil)
            try await again.fail(waybill(2), reason: "DF-NOBODY")
            #expect(await changes.next() != nil)
            #expect(try await doorstep.unsent().actions.map(\.waybill) == [waybill(2)])
            try await again.shutdown()
            #expect(try await failure { try await doorstep.unsent() }.kind == "Closed")
            while await changes.next() != nil {}
            for await _ in await doorstep.changes() {}
        }
    }

    @Test("the main actor ticks while a sync that it began is held")
    func ticking() async throws {
        try await Scene.play { scene in
            let doorstep = try await scene.courier()
            try await scene.world.tell("link hold")
            let syncing = Task { @MainActor in try await doorstep.sync() }
            try await scene.world.tell("reached")
            let ticking = Task { @MainActor in
                for _ in 0..<1_000 { await Task.yield() }
                return try await doorstep.unsent().actions.count
            }
            #expect(try await ticking.value == 0)
            // Still held: it ends as cancelled, and not by itself.
            syncing.cancel()
            await #expect(throws: CancellationError.self) { try await syncing.value }
        }
    }

    #if os(Linux)
    @Test("a suspended client has no file open, and goes on when it is resumed")
    func suspending() async throws {
        try await Scene.play { scene in
            let doorstep = try await scene.courier()
            try await doorstep.fail(waybill(3), reason: "DF-NOBODY")
            let syncing = try await scene.held(doorstep)
            try doorstep.keepInSync()
            #expect(openFiles(below: scene.store) != [])
            try await doorstep.suspend()
            #expect(openFiles(below: scene.store) == [])
            #expect(try await failure { try await syncing.value }.kind == "Suspended")
            #expect(try await failure { try await doorstep.fail(waybill(4), reason: "DF-NOBODY") }.kind == "Suspended")
            let unsent = await doorstep.unsentUpdates()
            try await scene.world.tell("link up")
            try await doorstep.resume()
            for try await unsent in unsent where unsent.actions.isEmpty { break }
            #expect(try await scene.world.cases().keys.sorted() == [waybill(3)])
        }
    }

    private func openFiles(below folder: String) -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        let names = files.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") }
        return names.filter { $0.hasPrefix(folder) }
    }
    #endif

    @Test("a thousand cases come page by page, each once, by deadline")
    func paging() async throws {
        try await Scene.play(parcels: 1_100) { scene in
            let doorstep = try await scene.courier()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for n in 0..<1_000 { group.addTask { try await doorstep.fail(waybill(n), reason: "DF-NOBODY") } }
                try await group.waitForAll()
            }
            var cases: [CaseSummary] = [], after: String?, pages = 0
            repeat {
                let page = try await doorstep.cases(after: after, limit: 100)
                (cases, after, pages) = (cases + page.cases, page.next, pages + 1)
            } while after != nil
            #expect(pages >= 10)
            #expect(cases.map(\.waybill).sorted() == (0..<1_000).map(waybill))
            let due = cases.map { $0.dueAtMs ?? .max }
            #expect(due == due.sorted())
            #expect(try await doorstep.allCases() == cases)
        }
    }
}
