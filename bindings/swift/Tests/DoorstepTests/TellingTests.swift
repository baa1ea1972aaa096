import Doorstep
import DoorstepWorld
import Foundation
import Testing

private let rightPhone = "13912345678"
private let rightAddress = "青禾路9号3幢1201室"

/// A personal value as it is told, and whether it is in clear.
private struct Shown: Equatable {
    var text: String
    var isClear: Bool
}

extension TimelineEntry {
    fileprivate func line(_ label: String) throws -> ToldLine {
        try #require(told.first { $0.label == label }, "\(kind) tells no \(label)")
    }

    fileprivate func shown(_ label: String) throws -> Shown? {
        let line = try line(label)
        guard case .text(let text) = line.value, let personal = line.personal else { return nil }
        return Shown(text: text, isClear: personal.isClear)
    }
}

extension Doorstep {
    fileprivate func newest(_ kind: String, of waybill: String) async throws -> TimelineEntry {
        let case_ = try #require(try await self.case(waybill))
        return try #require(case_.timeline.last { $0.kind == kind }, "no \(kind)")
    }
}

/// What entries say: the number and address that a reply corrects, and every kind of entry that people record.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct TellingTests {
    @Test("a courier reads the corrected phone and address of a reply and calls that number")
    func calling() async throws {
        try await Scene.play { scene in
            let (courier, number) = (try await scene.courier(), waybill(20))
            try await courier.fail(number, reason: "DF-ADDR", sub: "moved")
            try await courier.notifyOrigin(number)
            try await courier.sync()
            try await scene.world.tell("reply \(number) \(rightPhone) \(rightAddress)")
            try await courier.sync()
            let reply = try await courier.newest("reply", of: number)
            #expect(try reply.shown("phone") == Shown(text: rightPhone, isClear: true))
            #expect(try reply.shown("address") == Shown(text: rightAddress, isClear: true))
            let line = try reply.line("phone")
            #expect([line.labelName.zh, line.labelName.en, line.personal?.sort, line.personal?.whom] == ["电话", "phone", "phone", "recipient"])
            #expect(!"\(reply) \(line) \(line.value)".contains(rightPhone))

            let dialled = try #require(try reply.shown("phone")).text
            try await courier.record(.call(waybill: number, result: "answered", words: "下午三点后在家", number: dialled))
            let call = try await courier.newest("call", of: number)
            #expect(try call.shown("number_called") == Shown(text: rightPhone, isClear: true))
            #expect(call.code == "answered" && call.words == "下午三点后在家")
            try await courier.sync()

            let hub = try await scene.device(of: "h1")
            #expect(try await hub.newest("reply", of: number).shown("phone") == Shown(text: "139******78", isClear: false))
            #expect(try await hub.newest("reply", of: number).shown("address") == Shown(text: "青禾路***", isClear: false))
            try await courier.record(.close(waybill: number, outcome: "SIGNED", words: "本人签收"))
            #expect(try await courier.newest("reply", of: number).shown("phone") == Shown(text: "139******78", isClear: false))
        }
    }

    @Test("every kind of entry is told line by line")
    func everyKind() async throws {
        try await Scene.play { scene in
            let phone = Phone()
            phone.will {}
            let (courier, number) = (try await scene.courier(Platform(sms: phone)), waybill(21))
            try await courier.fail(number, reason: "DF-ADDR", sub: "moved", words: "人已搬走", photos: [try await scene.picture()])
            // With head office out of reach the phone sends.
            try await scene.world.tell("link cut")
            #expect(try await failure { try await courier.sync() }.kind == "Network")
            try await courier.sendSms(number)
            try await courier.dispatchSms()
            try await scene.world.tell("link up")
            let problem = ProblemFound(waybill: number, reason: "CD-DAMAGE", stage: "delivery", words: "一角压坏", weightG: 1900)
            try await courier.record(.problem(problem: problem))
            let commands: [Command] = [
                .call(waybill: number, result: "no_answer", words: nil),
                .note(waybill: number, words: "门卫说下午回来"),
                .outage(waybills: [number], reason: "network", contact: "赵敏", phone: "0571-88001234", phonedAtMs: nil, said: "已告知"),
                .notice(waybill: number, to: nil, request: "如何处理？"),
                .consent(waybill: number, by: "sender", to: "TRANSFER_PEER", name: "张小姐", words: "可以转同行"),
                .goods(waybill: number, name: "茶杯", packing: "纸箱加泡沫", valueFen: 8_800, words: "一套六只"),
                .tick(waybill: number, step: "report_superior", words: "已报"),
                .waive(waybill: number, evidence: "inside", words: "客户不让开箱"),
                .action(waybill: number, outcome: "TRANSFER_PEER", carrier: "同行快递", number: "ZT4200000011", amountFen: 1_200, words: "转同行"),
            ]
            for command in commands { try await courier.record(command) }
            let note = try await courier.newest("note", of: number).key
            try await courier.record(.correct(waybill: number, entry: note, fault: "did_not_occur", sameAs: nil, words: "记错了", instead: nil))
            try await courier.record(.dispute(waybill: number, about: note, words: "不是我写的"))
            try await courier.record(.handover(waybill: number, to: "c2", words: "换线路"))
            let provisional = try await courier.provisionalNumber()
            try await courier.fail(provisional, reason: "DF-NOBODY")
            try await courier.record(.identify(provisional: provisional, waybill: waybill(22)))
            try await courier.sync()
            try await scene.world.tell("reply \(number) \(rightPhone) \(rightAddress)")

            let colleague = try await scene.device(of: "c2")
            try await colleague.record(.takeover(waybill: number))
            try await colleague.sync()
            #expect(try await colleague.newest("reply", of: number).shown("phone") == Shown(text: rightPhone, isClear: true))
            let manager = try await scene.device(of: "m1")
            try await manager.record(.ledger(waybill: number, book: "cod", change: "collected", amountFen: 19_900, slip: true, words: "已核"))
            try await manager.record(.mark(waybill: number, entry: nil, remark: "invalid", reason: "empty", words: "没有决定"))
            try await manager.record(.assign(waybill: number, to: "c2", plannedAtMs: 1_800_000_000_000, words: "明早再派"))
            var entries = try #require(try await manager.case(number)).timeline
            entries += try #require(try await manager.case(waybill(22))).timeline
            try await manager.record(.close(waybill: number, outcome: "SIGNED", words: "本人签收"))
            entries.append(try await manager.newest("close", of: number))

            // A customer's answer by SMS, a ruling and a later version's entries are head office's and the gateway's to write.
            let wanted = [
                "attempt": "reason sub_reason words", "problem": "reason stage weight words", "call": "call_result number_called",
                "note": "words", "photo": "shows photo thumbnail sharpness", "sms": "sms_to sms_text template",
                "sms_report": "sms_state sms_way about", "notice": "notice_to request",
                "outage": "outage_reason contact phone phoned_at said", "seen": "about", "reply": "decision phone address words",
                "mark": "remark about mark_reason words", "action": "outcome carrier onward_number amount words", "tick": "step words",
                "assign": "assignee planned_at words", "consent": "agreed_to agreed_by agreed agreed_words",
                "goods": "goods_name packing goods_value words", "ledger": "ledger_change book amount slip_back words",
                "waiver": "evidence words", "alias": "also_known_as", "correction": "fault about words", "dispute": "about words",
                "handover": "assignee words", "takeover": "about", "close": "outcome words",
            ]
            for (kind, labels) in wanted {
                let told = Set(entries.filter { $0.kind == kind }.flatMap(\.told).map(\.label))
                let missing = labels.split(separator: " ").map(String.init).filter { !told.contains($0) }
                #expect(missing.isEmpty, "\(kind)")
            }
            #expect(entries.flatMap(\.told).allSatisfy { !$0.labelName.zh.isEmpty && !$0.labelName.en.isEmpty })
            func value(_ kind: String, _ label: String) throws -> ToldValue {
                try #require(entries.last { $0.kind == kind }).line(label).value
            }
            #expect(try value("action", "onward_number") == .waybill(waybill: "ZT4200000011"))
            #expect(try value("goods", "goods_value") == .money(fen: 8_800))
            #expect(try value("assign", "planned_at") == .time(atMs: 1_800_000_000_000))
            #expect(try value("notice", "notice_to") == .outlet(code: "0571"))
            #expect(try value("handover", "assignee") == .person(user: "c2"))
            #expect(try value("ledger", "slip_back") == .yes)
            guard case .number(let count, let unit, _) = try value("problem", "weight") else { throw CancellationError() }
            #expect(count == 1_900 && unit == "grams")
            guard case .entry(let key) = try value("seen", "about") else { throw CancellationError() }
            #expect(key.hasPrefix("notice/"))
        }
    }
}
