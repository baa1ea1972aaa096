import Doorstep
import DoorstepWorld
import Testing

/// The page that people read first. `run` takes its code out of it: the quick start as a program, the rest as `readme`.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct ReadmeTests {
    @Test("the quick start ends with a recorded failed delivery")
    func quickStart() async throws {
        try await Scene.play { scene in
            let given = [scene.store, scene.world.url, try await scene.world.code()]
            let quickStart = try Program(program("doorstep-quick-start", in: "DOORSTEP_PROGRAMS"), given)
            #expect(await quickStart.line() == "\(waybill(0)) registered")
            #expect(await quickStart.end() == 0)
            #expect(try await scene.world.cases()[waybill(0)] == 1)
        }
    }

    @Test("every other block of the page works", arguments: readme.indices)
    func block(_ index: Int) async throws {
        try await Scene.play { scene in
            let doorstep = try await scene.courier()
            _ = try await scene.picture()
            try await doorstep.fail(waybill(1), reason: "DF-NOBODY")
            try await readme[index](doorstep, scene.folder, waybill(1))
        }
    }
}
