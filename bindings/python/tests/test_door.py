"""At the door: recording offline, photos, SMS, sync, what head office has."""

import asyncio
import os
import pathlib
import signal
import sys
import time

from doorstep import (
    ClockReading, Command, DeviceClock, Doorstep, DoorstepError, ListPart, PhotoFile, PhotoShows, SmsOutcome, SmsPlatform,
)
from world import WorldTest, listed, soon, waybill


class Phone(SmsPlatform):
    """A phone whose service comes and goes, and which says of each SMS what it is told to say."""

    def __init__(self):
        self.service, self.fault, self.sent = False, None, []

    def can_send(self):
        return self.service

    def send(self, message):
        if isinstance(self.fault, Exception):
            raise self.fault
        if self.fault is None:
            self.sent.append(message)
        return self.fault


class DoorTest(WorldTest):
    async def test_a_code_enrols_and_brings_person_parcels_and_rules(self):
        doorstep = await self.courier()
        person = await doorstep.person()
        self.assertEqual((person.user, person.name, person.role, person.outlet), ("c1", "李明", "courier", "0412"))
        parcels = await listed(doorstep.parcels())
        self.assertEqual([parcel.waybill for parcel in parcels], [waybill(n) for n in range(40)])
        self.assertEqual((parcels[7].recipient_name, parcels[7].recipient_phone), ("王小花", "13800000007"))
        self.assertNotIn("王小花", str(parcels[7]))
        reasons = {problem.code: problem for problem in (await doorstep.rules()).problems}
        self.assertTrue(reasons["DF-NOBODY"].is_failed_delivery and reasons["DF-NOBODY"].button)
        self.assertEqual((await doorstep.outlet("0571")).phone, "0571-88001234")

    async def test_what_a_reason_asks_for_is_read_before_the_act_and_the_app_knows_when_to_speak_up(self):
        doorstep = await self.courier()
        await self.world.tell("link", "cut")
        needs = await doorstep.reason_needs("DF-NOBODY", waybill(0))
        self.assertEqual((needs.is_failed_delivery, needs.is_yours, needs.origin.phone), (True, True, "0571-88001234"))
        self.assertTrue(needs.sms.counts and needs.sms.why_not is None, needs.sms)
        self.assertIn("SLA-03", [clock.clock for clock in needs.clocks])
        self.assertTrue(all(row.satisfied_by for row in needs.evidence))
        self.assertIsNone((await doorstep.reason_needs("DF-NOBODY")).sms)
        self.assertEqual((await doorstep.unsent()).actions, [])
        with self.assertRaises(DoorstepError):
            await doorstep.reason_needs("DF-NONE")
        await doorstep.fail(waybill(0), "DF-NOBODY")
        day = int(time.time() * 1000) + 2 * 86_400_000
        alarms = await doorstep.alarms(day)
        self.assertIn("clock_ran_out", {alarm.kind for alarm in alarms})
        self.assertTrue(all(alarm.waybill == waybill(0) and alarm.text.zh and alarm.to_do.en for alarm in alarms))

    async def test_a_failure_with_a_photo_recorded_offline_is_unsent_until_a_sync_brings_it_to_head_office(self):
        doorstep = await self.courier()
        picture = self.folder / "door.jpg"
        await self.world.tell("photo", picture)
        await self.world.tell("link", "cut")
        recorded = await doorstep.fail(waybill(0), "DF-NOBODY", words="敲门无人", photos=[picture])
        self.assertEqual((recorded.waybill, recorded.state, recorded.next_step), (waybill(0), "registered", "notify_origin"))
        self.assertTrue(recorded.times_proven, "head office was heard since this computer was started")
        with self.assertRaises(DoorstepError.Network) as caught:
            await soon(doorstep.sync())
        self.assertIn("已保存在本机", caught.exception.zh)
        self.assertIn("on this device", caught.exception.en)
        unsent = await doorstep.unsent()
        self.assertEqual(([(action.waybill, action.what) for action in unsent.actions], unsent.photos), ([(waybill(0), "fail")], 1))
        await self.world.tell("link", "up")
        summary = await soon(doorstep.sync())
        self.assertEqual(summary.photos, 1)
        unsent = await doorstep.unsent()
        self.assertEqual((unsent.actions, unsent.photos, unsent.times_proven), ([], 0, True))
        self.assertEqual((await self.on_server())[waybill(0)]["attempts"], 1)
        photo = next(entry.photo for entry in (await doorstep.case(waybill(0))).timeline if entry.photo)
        self.assertTrue(await soon(doorstep.photo_to_file(photo, self.folder / "again.jpg")))
        self.assertTrue((self.folder / "again.jpg").read_bytes().startswith(b"\xff\xd8"))

    async def test_a_picture_chosen_from_the_gallery_is_something_to_ask_about(self):
        doorstep = await self.courier()
        picture = self.folder / "door.jpg"
        await self.world.tell("photo", picture)
        for number, in_app in enumerate([True, False, None]):
            photo = PhotoFile(path=str(picture), shows=PhotoShows.DOOR, taken_in_app=in_app)
            await doorstep.fail(waybill(number), "DF-NOBODY", photos=[photo])
            asked = [question.en for question in (await doorstep.case(waybill(number))).questions]
            self.assertEqual("A photo was chosen from the phone's pictures" in asked, in_app is False, asked)

    async def test_from_a_restart_on_it_is_said_that_times_can_not_be_proven_until_head_office_was_heard(self):
        class Clock(DeviceClock):
            boot = "1"
            ahead_ms = 0

            def now(self):
                wall_ms = int(time.time() * 1_000) + self.ahead_ms
                since_boot_ms = int(time.monotonic() * 1_000) + self.ahead_ms
                return ClockReading(wall_ms=wall_ms, since_boot_ms=since_boot_ms, boot=self.boot, zone_minutes=480)

        clock = Clock()
        doorstep = await self.courier(clock=clock)
        self.assertTrue((await doorstep.unsent()).times_proven)
        clock.boot = "2"
        self.assertFalse((await doorstep.unsent()).times_proven)
        self.assertFalse((await doorstep.fail(waybill(1), "DF-NOBODY")).times_proven)
        self.assertFalse((await doorstep.case(waybill(1))).facts_confirmed, "nobody has compared them yet")
        await soon(doorstep.sync())
        self.assertTrue((await doorstep.unsent()).times_proven)
        self.assertTrue((await doorstep.fail(waybill(2), "DF-NOBODY")).times_proven)
        case = await doorstep.case(waybill(1))
        self.assertTrue(case.facts_confirmed)
        self.assertEqual(case.findings, [])
        # Nobody notified the origin outlet, and days go by.
        clock.ahead_ms = 3 * 86_400_000
        finding = next(it for it in (await doorstep.case(waybill(1))).findings if it.rule == "LIA-04")
        self.assertEqual((finding.outlet, finding.share, finding.state), ("0412", 100, "proposed"))
        self.assertIsNotNone(finding.gap.from_ms)
        self.assertGreater(finding.gap.until_ms, finding.gap.from_ms)
        self.assertIn("contacts", finding.gap.told.en)

    async def test_an_outlets_staff_open_and_write_their_days_sheet_and_a_courier_does_not(self):
        await self.world.tell("sheets")
        tablet = await Doorstep.open(self.folder / "tablet")
        self.addAsyncCleanup(tablet.close)
        await soon(tablet.enrol(self.world.url, (await self.world.tell("code", "s1"))["code"]))
        self.assertIsNone(await tablet.sheet())
        await tablet.open_sheet()
        await tablet.note_sheet("09:00 跟件完毕")
        sheet = await tablet.sheet()
        self.assertEqual((sheet.outlet, sheet.opened_by), ("0412", "s1"))
        self.assertEqual([(entry.kind, entry.words) for entry in sheet.timeline], [("s_day", None), ("s_note", "09:00 跟件完毕")])
        self.assertEqual({entry.standing for entry in sheet.timeline}, {"on_this_device"})
        self.assertNotIn("跟件", str(sheet))
        await soon(tablet.sync())
        self.assertEqual({entry.standing for entry in (await tablet.sheet(sheet.day)).timeline}, {"accepted"})
        doorstep = await self.courier()
        with self.assertRaises(DoorstepError) as caught:
            await doorstep.note_sheet("我也写")
        self.assertEqual(caught.exception.code, "rights")
        self.assertIsNone(await doorstep.sheet())

    async def test_a_manager_reads_the_ledger_of_a_day_and_a_courier_does_not(self):
        tablet = await Doorstep.open(self.folder / "manager")
        self.addAsyncCleanup(tablet.close)
        await soon(tablet.enrol(self.world.url, (await self.world.tell("code", "m1"))["code"]))
        await tablet.fail(waybill(1), "DF-NOBODY")
        for amount in (12_800, 200):
            await tablet.record(Command.LEDGER(waybill(1), "cod", "collected", amount, True, None))
        read = await tablet.ledger()
        self.assertEqual([(line.waybill, line.amount_fen, line.user) for line in read.lines], [(waybill(1), 12_800, "m1"), (waybill(1), 200, "m1")])
        self.assertEqual([(sum.lines, sum.amount_fen) for sum in read.totals], [(2, 13_000)])
        self.assertEqual((await tablet.ledger(book="freight_collect")).lines, [])
        self.assertEqual((await tablet.ledger("2001-01-01", "2001-01-02")).lines, [])
        doorstep = await self.courier()
        with self.assertRaises(DoorstepError) as caught:
            await doorstep.ledger()
        self.assertEqual(caught.exception.code, "no_ledger")

    async def test_a_phone_notice_that_would_not_count_is_recorded_only_if_the_person_insists(self):
        doorstep = await self.courier()
        await doorstep.fail(waybill(1), "DF-NOBODY")
        outage = Command.OUTAGE([waybill(1)], "network", None, None, None, None)
        with self.assertRaises(DoorstepError) as caught:
            await doorstep.record(outage)
        self.assertEqual(caught.exception.code, "outage_lacks")
        self.assertIn("phone", caught.exception.en)
        self.assertEqual([entry.kind for entry in (await doorstep.case(waybill(1))).timeline], ["attempt"])
        await doorstep.record(outage, anyway=True)
        self.assertEqual([entry.kind for entry in (await doorstep.case(waybill(1))).timeline], ["attempt", "outage"])

    async def test_what_a_killed_process_recorded_is_there_when_the_store_is_opened_again(self):
        await (await self.courier()).close()
        code = f"""
import asyncio, doorstep
async def main():
    client = await doorstep.Doorstep.open({str(self.store)!r})
    await client.fail({waybill(3)!r}, "DF-NOBODY")
    print("recorded", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
        victim = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
        self.assertEqual(await soon(victim.stdout.readline()), b"recorded\n")
        os.kill(victim.pid, signal.SIGKILL)
        await victim.wait()
        async with await Doorstep.open(self.store) as doorstep:
            self.assertEqual([action.waybill for action in (await doorstep.unsent()).actions], [waybill(3)])

    async def test_a_reply_of_the_origin_outlet_arrives_through_the_observer(self):
        doorstep = await self.courier()
        await doorstep.fail(waybill(4), "DF-NOBODY")
        await doorstep.record(Command.NOTICE(waybill(4), None, None))
        doorstep.keep_in_sync(hints=True)

        async def decided():
            async for _ in doorstep.changes():
                if not (await doorstep.unsent()).actions:
                    break
            await self.world.tell("reply", waybill(4))
            async for _ in doorstep.changes():
                if (case := await doorstep.case(waybill(4))).decision:
                    return case

        case = await soon(decided())
        self.assertEqual(case.decision, "REDELIVER")
        self.assertIn("同址再派", [entry.words for entry in case.timeline])

    async def test_an_sms_waits_for_service_outlives_a_fault_and_counts_once_it_is_sent(self):
        phone = Phone()
        doorstep = await self.courier(sms=phone)
        await self.world.tell("link", "cut")
        with self.assertRaises(DoorstepError.Network):
            await soon(doorstep.sync())
        await doorstep.fail(waybill(5), "DF-NOBODY")
        self.assertIn(waybill(5), (await doorstep.preview_sms(waybill(5))).text)
        await doorstep.send_sms(waybill(5))

        async def message():
            return (await doorstep.case(waybill(5))).messages[0]

        self.assertEqual(((await message()).state, (await message()).counts), ("queued", False))
        phone.service, phone.fault = True, "no_service"
        await doorstep.dispatch_sms()
        self.assertEqual(((await message()).fault, (await message()).counts), ("no_service", False))
        phone.fault = None
        await doorstep.dispatch_sms()
        self.assertEqual(len(phone.sent), 1)
        for part in range(len(phone.sent[0].parts)):
            await doorstep.sms_result(phone.sent[0].reference, SmsOutcome.PART_SENT(part))
        self.assertEqual(((await message()).state, (await message()).counts), ("sent", True))
        self.assertIn("counts for today", (await message()).told.en)

    async def test_an_sms_platform_that_throws_is_a_fault_and_nobody_sends_again_by_himself(self):
        phone = Phone()
        phone.service, phone.fault = True, RuntimeError("modem gone, 13800000006")
        doorstep = await self.courier(sms=phone)
        await doorstep.fail(waybill(6), "DF-NOBODY")
        await doorstep.send_sms(waybill(6))
        await doorstep.dispatch_sms()
        message = (await doorstep.case(waybill(6))).messages[0]
        self.assertEqual((message.state, message.fault, message.counts), ("failed", "generic", False))

    async def test_a_refusal_says_in_both_languages_what_is_allowed_and_records_nothing(self):
        doorstep = await self.courier()
        with self.assertRaises(DoorstepError.Rule) as caught:
            await doorstep.fail(waybill(7), "DF-WEATHER")
        self.assertEqual(caught.exception.code, "reason_unknown")
        self.assertIn("DF-NOBODY", caught.exception.zh)
        self.assertIn("there are: ", caught.exception.en)
        self.assertIn("DF-WEATHER", str(caught.exception))
        with self.assertRaises(DoorstepError.Usage) as caught:
            await doorstep.fail("12", "DF-NOBODY")
        self.assertIn("单号有误", caught.exception.zh)
        with self.assertRaises(DoorstepError.Usage) as caught:
            await doorstep.fail(waybill(7), "DF-NOBODY", photos=[PhotoFile(path="/no/such/王小花.jpg", shows=PhotoShows.LABEL)])
        self.assertNotIn("王小花", str(caught.exception))
        self.assertIsNone(await doorstep.case(waybill(7)))

    async def test_a_file_that_is_no_store_is_an_error_and_stays_as_it_is(self):
        folder = self.folder / "damaged"
        folder.mkdir()
        (folder / "doorstep.db").write_bytes(b"not a database " * 1000)
        with self.assertRaises(DoorstepError.Storage) as caught:
            await Doorstep.open(folder)
        self.assertEqual(caught.exception.code, "wrong_file")
        self.assertIn("left as it is", caught.exception.en)
        self.assertEqual((folder / "doorstep.db").read_bytes(), b"not a database " * 1000)

    async def test_why_a_deadline_runs_is_told_offline(self):
        doorstep = await self.courier()
        await self.world.tell("link", "cut")
        await doorstep.fail(waybill(8), "DF-NOBODY")
        told = {answer.about.split("@")[0]: answer for answer in await doorstep.explain(waybill(8))}
        self.assertIn("Same-day notice", told["SLA-03"].answer.en)
        self.assertTrue(any("规则" in link.zh for link in told["SLA-03"].because), told["SLA-03"].because)
        self.assertEqual(await doorstep.explain(waybill(9)), [])

    async def test_a_list_says_whose_turn_it_is_and_has_parts(self):
        doorstep = await self.courier()
        await doorstep.fail(waybill(8), "DF-NOBODY")
        await doorstep.fail("QH999999999999", "DF-NOBODY")
        await soon(doorstep.sync())
        rows = {row.waybill: row for row in await listed(doorstep.cases())}
        row = rows[waybill(8)]
        self.assertEqual((row.turn, row.mine, row.unlisted), ("mine", True, False))
        self.assertEqual((row.due.kind, row.due.side, row.due.outlet, row.due.person), ("notify_origin", "delivering_outlet", "0412", None))
        self.assertEqual((row.due.name.en[:24], row.due.side_name.zh), ("Notify the origin outlet", "派件网点"))
        self.assertEqual((row.turn_at_ms, row.duties[0]), (row.due.until_ms, row.due))
        detail = await doorstep.case(waybill(8))
        self.assertEqual(detail.duties, row.duties)

        async def part(**wanted):
            return [row.waybill for row in await listed(doorstep.cases(**wanted))]

        self.assertEqual(await part(listed=False), ["QH999999999999"])
        self.assertTrue(rows["QH999999999999"].unlisted)
        self.assertIn(waybill(8), await part(part=ListPart.TO_DO))
        self.assertEqual((await part(part=ListPart.TO_ANSWER), await part(part=ListPart.WAITING)), ([], []))


class LongListTest(WorldTest):
    parcels = 1_100

    async def test_a_thousand_cases_come_page_by_page_each_once_by_deadline(self):
        doorstep = await self.courier()
        await asyncio.gather(*(doorstep.fail(waybill(n), "DF-NOBODY") for n in range(1_000)))
        cases = await soon(listed(doorstep.cases()))
        self.assertEqual({case.waybill for case in cases}, {waybill(n) for n in range(1_000)})
        self.assertEqual(len(cases), 1_000)
        due = [case.due_at_ms for case in cases]
        self.assertEqual(due, sorted(due))


class ReadmeTest(WorldTest):
    async def test_every_line_of_the_readme_works(self):
        readme = (pathlib.Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
        blocks = [block.split("```")[0] for block in readme.split("```python\n")[1:]]
        self.assertLessEqual(len(blocks[0].splitlines()), 20)
        code = (await self.world.tell("code", "c1"))["code"]
        given = {"STORE": str(self.store), "SERVER": self.world.url, "CODE": code, "WAYBILL": waybill(1)}
        for block in blocks:
            # Each is a script of its own, on the store that the one before left.
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", block, env={**os.environ, **given}, stdout=asyncio.subprocess.DEVNULL)
            self.assertEqual(await soon(process.wait()), 0, block)
        self.assertEqual((await self.on_server())[waybill(1)]["attempts"], 1)
