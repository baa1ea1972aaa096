"""The client's life: event loop, cancelling, closing, suspending, what a host throws, what is logged."""

import asyncio
import os

import doorstep as package
from doorstep import (
    ClockReading, Command, DeviceClock, DeviceKey, Doorstep, DoorstepError, Level, Location, LogConfig, LogSink, Position,
)
from doorstep.doorstep_ffi import ChangeListener
from world import WorldTest, listed, soon, waybill


def open_files(folder):
    links = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
    return [path for path in (os.readlink(link) for link in links if os.path.exists(link)) if path.startswith(str(folder))]


class LifeTest(WorldTest):
    async def test_the_event_loop_ticks_while_a_sync_waits(self):
        doorstep = await self.courier()
        await doorstep.fail(waybill(0), "DF-NOBODY")
        syncing = await self.held(doorstep)
        ticks = 0
        for _ in range(1_000):
            await asyncio.sleep(0)
            ticks += 1
        self.assertEqual((ticks, syncing.done()), (1_000, False))
        await self.world.tell("link", "up")
        self.assertGreaterEqual((await soon(syncing)).requests, 1)

    async def test_a_cancelled_sync_stops_and_the_next_one_sends_all(self):
        doorstep = await self.courier()
        await doorstep.fail(waybill(1), "DF-NOBODY")
        syncing = await self.held(doorstep)
        syncing.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await soon(syncing)
        # It stopped: while the link is still held, another one gets as far as the server's door.
        again = await self.held(doorstep)
        await self.world.tell("link", "up")
        await soon(again)
        self.assertEqual((await doorstep.unsent()).actions, [])

    async def test_a_cancel_handle_ends_a_call_as_cancelled(self):
        doorstep = await self.courier()
        cancel = package.Cancel()
        await self.world.tell("link", "hold")
        syncing = asyncio.create_task(doorstep._client.sync(cancel))
        await self.world.tell("reached")
        cancel.cancel()
        with self.assertRaises(DoorstepError.Cancelled):
            await soon(syncing)

    async def test_closing_ends_a_sync_under_way_and_what_was_recorded_before_is_kept(self):
        doorstep = await self.courier()
        syncing = await self.held(doorstep)
        recording = [asyncio.create_task(doorstep.fail(waybill(n), "DF-NOBODY")) for n in range(20)]
        await asyncio.sleep(0)
        await soon(doorstep.close())
        with self.assertRaises(DoorstepError.Closed):
            await soon(syncing)
        kept = set()
        for n, outcome in enumerate(await asyncio.gather(*recording, return_exceptions=True)):
            if isinstance(outcome, Exception):
                self.assertIsInstance(outcome, DoorstepError.Closed)
            else:
                kept.add(waybill(n))
        with self.assertRaises(DoorstepError.Closed):
            await doorstep.unsent()
        async with await Doorstep.open(self.store) as again:
            self.assertGreaterEqual({case.waybill async for case in again.cases()}, kept)

    async def test_a_folder_opened_twice_is_one_client(self):
        doorstep = await self.courier()
        again = await Doorstep.open(f"{self.store}/../{self.store.name}")
        changes = doorstep.changes()
        await anext(changes)
        await again.fail(waybill(2), "DF-NOBODY")
        await soon(anext(changes))
        await again.close()
        with self.assertRaises(DoorstepError.Closed):
            await doorstep.unsent()
        await soon(listed(changes))

    async def test_a_suspended_client_has_no_file_open_and_goes_on_when_it_is_resumed(self):
        doorstep = await self.courier()
        await doorstep.fail(waybill(3), "DF-NOBODY")
        syncing = await self.held(doorstep)
        doorstep.keep_in_sync()
        self.assertNotEqual(open_files(self.store), [])
        await soon(doorstep.suspend())
        self.assertEqual(open_files(self.store), [])
        with self.assertRaises(DoorstepError.Suspended):
            await soon(syncing)
        with self.assertRaises(DoorstepError.Suspended):
            await doorstep.fail(waybill(4), "DF-NOBODY")
        await self.world.tell("link", "up")
        await doorstep.resume()

        async def all_sent():
            async for _ in doorstep.changes():
                if not (await doorstep.unsent()).actions:
                    return

        await soon(all_sent())
        self.assertIn(waybill(3), await self.on_server())

    async def test_closing_a_suspended_client_ends_what_watches_it(self):
        doorstep = await self.courier()
        changes = doorstep.changes()
        await anext(changes)
        await doorstep.suspend()
        await soon(anext(changes))
        await doorstep.close()
        await soon(listed(changes))

    async def test_suspending_in_the_middle_of_resuming_leaves_no_file_open(self):
        doorstep = await self.courier()
        for _ in range(20):
            await soon(asyncio.gather(doorstep.suspend(), doorstep.resume(), doorstep.suspend()))
            await soon(doorstep.suspend())
            self.assertEqual(open_files(self.store), [])
            await soon(asyncio.gather(doorstep.resume(), doorstep.resume()))
            self.assertEqual((await doorstep.person()).user, "c1")

    async def test_a_folder_that_is_being_closed_is_opened_once_it_is(self):
        doorstep = await self.courier()
        await doorstep.fail(waybill(9), "DF-NOBODY")
        _, again = await soon(asyncio.gather(doorstep.close(), Doorstep.open(self.store)))
        async with again if again._client is not doorstep._client else await Doorstep.open(self.store) as new:
            try:
                waybills = [case.waybill async for case in new.cases()]
            except DoorstepError.Closed:
                # It was the one that was being closed: then the next is a new one.
                async with await Doorstep.open(self.store) as newest:
                    waybills = [case.waybill async for case in newest.cases()]
        self.assertEqual(waybills, [waybill(9)])

    async def test_what_a_host_throws_keeps_nobody_from_recording(self):
        class Broken(ChangeListener, Location, DeviceClock):
            def changed(self):
                raise RuntimeError("listener")

            def position(self):
                raise RuntimeError("location")

            def now(self):
                raise RuntimeError("clock")

        broken = Broken()
        doorstep = await self.courier(location=broken, clock=broken)
        doorstep._client.listen(broken)
        picture = self.folder / "door.jpg"
        await self.world.tell("photo", picture)
        await doorstep.fail(waybill(5), "DF-NOBODY", photos=[picture])
        await soon(doorstep.sync())
        self.assertIn(waybill(5), await self.on_server())

    async def test_a_device_key_that_throws_is_a_typed_error_without_its_text(self):
        class Key(DeviceKey):
            def public_key(self):
                return b"\x04" + bytes(64)

            def sign(self, message):
                raise RuntimeError("Keystore of 李明")

        async with await Doorstep.open(self.store, device_key=Key()) as doorstep:
            with self.assertRaises(DoorstepError.Storage) as caught:
                await soon(doorstep.enrol(self.world.url, (await self.world.tell("code", "c1"))["code"]))
        self.assertEqual(caught.exception.code, "device_key")
        self.assertNotIn("李明", str(caught.exception))

    async def test_the_apps_clock_is_the_one_that_counts(self):
        class Clock(DeviceClock):
            def now(self):
                return ClockReading(wall_ms=1_772_413_200_000, since_boot_ms=5_000, boot="7", zone_minutes=480)

        async with await Doorstep.open(self.folder / "other", clock=Clock()) as doorstep:
            with self.assertRaises(DoorstepError.Rule) as caught:
                await doorstep.fail(waybill(6), "DF-NOBODY")
        self.assertEqual(caught.exception.code, "not_enrolled")

    async def test_a_position_goes_with_photos_only(self):
        asked = []

        class Here(Location):
            def position(self):
                asked.append(True)
                return Position(latitude=30.28, longitude=120.15)

        doorstep = await self.courier(location=Here())
        await doorstep.fail(waybill(7), "DF-NOBODY")
        self.assertEqual(asked, [])
        picture = self.folder / "door.jpg"
        await self.world.tell("photo", picture)
        await doorstep.record(Command.PHOTOS(waybill(7)), [picture])
        self.assertEqual(asked, [True])

    async def test_the_log_has_what_happened_and_nobodys_data_and_stays_below_its_cap(self):
        lines = []

        class Sink(LogSink):
            def log(self, record):
                lines.append(f"{record.level} {record.target} {record.text}")

        file = self.folder / "doorstep.log"
        package.init_logging(LogConfig(level=Level.DEBUG, targets=[], file=str(file), file_bytes=8_192), Sink())
        doorstep = await self.courier()
        await doorstep.fail(waybill(8), "DF-NOBODY", words="敲门无人")
        await soon(doorstep.sync())
        for _ in range(200):
            with self.assertRaises(DoorstepError.Rule):
                await doorstep.fail(waybill(8), "王小花")
        await package.flush_logs()
        self.assertTrue(any("synced requests=" in line for line in lines), lines[:9])
        self.assertTrue(any("failed code=reason_unknown" in line for line in lines))
        written = "".join(path.read_text() for path in self.folder.glob("doorstep.log*"))
        self.assertLessEqual(sum(path.stat().st_size for path in self.folder.glob("doorstep.log*")), 8_192)
        for secret in ["王小花", "1380000", "青禾路", "敲门无人", "QH0000"]:
            self.assertNotIn(secret, written)
            self.assertFalse(any(secret in line for line in lines), secret)
