"""What entries say: the number and address that a reply corrects, and every kind of entry that people record."""

from doorstep import Command, Doorstep, DoorstepError, PhotoFile, ProblemFound, ToldValue
from test_door import Phone
from world import WorldTest, soon, waybill

PHONE, ADDRESS = "13912345678", "青禾路9号3幢1201室"


def line(entry, label):
    return next(line for line in entry.told if line.label == label)


def text(entry, label):
    """A personal value as it is told, and whether it is in clear."""
    told = line(entry, label)
    assert isinstance(told.value, ToldValue.TEXT), label
    return told.value.text, told.personal.is_clear


def newest(case, kind):
    return [entry for entry in case.timeline if entry.kind == kind][-1]


class TellingTest(WorldTest):
    async def other(self, user):
        """Another person's device, enrolled."""
        doorstep = await Doorstep.open(self.folder / user)
        self.addAsyncCleanup(doorstep.close)
        await soon(doorstep.enrol(self.world.url, (await self.world.tell("code", user))["code"]))
        return doorstep

    async def test_a_courier_reads_the_corrected_phone_and_address_of_a_reply_and_calls_that_number(self):
        courier = await self.courier()
        number = waybill(20)
        await courier.fail(number, "DF-ADDR", sub="moved")
        await courier.record(Command.NOTICE(number, None, "请核对地址和电话"))
        await soon(courier.sync())
        await soon(self.world.tell("reply", number, PHONE, ADDRESS))
        await soon(courier.sync())
        reply = newest(await courier.case(number), "reply")
        self.assertEqual((text(reply, "phone"), text(reply, "address")), ((PHONE, True), (ADDRESS, True)))
        phone = line(reply, "phone")
        self.assertEqual((phone.label_name.zh, phone.label_name.en), ("电话", "phone"))
        self.assertEqual((phone.personal.sort, phone.personal.whom, phone.personal.whom_name.zh), ("phone", "recipient", "收件人"))
        self.assertEqual(line(reply, "decision").value.code, "REDELIVER")
        self.assertNotIn(PHONE, f"{reply} {phone} {phone.value}")

        await courier.record(Command.CALL(number, "answered", "下午三点后在家", phone.value.text))
        call = newest(await courier.case(number), "call")
        self.assertEqual((text(call, "number_called"), call.code, call.words), ((PHONE, True), "answered", "下午三点后在家"))
        await soon(courier.sync())

        hub, desk = await self.other("h1"), await self.other("s1")
        at_hub = newest(await hub.case(number), "reply")
        self.assertEqual((text(at_hub, "phone"), text(at_hub, "address")), (("139******78", False), ("青禾路***", False)))
        self.assertEqual(text(newest(await desk.case(number), "reply"), "phone"), (PHONE, True), "its outlet delivers it")

        await courier.record(Command.CLOSE(number, "SIGNED", "本人签收"))
        self.assertEqual(text(newest(await courier.case(number), "reply"), "phone"), ("139******78", False))
        await soon(courier.sync())
        await soon(desk.sync())
        self.assertEqual(text(newest(await desk.case(number), "call"), "number_called"), ("139******78", False))

    async def test_every_kind_of_entry_is_told_line_by_line(self):
        phone = Phone()
        phone.service = True
        courier, number = await self.courier(sms=phone), waybill(21)
        picture = self.folder / "damage.jpg"
        await self.world.tell("photo", picture)
        await courier.fail(number, "DF-ADDR", sub="moved", words="人已搬走", photos=[PhotoFile(path=str(picture))])
        # With head office out of reach the phone sends.
        await self.world.tell("link", "cut")
        with self.assertRaises(DoorstepError.Network):
            await soon(courier.sync())
        await courier.send_sms(number)
        await courier.dispatch_sms()
        await self.world.tell("link", "up")
        await courier.record(Command.PROBLEM(ProblemFound(
            waybill=number, reason="CD-DAMAGE", sub="package", stage="delivery", words="一角压坏", count=1, weight_g=1900,
        )))
        for command in (
            Command.CALL(number, "no_answer", None, None),
            Command.NOTE(number, "门卫说下午回来"),
            Command.OUTAGE([number], "network", "赵敏", "0571-88001234", None, "已告知"),
            Command.NOTICE(number, None, "如何处理？"),
            Command.CONSENT(number, "sender", "TRANSFER_PEER", "张小姐", "可以转同行"),
            Command.GOODS(number, "茶杯", "纸箱加泡沫", 8_800, "一套六只"),
            Command.TICK(number, "report_superior", "已报"),
            Command.WAIVE(number, "inside", "客户不让开箱"),
            Command.ACTION(number, "TRANSFER_PEER", "同行快递", "ZT4200000011", 1_200, "转同行"),
        ):
            await courier.record(command)
        note = newest(await courier.case(number), "note").key
        await courier.record(Command.CORRECT(number, note, "did_not_occur", None, "记错了", None))
        await courier.record(Command.DISPUTE(number, note, "不是我写的"))
        await courier.record(Command.HANDOVER(number, "c2", "换线路"))
        provisional = await courier.provisional_number()
        await courier.fail(provisional, "DF-NOBODY")
        await courier.record(Command.IDENTIFY(provisional, waybill(22)))
        await soon(courier.sync())
        await soon(self.world.tell("reply", number, PHONE, ADDRESS))

        colleague = await self.other("c2")
        await colleague.record(Command.TAKEOVER(number))
        await soon(colleague.sync())
        self.assertEqual(text(newest(await colleague.case(number), "reply"), "phone"), (PHONE, True), "it is theirs now")
        manager = await self.other("m1")
        await manager.record(Command.LEDGER(number, "cod", "collected", 19_900, True, "已核"))
        await manager.record(Command.MARK(number, None, "invalid", "empty", "没有决定"))
        await manager.record(Command.ASSIGN(number, "c2", 1_800_000_000_000, "明早再派"))
        await soon(manager.sync())

        told = {}
        for waybill_of in (number, waybill(22)):
            for entry in (await manager.case(waybill_of)).timeline:
                for told_line in entry.told:
                    told.setdefault(entry.kind, {}).setdefault(told_line.label, told_line)
        await manager.record(Command.CLOSE(number, "SIGNED", "本人签收"))
        told["close"] = {line.label: line for line in newest(await manager.case(number), "close").told}

        # A customer's answer by SMS, a ruling and a later version's entries are head office's and the gateway's to write.
        wanted = {
            "attempt": "reason sub_reason words", "problem": "reason sub_reason stage found_at count weight words",
            "call": "call_result number_called", "note": "words", "photo": "shows photo thumbnail sharpness", "sms": "sms_to sms_text template",
            "sms_report": "sms_state sms_way about", "notice": "notice_to request", "outage": "outage_reason contact phone phoned_at said",
            "seen": "about", "reply": "decision phone address words", "mark": "remark about mark_reason words",
            "action": "outcome carrier onward_number amount words", "tick": "step words", "assign": "assignee planned_at words",
            "consent": "agreed_to agreed_by agreed agreed_words", "goods": "goods_name packing goods_value words",
            "ledger": "ledger_change book amount slip_back words", "waiver": "evidence words", "alias": "also_known_as",
            "correction": "fault about words", "dispute": "about words", "handover": "assignee words", "takeover": "about",
            "close": "outcome words",
        }
        for kind, labels in wanted.items():
            missing = set(labels.split()) - set(told.get(kind, {}))
            # Where the problem was found at its record, nobody said when.
            self.assertEqual(missing - {"found_at"}, set(), kind)
        for lines in told.values():
            for told_line in lines.values():
                self.assertTrue(told_line.label_name.zh and told_line.label_name.en)
        values = {
            ("attempt", "reason"): "code", ("action", "onward_number"): "waybill", ("goods", "goods_value"): "fen",
            ("problem", "weight"): "count", ("assign", "planned_at"): "at_ms", ("notice", "notice_to"): "code",
            ("assign", "assignee"): "user", ("photo", "photo"): "len", ("seen", "about"): "key",
        }
        read = {key: getattr(told[key[0]][key[1]].value, name) for key, name in values.items()}
        self.assertEqual((read["attempt", "reason"], read["notice", "notice_to"], read["assign", "assignee"]), ("DF-ADDR", "0571", "c2"))
        self.assertEqual((read["action", "onward_number"], read["goods", "goods_value"], read["problem", "weight"]), ("ZT4200000011", 8_800, 1_900))
        self.assertEqual(read["assign", "planned_at"], 1_800_000_000_000)
        self.assertGreater(read["photo", "photo"], 0)
        self.assertTrue(read["seen", "about"].startswith("notice/"))
        self.assertTrue(isinstance(told["ledger"]["slip_back"].value, ToldValue.YES))
