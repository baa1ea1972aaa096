"""What a call over the boundary costs, from Python. Prints figures; holds nothing against a bound."""

import asyncio
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from doorstep import DatabaseKey, Doorstep
from world import World, soon, waybill

CASES = 10_000
# A process of its own: opens the store, shows the first page, says how much memory it has come to.
FIRST_LIST = """
import asyncio, pathlib
from doorstep import Doorstep, CaseFilter
def resident():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
async def main():
    before = resident()
    async with await Doorstep.open({store!r}) as doorstep:
        await anext(doorstep.cases())
        print(f"{{resident() - before:.1f}}")
asyncio.run(main())
"""


async def timed(count, call):
    begun = time.perf_counter()
    for n in range(count):
        await call(n)
    return (time.perf_counter() - begun) / count * 1000


async def first(doorstep, count):
    async for _ in doorstep.cases():
        count -= 1
        if count == 0:
            return


async def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        world = await World.start(folder / "world", CASES + 100)
        store, picture = folder / "phone", folder / "door.jpg"
        await world.tell("photo", picture)
        async with await Doorstep.open(store) as doorstep:
            await soon(doorstep.enrol(world.url, (await world.tell("code", "c1"))["code"]))
            print(f"record a failure          {await timed(CASES, lambda n: doorstep.fail(waybill(n), 'DF-NOBODY')):8.3f} ms")
            call = await timed(5_000, lambda n: doorstep.is_locked())
            print(f"a call that reads storage {call:8.3f} ms, {1000 / call:,.0f} a second")
            print(f"a list of 1,000 of {CASES:,} {await timed(5, lambda n: first(doorstep, 1_000)):8.1f} ms, in pages of 200")
            cost = await timed(5, lambda n: doorstep.fail(waybill(CASES + n), "DF-NOBODY", photos=[picture]))
            print(f"a failure with a photo    {cost:8.1f} ms, from a picture of {picture.stat().st_size:,} bytes, by path")
        begun = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", FIRST_LIST.format(store=str(store))], check=True, capture_output=True, text=True)
        print(f"process start to list     {(time.perf_counter() - begun) * 1000:8.1f} ms with {CASES:,} cases, Python's own start included")
        print(f"memory of an idle client  {float(done.stdout):8.1f} MiB with {CASES:,} cases, beyond Python and the module")
        if "DOORSTEP_ENCRYPTS" in os.environ:
            for name, key in [("in plain", None), ("encrypted", Key())]:
                print(f"open, list, close {name}  {await opening(world, folder / name, key):8.2f} ms with 1,000 cases")
        await world.stop()


class Key(DatabaseKey):
    def key(self):
        return bytes(range(32))

    def erase(self):
        pass


async def opening(world, store, key):
    """Of a store with a key, or without, in the same process."""
    async with await Doorstep.open(store, database_key=key) as doorstep:
        await soon(doorstep.enrol(world.url, (await world.tell("code", "c1"))["code"]))
        for n in range(1_000):
            await doorstep.fail(waybill(n), "DF-NOBODY")
        await first(doorstep, 50)

    async def once(_):
        async with await Doorstep.open(store, database_key=key) as doorstep:
            await first(doorstep, 50)

    return await timed(20, once)


asyncio.run(main())
