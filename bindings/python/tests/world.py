"""A small network for tests: a `doorstep-world` process, spoken to over its standard input, and what most tests need of it."""

import asyncio
import json
import os
import pathlib
import tempfile
import unittest

from doorstep import Doorstep

BIN = pathlib.Path(os.environ["DOORSTEP_BIN"])
# How long a condition may take before the test is a failure. Nothing waits this long when all is well.
PATIENCE = 60


def waybill(n):
    return f"QH{n:012}"


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, PATIENCE)


class World:
    @classmethod
    async def start(cls, folder, parcels=40):
        world = cls()
        pipe = asyncio.subprocess.PIPE
        world.process = await asyncio.create_subprocess_exec(
            BIN / "doorstep-world", str(folder), str(parcels), stdin=pipe, stdout=pipe
        )
        world.url = (await world.read())["url"]
        return world

    async def read(self):
        return json.loads(await soon(self.process.stdout.readline()))

    async def tell(self, *words):
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        answer = await self.read()
        assert "error" not in answer, answer
        return answer

    async def stop(self):
        self.process.stdin.close()
        await soon(self.process.wait())


class WorldTest(unittest.IsolatedAsyncioTestCase):
    """A world and an enrolled courier for each test."""

    parcels = 40

    async def asyncSetUp(self):
        # The runner is in debug mode; a fsync on a busy disk is no fault of an event loop.
        asyncio.get_running_loop().slow_callback_duration = PATIENCE
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.world = await World.start(self.folder / "world", self.parcels)
        self.addAsyncCleanup(self.world.stop)
        self.store = self.folder / "phone"

    async def courier(self, **platform):
        """The courier's phone, enrolled."""
        doorstep = await Doorstep.open(self.store, **platform)
        self.addAsyncCleanup(doorstep.close)
        await soon(doorstep.enrol(self.world.url, (await self.world.tell("code", "c1"))["code"]))
        return doorstep

    async def held(self, doorstep):
        """A sync that has reached the server's door and waits there."""
        await self.world.tell("link", "hold")
        syncing = asyncio.create_task(doorstep.sync())
        await self.world.tell("reached")
        return syncing

    async def on_server(self):
        return {case["waybill"]: case for case in (await self.world.tell("cases"))["cases"]}


async def listed(rows):
    return [row async for row in rows]
