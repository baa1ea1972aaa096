"""The generated Python binding against a real server, on a real store folder, over a link that can be cut.

Run by ./run, which builds, generates and sets DOORSTEP_BIN. Enrolling is not part of the binding: the command line does
it on the same folder first, as an app's first screen would.
"""

import asyncio
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import unittest

import doorstep_ffi as doorstep
from doorstep_ffi import DoorstepError

BIN = pathlib.Path(os.environ["DOORSTEP_BIN"])
# How long a condition may take before the test is a failure. Nothing waits this long when all is well.
PATIENCE = 60
HEADER = (
    "waybill,network,origin_outlet,delivering_outlet,courier,recipient_name,recipient_phone,"
    "recipient_address,cod_fen,theoretical_arrival\n"
)


def waybill(n):
    return f"QH{n:012}"


class Server:
    """A process of doorstep-server with two outlets, a courier and ten parcels."""

    def __init__(self, folder):
        self.data = folder / "server"
        self.admin("outlet", "0412", "--name-zh", "城西派件部", "--name-en", "Chengxi", "--phone", "0412-1000")
        self.admin("outlet", "0571", "--name-zh", "余杭网点", "--name-en", "Yuhang", "--phone", "0571-88001234")
        self.admin("user", "c1", "--name", "李明", "--role", "courier", "--outlet", "0412")
        parcels = folder / "parcels.csv"
        rows = (f"{waybill(n)},QH,0571,0412,c1,王小花,1380000{n:04},青禾路{n}号,0,\n" for n in range(10))
        parcels.write_text(HEADER + "".join(rows), encoding="utf-8")
        self.admin("import-parcels", parcels)
        command = [BIN / "doorstep-server", "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def wait(self):
        """Until it says where it listens."""
        host, port = json.loads(self.process.stdout.readline())["listen"].rsplit(":", 1)
        self.address = (host, int(port))

    def admin(self, *arguments):
        command = [BIN / "doorstep-server", "admin", "--data", self.data, "--json", *arguments]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class Link:
    """A way to the server that runs on the test's own event loop: bytes pass only while that loop is free."""

    def __init__(self):
        self.is_cut = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()
        self.carrying = set()

    async def open(self, server):
        self.server = server
        self.listener = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        port = self.listener.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    async def close(self):
        self.listener.close()
        for task in self.carrying:
            task.cancel()
        await asyncio.gather(*self.carrying, return_exceptions=True)

    def accept(self, from_device, to_device):
        # A task of our own: asyncio's would report its cancellation as an error.
        self.carrying.add(asyncio.create_task(self.carry(from_device, to_device)))

    async def carry(self, from_device, to_device):
        self.reached.set()
        await self.gate.wait()
        if self.is_cut:
            to_device.close()
            return
        from_server, to_server = await asyncio.open_connection(*self.server)
        await asyncio.gather(self.pump(from_device, to_server), self.pump(from_server, to_device))

    @staticmethod
    async def pump(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()


class Watcher(doorstep.ChangeListener):
    """Reads what is unsent whenever it is told of a change, on whatever thread that is."""

    def __init__(self, client):
        self.client = client
        self.news = threading.Condition()
        self.calls = 0
        self.unsent = None

    def changed(self):
        unsent = sum(case.unsent for case in self.client.cases(True))
        with self.news:
            self.calls += 1
            self.unsent = unsent
            self.news.notify_all()

    async def sees(self, unsent):
        def wait():
            with self.news:
                return self.news.wait_for(lambda: self.unsent == unsent, PATIENCE)

        return await asyncio.to_thread(wait)


class DoorstepTest(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.server = Server(pathlib.Path(cls.folder.name))
        cls.addClassCleanup(cls.server.stop)
        cls.server.wait()

    async def asyncSetUp(self):
        self.link = Link()
        await self.link.open(self.server.address)
        self.store = pathlib.Path(self.folder.name) / self.id().rsplit(".", 1)[1]
        code = self.server.admin("code", "c1")["code"]
        enrol = ["--store", self.store, "enrol", "--server", self.link.url, "--code", code]
        process = await asyncio.create_subprocess_exec(BIN / "doorstep", *enrol, stdout=subprocess.DEVNULL)
        self.assertEqual(await process.wait(), 0)
        self.link.reached.clear()
        self.client = doorstep.open_client(str(self.store))

    async def asyncTearDown(self):
        await self.link.close()

    def record(self, n, reason="DF-NOBODY", photos=()):
        return self.client.record_failure(waybill(n), reason, None, "敲门无人", list(photos))

    def case(self, n):
        return next(case for case in self.client.cases(True) if case.waybill == waybill(n))

    async def test_a_failure_recorded_offline_is_listed_as_unsent(self):
        self.link.is_cut = True
        recorded = self.record(0)
        self.assertEqual((recorded.waybill, recorded.state, recorded.next_step), (waybill(0), "registered", "notify_origin"))
        self.assertIn("短信", recorded.missing[0].zh)
        with self.assertRaises(DoorstepError.Network) as caught:
            await asyncio.wait_for(self.client.sync(), PATIENCE)
        self.assertIn("on this device", caught.exception.en)
        case = self.case(0)
        self.assertEqual((case.unsent, case.quarantined, case.attempts, case.reason), (1, 0, 1, "DF-NOBODY"))
        self.assertEqual(case.due_at_ms, recorded.due_at_ms)

    async def test_why_a_deadline_runs_is_told_offline_in_both_languages(self):
        self.link.is_cut = True
        self.record(0)
        told = {answer.about.split("@")[0]: answer for answer in self.client.explain(waybill(0))}
        deadline = told["SLA-03"]
        self.assertIn("Same-day notice", deadline.answer.en)
        self.assertTrue(any("S0:L113" in link.zh and "规则" in link.zh for link in deadline.because), deadline.because)
        self.assertIn("sms", told)
        self.assertEqual(self.client.explain(waybill(7)), [])

    async def test_a_sync_leaves_the_event_loop_free_and_the_server_has_the_case(self):
        self.record(1)
        self.link.gate.clear()
        syncing = asyncio.create_task(self.client.sync())
        # Only a free loop can accept the connection, and later carry its bytes.
        await asyncio.wait_for(self.link.reached.wait(), PATIENCE)
        self.assertFalse(syncing.done())
        self.link.gate.set()
        report = await asyncio.wait_for(syncing, PATIENCE)
        self.assertGreaterEqual(report.requests, 1)
        self.assertEqual(self.case(1).unsent, 0)
        on_server = {case["waybill"]: case for case in self.server.admin("cases")}
        self.assertEqual(on_server[waybill(1)]["attempts"], 1)

    async def test_a_cancelled_sync_finishes_by_itself(self):
        self.record(2)
        watcher = Watcher(self.client)
        subscription = self.client.listen(watcher)
        self.link.gate.clear()
        syncing = asyncio.create_task(self.client.sync())
        await asyncio.wait_for(self.link.reached.wait(), PATIENCE)
        syncing.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await syncing
        self.link.gate.set()
        self.assertTrue(await watcher.sees(0))
        subscription.cancel()

    async def test_the_listener_is_told_after_a_record_and_after_a_sync_until_it_is_cancelled(self):
        first, second = Watcher(self.client), Watcher(self.client)
        first_subscription, second_subscription = self.client.listen(first), self.client.listen(second)
        self.record(3)
        self.assertTrue(await first.sees(1))
        await asyncio.wait_for(self.client.sync(), PATIENCE)
        self.assertTrue(await first.sees(0))
        self.assertTrue(await second.sees(0))
        first_subscription.cancel()
        calls = first.calls
        self.record(4)
        self.assertTrue(await second.sees(1))
        self.assertEqual((first.calls, first.unsent), (calls, 0))
        second_subscription.cancel()

    async def test_a_folder_opened_twice_is_one_client(self):
        watcher = Watcher(self.client)
        subscription = self.client.listen(watcher)
        again = doorstep.open_client(f"{self.store}/../{self.store.name}")
        again.record_failure(waybill(5), "DF-NOBODY", None, None, [])
        self.assertTrue(await watcher.sees(1))
        subscription.cancel()

    async def test_a_refusal_says_what_is_allowed_and_records_nothing(self):
        with self.assertRaises(DoorstepError.Rule) as caught:
            self.record(6, reason="DF-WEATHER")
        self.assertIn("DF-NOBODY", caught.exception.zh)
        self.assertIn("there are: ", caught.exception.en)
        self.assertIn("DF-WEATHER", str(caught.exception))
        with self.assertRaises(DoorstepError.Usage):
            self.client.record_failure("12", "DF-NOBODY", None, None, [])
        with self.assertRaises(DoorstepError.Usage) as caught:
            self.record(6, photos=["/no/such/王小花.jpg"])
        self.assertNotIn("王小花", str(caught.exception))
        self.assertNotIn(waybill(6), [case.waybill for case in self.client.cases(True)])

    async def test_a_file_that_is_no_store_is_an_error_and_stays_as_it_is(self):
        folder = pathlib.Path(self.folder.name) / "damaged"
        folder.mkdir()
        (folder / "doorstep.db").write_bytes(b"not a database " * 1000)
        with self.assertRaises(DoorstepError.Storage) as caught:
            doorstep.open_client(str(folder))
        self.assertIn("left as it is", caught.exception.en)
        self.assertEqual((folder / "doorstep.db").read_bytes(), b"not a database " * 1000)


if __name__ == "__main__":
    unittest.main()
