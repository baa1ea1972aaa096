import Doorstep
import DoorstepWorld
import Foundation
import Testing

/// At the door: recording offline, photos, sync, what head office has.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct DoorTests {
    @Test("a code enrols and brings person, parcels and rules")
    func enrolling() async throws {
        try await Scene.play { scene in
            let doorstep = try await scene.courier()
            let person = try #require(try await doorstep.person())
            #expect([person.user, person.name, person.role, person.outlet] == ["c1", "李明", "courier", "0412"])
            var parcels: [ParcelRow] = []
            while case let page = try await doorstep.parcels(after: parcels.last?.waybill, limit: 15), !page.isEmpty { parcels += page }
            #expect(parcels.map(\.waybill) == (0..<40).map(waybill))
            #expect(parcels[7].recipientName == "王小花" && parcels[7].recipientPhone == "13800000007")
            #expect(!"\(parcels[7])".contains("王小花"))
            let reasons = try #require(try await doorstep.rules()).problems
            #expect(reasons.contains { $0.code == "DF-NOBODY" && $0.isFailedDelivery && $0.button })
            #expect(try await doorstep.outlet("0571")?.phone == "0571-88001234")
        }
    }

    @Test("a failure with a photo recorded offline is unsent until a sync brings it to head office")
    func recordingOffline() async throws {
        try await Scene.play { scene in
            let (doorstep, picture) = (try await scene.courier(), try await scene.picture())
            try await scene.world.tell("link cut")
            let recorded = try await doorstep.fail(waybill(0), reason: "DF-NOBODY", words: "敲门无人", photos: [picture])
            #expect([recorded.waybill, recorded.state, recorded.nextStep] == [waybill(0), "registered", "notify_origin"])
            let error = try await failure { try await doorstep.sync() }
            #expect(error.kind == "Network" && error.zh.contains("已保存在本机") && error.en.contains("on this device"))
            var unsent = try await doorstep.unsent()
            #expect(unsent.actions.map { "\($0.what) \($0.waybill)" } == ["fail \(waybill(0))"] && unsent.photos == 1)
            try await scene.world.tell("link up")
            #expect(try await doorstep.sync().photos == 1)
            unsent = try await doorstep.unsent()
            #expect(unsent.actions.isEmpty && unsent.photos == 0)
            #expect(try await scene.world.cases()[waybill(0)] == 1)
            let photo = try #require(try await doorstep.case(waybill(0))?.timeline.compactMap(\.photo).first)
            #expect(try await doorstep.photoToFile(photo, path: "\(scene.folder)/again.jpg"))
            #expect(FileManager.default.contents(atPath: "\(scene.folder)/again.jpg")?.prefix(2) == Data([0xff, 0xd8]))
        }
    }

    @Test("a picture chosen from the gallery is something to ask about")
    func asking() async throws {
        try await Scene.play { scene in
            let (doorstep, picture) = (try await scene.courier(), try await scene.picture())
            for (number, inApp) in [true, false, nil].enumerated() {
                let photo = PhotoFile(path: picture.path, takenInApp: inApp)
                try await doorstep.fail(waybill(number), reason: "DF-NOBODY", photos: [photo])
                let asked = try #require(try await doorstep.case(waybill(number))).questions.map(\.en)
                #expect(asked.contains("A photo was chosen from the phone's pictures") == (inApp == false))
            }
        }
    }

    @Test("a device that head office orders to be wiped keeps nothing")
    func wiping() async throws {
        try await Scene.play { scene in
            let doorstep = try await scene.courier()
            try await doorstep.fail(waybill(1), reason: "DF-NOBODY")
            try await scene.world.tell("wipe c1")
            #expect(try await doorstep.sync().wiped)
            #expect(try await doorstep.person() == nil)
            #expect(scene.bytesInStore == 0)
        }
    }
}
