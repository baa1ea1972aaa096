"""What a call over the boundary costs, from Python. Prints figures; holds nothing against a bound."""

import asyncio
import pathlib
import subprocess
import sys
import tempfile
import time

from doorstep import Doorstep
from world import World, listed, soon, waybill


async def timed(count, call):
    begun = time.perf_counter()
    for n in range(count):
        await call(n)
    return (time.perf_counter() - begun) / count * 1000


async def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        world = await World.start(folder / "world", 1_100)
        store, picture = folder / "phone", folder / "door.jpg"
        await world.tell("photo", picture)
        async with await Doorstep.open(store) as doorstep:
            await soon(doorstep.enrol(world.url, (await world.tell("code", "c1"))["code"]))
            print(f"record a failure          {await timed(1_000, lambda n: doorstep.fail(waybill(n), 'DF-NOBODY')):8.3f} ms")
            locked = await timed(2_000, lambda n: doorstep.is_locked())
            print(f"a call that reads storage {locked:8.3f} ms, {1000 / locked:,.0f} a second")
            print(f"a list of 1,000           {await timed(5, lambda n: listed(doorstep.cases())):8.1f} ms, in pages of 200")
            cost = await timed(5, lambda n: doorstep.fail(waybill(1_000 + n), "DF-NOBODY", photos=[picture]))
            print(f"a failure with a photo    {cost:8.1f} ms, from a picture of {picture.stat().st_size:,} bytes, by path")
        code = f"import asyncio\nfrom doorstep import Doorstep\nasync def main():\n    d = await Doorstep.open({str(store)!r})\n    await anext(d.cases())\nasyncio.run(main())"
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        print(f"process start to list     {(time.perf_counter() - begun) * 1000:8.1f} ms, Python's own start included")
        await world.stop()


asyncio.run(main())
