package org.doorstep.android

import org.doorstep.ffi.DoorstepException
import org.doorstep.ffi.SmsOutcome
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.security.KeyPairGenerator
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What the adapters do without Android. */
class AdaptersTest {
    @TempDir
    lateinit var folder: File

    private fun pair(curve: String) = KeyPairGenerator.getInstance("EC").run {
        initialize(ECGenParameterSpec(curve))
        generateKeyPair().public as ECPublicKey
    }

    private fun aes(byte: Int): SecretKey = SecretKeySpec(ByteArray(32) { byte.toByte() }, "AES")

    @Test
    fun `a P-256 key becomes its point of 65 bytes`() {
        val key = pair("secp256r1")
        val point = publicPoint(key.encoded)
        assertEquals(65, point.size)
        assertEquals(4, point[0])
        assertEquals(key.w.affineX, java.math.BigInteger(1, point.copyOfRange(1, 33)))
        assertEquals(key.w.affineY, java.math.BigInteger(1, point.copyOfRange(33, 65)))
    }

    @Test
    fun `a key of another curve is refused`() {
        assertFailsWith<IllegalArgumentException> { publicPoint(pair("secp384r1").encoded) }
        assertFailsWith<IllegalArgumentException> { publicPoint(ByteArray(0)) }
    }

    @Test
    fun `a wrapped key is read back, and its file does not hold it`() {
        val file = File(folder, "database.key")
        assertNull(WrappedKey(file).read(aes(1)))
        val key = WrappedKey(file).make(aes(1))
        assertEquals(32, key.size)
        assertContentEquals(key, WrappedKey(file).read(aes(1)))
        assertFalse(String(file.readBytes(), Charsets.ISO_8859_1).contains(String(key, Charsets.ISO_8859_1)))
        assertNotEquals(key.toList(), WrappedKey(File(folder, "other.key")).make(aes(1)).toList())
    }

    @Test
    fun `a wrapped key that does not open is an error with words, and its file stays`() {
        val file = File(folder, "database.key")
        WrappedKey(file).make(aes(1))
        val before = file.readBytes()
        for (wrapping in listOf(aes(2), null)) {
            val error = assertFailsWith<DoorstepException.DatabaseKey> { WrappedKey(file).read(wrapping) }
            assertTrue(error.zh.isNotEmpty() && error.en.isNotEmpty())
        }
        assertContentEquals(before, file.readBytes())
        file.writeBytes(before.copyOf(5))
        assertFailsWith<DoorstepException.DatabaseKey> { WrappedKey(file).read(aes(1)) }
    }

    @Test
    fun `what Android says of an SMS becomes an outcome`() {
        assertEquals(SmsOutcome.PartSent(1u), sentOutcome(1u, -1))
        assertEquals(SmsOutcome.PartFailed(0u, "generic"), sentOutcome(0u, 1))
        assertEquals(SmsOutcome.PartFailed(0u, "radio_off"), sentOutcome(0u, 2))
        assertEquals(SmsOutcome.PartFailed(0u, "null_pdu"), sentOutcome(0u, 3))
        assertEquals(SmsOutcome.PartFailed(0u, "no_service"), sentOutcome(0u, 4))
        assertEquals(SmsOutcome.PartFailed(0u, "generic"), sentOutcome(0u, 124))
        assertEquals(SmsOutcome.PartDelivered(2u), deliveryOutcome(2u, 0x00))
        assertNull(deliveryOutcome(2u, 0x20), "still being tried")
        assertNull(deliveryOutcome(2u, 0x46), "given up")
    }

    @Test
    fun `an intent's address names the SMS and its part`() {
        assertEquals(SmsResult("a/1", 2u, isDelivery = false), SmsResult.of("sent", listOf("a/1", "2")))
        assertEquals(SmsResult("a/1", 0u, isDelivery = true), SmsResult.of("delivered", listOf("a/1", "0")))
        assertNull(SmsResult.of("sent", listOf("a/1")))
        assertNull(SmsResult.of("sent", listOf("a/1", "-1")))
        assertNull(SmsResult.of("other", listOf("a/1", "0")))
    }

    @Test
    fun `the provider gives out photos of the camera and nothing else`() {
        assertTrue(isPhotoName("${java.util.UUID.randomUUID()}.jpg"))
        val others = listOf("", "../store.db", "..%2Fstore.db", "x.jpg", "${java.util.UUID.randomUUID()}.jpg.db")
        others.forEach { assertFalse(isPhotoName(it), it) }
    }

    @Test
    fun `a battery that is not there has no percent`() {
        assertEquals(80u.toUByte(), percent(80))
        assertNull(percent(Int.MIN_VALUE))
        assertNull(percent(101))
    }
}
