"""Encrypted stores: the app's key store gives the key, head office can have it destroyed."""

import os
import unittest

from doorstep import DatabaseKey, Doorstep, DoorstepError
from world import WorldTest, soon, waybill

ENCRYPTS = "DOORSTEP_ENCRYPTS" in os.environ


class KeyStore(DatabaseKey):
    """A platform's key store."""

    def __init__(self, key=bytes(range(32))):
        self.kept, self.asked = key, 0

    def key(self):
        self.asked += 1
        if self.kept is None:
            raise RuntimeError("destroyed")
        return self.kept

    def erase(self):
        self.kept = None


class PlainTest(WorldTest):
    @unittest.skipIf(ENCRYPTS, "a library that can")
    async def test_a_library_that_can_not_encrypt_makes_no_store_where_a_key_is_given(self):
        with self.assertRaises(DoorstepError.DatabaseKey) as caught:
            await Doorstep.open(self.store, database_key=KeyStore())
        self.assertEqual(caught.exception.code, "no_encryption")
        self.assertEqual(list(self.store.iterdir()), [])


@unittest.skipUnless(ENCRYPTS, "a library that can not encrypt; tests/encryption builds one that can")
class EncryptedTest(WorldTest):
    def bytes_below(self):
        return b"".join(path.read_bytes() for path in self.store.rglob("*") if path.is_file())

    async def test_what_is_recorded_lies_encrypted_on_the_disk_photos_too(self):
        doorstep = await self.courier(database_key=KeyStore())
        picture = self.folder / "door.jpg"
        await self.world.tell("photo", picture)
        await doorstep.fail(waybill(0), "DF-NOBODY", words="敲门无人", photos=[picture])
        await soon(doorstep.sync())
        self.assertIn(waybill(0), await self.on_server())
        await doorstep.close()
        for secret in ["敲门无人".encode(), b"QH0000", "李明".encode(), b"SQLite format", b"\xff\xd8\xff"]:
            self.assertNotIn(secret, self.bytes_below())

    async def test_a_wrong_key_is_its_own_error_and_touches_nothing(self):
        await (await self.courier(database_key=KeyStore())).close()
        before = self.bytes_below()
        for key, code in [(KeyStore(bytes(32)), "key_wrong"), (None, "key_missing"), (KeyStore(b"short"), "key_size")]:
            with self.assertRaises(DoorstepError.DatabaseKey) as caught:
                await Doorstep.open(self.store, database_key=key)
            self.assertEqual(caught.exception.code, code)
        with self.assertRaises(DoorstepError.Host):
            await Doorstep.open(self.store, database_key=KeyStore(None))
        self.assertEqual(self.bytes_below(), before)
        async with await Doorstep.open(self.store, database_key=KeyStore()) as again:
            self.assertEqual((await again.person()).user, "c1")

    async def test_the_key_is_asked_for_again_after_a_suspension(self):
        keys = KeyStore()
        doorstep = await self.courier(database_key=keys)
        await doorstep.suspend()
        await doorstep.resume()
        self.assertEqual(keys.asked, 2)
        self.assertEqual((await doorstep.person()).user, "c1")

    async def test_a_wipe_destroys_the_key_and_leaves_nothing(self):
        keys = KeyStore()
        doorstep = await self.courier(database_key=keys)
        await doorstep.fail(waybill(1), "DF-NOBODY")
        await self.world.tell("wipe", "c1")
        self.assertTrue((await soon(doorstep.sync())).wiped)
        self.assertIsNone(keys.kept)
        self.assertIsNone(await doorstep.person())
        self.assertEqual(self.bytes_below(), b"")
