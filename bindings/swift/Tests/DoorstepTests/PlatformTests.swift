@testable import Doorstep
import DoorstepWorld
import Foundation
import Testing

/// What an app gives: SMS, location, clocks, keys; also when it throws. And what people read then.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct PlatformTests {
    @Test("an sms waits for service, outlives a fault, and counts once it is sent")
    func sms() async throws {
        try await Scene.play { scene in
            let phone = Phone()
            let doorstep = try await scene.courier(Platform(sms: phone))
            try await scene.world.tell("link cut")
            #expect(try await failure { try await doorstep.sync() }.kind == "Network")  // Head office's gateway is out of reach.
            try await doorstep.fail(waybill(5), reason: "DF-NOBODY")
            #expect(try await doorstep.previewSms(waybill(5)).text.contains(waybill(5)))
            try await doorstep.sendSms(waybill(5))
            try await doorstep.dispatchSms()
            var message = try await doorstep.message(waybill(5))
            #expect(message.state == "queued" && !message.counts)
            phone.will { throw Fault.word("no_service") }
            try await doorstep.dispatchSms()
            message = try await doorstep.message(waybill(5))
            #expect(message.fault == "no_service" && !message.counts)
            phone.will {}
            try await doorstep.dispatchSms()
            let sent = try #require(phone.sent.first)
            #expect(phone.sent.count == 1)
            for part in sent.parts.indices { try await doorstep.smsResult(sent.reference, .partSent(part: UInt32(part))) }
            message = try await doorstep.message(waybill(5))
            #expect(message.state == "sent" && message.counts && message.told.en.contains("counts for today"))
        }
    }

    @Test("an sms platform that throws is a fault, and nobody sends again by himself")
    func throwingSms() async throws {
        try await Scene.play { scene in
            let phone = Phone()
            phone.will { throw Broken(text: "modem gone, 13800000006") }
            let doorstep = try await scene.courier(Platform(sms: phone))
            try await doorstep.fail(waybill(6), reason: "DF-NOBODY")
            try await doorstep.sendSms(waybill(6))
            try await doorstep.dispatchSms()
            let message = try await doorstep.message(waybill(6))
            #expect(message.state == "failed" && message.fault == "generic" && !message.counts)
        }
    }

    @Test("a refusal says in both languages what is allowed, and records nothing")
    func refusals() async throws {
        try await Scene.play { scene in
            let doorstep = try await scene.courier()
            let rule = try await failure { try await doorstep.fail(waybill(7), reason: "DF-WEATHER") }
            #expect(rule.kind == "Rule" && rule.code == "reason_unknown")
            #expect(rule.zh.contains("DF-NOBODY") && rule.en.contains("there are: "))
            #expect(rule.words(languages: ["zh-Hans-CN", "en"]) == rule.zh && rule.words(languages: ["en-GB", "zh"]) == rule.en)
            #expect([rule.zh, rule.en].contains((rule as any Error).localizedDescription))
            #expect("\(rule)" == "\(rule.zh) / \(rule.en)")
            let usage = try await failure { try await doorstep.fail("12", reason: "DF-NOBODY") }
            #expect(usage.kind == "Usage" && usage.zh.contains("单号有误") && !usage.en.isEmpty)
            let gone = PhotoFile(path: "/no/such/王小花.jpg", shows: .label)
            let photo = try await failure { try await doorstep.fail(waybill(7), reason: "DF-NOBODY", photos: [gone]) }
            #expect(photo.kind == "Usage" && photo.zh.contains("照片") && !photo.en.isEmpty && !"\(photo)".contains("王小花"))
            #expect(try await doorstep.case(waybill(7)) == nil)
        }
    }

    @Test("a file that is no store is an error and stays as it is")
    func noStore() async throws {
        try await Scene.play { scene in
            let bytes = Data(String(repeating: "not a database ", count: 1_000).utf8)
            try FileManager.default.createDirectory(atPath: scene.store, withIntermediateDirectories: true)
            try bytes.write(to: URL(fileURLWithPath: "\(scene.store)/doorstep.db"))
            let error = try await failure { try await scene.phone() }
            #expect(error.kind == "Storage" && error.code == "wrong_file" && !error.zh.isEmpty && error.en.contains("left as it is"))
            #expect(FileManager.default.contents(atPath: "\(scene.store)/doorstep.db") == bytes)
        }
    }

    @Test("a listener, a clock and a location that throw keep nobody from recording")
    func throwingParts() async throws {
        try await Scene.play { scene in
            let part = ThrowingPart()
            let doorstep = try await scene.courier(Platform(location: part, clock: part))
            let subscription = try doorstep.client.listen(listener: part)
            let picture = try await scene.picture()
            try await doorstep.fail(waybill(8), reason: "DF-NOBODY", photos: [picture])
            try await doorstep.sync()
            #expect(try await scene.world.cases()[waybill(8)] == 1)
            try await subscription.ended()
            #expect(part.asked == ["changed", "position", "now"])
        }
    }

    @Test("a position is asked for with photos only")
    func position() async throws {
        try await Scene.play { scene in
            let here = Here()
            let (doorstep, picture) = (try await scene.courier(Platform(location: here)), try await scene.picture())
            try await doorstep.fail(waybill(9), reason: "DF-NOBODY")
            #expect(here.asked == 0)
            try await doorstep.record(.photos(waybill: waybill(9)), photos: [picture])
            #expect(here.asked == 1)
        }
    }

    @Test("a device key that throws on signing is a typed error without its text")
    func throwingKey() async throws {
        try await Scene.play { scene in
            let error = try await failure { try await scene.courier(Platform(deviceKey: ThrowingPart())) }
            #expect(error.kind == "Storage" && error.code == "device_key" && !error.zh.isEmpty && !error.en.isEmpty)
            #expect(!"\(error)".contains("李明"))
        }
    }

    @Test("the log has what happened and nobody's data, and stays below its cap")
    func logging() async throws {
        try await Scene.play { scene in
            let (sink, file) = (Sink(), "\(scene.folder)/doorstep.log")
            try Doorstep.logging(LogConfig(level: .debug, file: file, fileBytes: 8_192), to: sink)
            let doorstep = try await scene.courier()
            try await doorstep.fail(waybill(8), reason: "DF-NOBODY", words: "敲门无人")
            try await doorstep.sync()
            for _ in 0..<200 { #expect(try await failure { try await doorstep.fail(waybill(8), reason: "王小花") }.kind == "Rule") }
            try await Doorstep.flushLogs()
            let lines = sink.lines
            #expect(lines.contains { $0.contains("synced requests=") } && lines.contains { $0.contains("failed code=reason_unknown") })
            let files = try [file, "\(file).1"].map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
            #expect(files.map(\.count).reduce(0, +) <= 8_192)
            let written = files.map { String(decoding: $0, as: UTF8.self) } + lines
            for secret in ["王小花", "1380000", "青禾路", "敲门无人", "QH0000"] {
                #expect(!written.contains { $0.contains(secret) }, "\(secret)")
            }
        }
    }
}
