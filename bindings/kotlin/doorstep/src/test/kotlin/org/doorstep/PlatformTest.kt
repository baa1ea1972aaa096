package org.doorstep

import com.sun.jna.Native
import java.io.File
import java.io.IOException
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.test.AfterTest
import kotlin.test.BeforeTest
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotNull
import kotlin.test.assertTrue
import kotlinx.coroutines.async
import org.doorstep.ffi.ClockReading
import org.doorstep.ffi.Command
import org.doorstep.ffi.DeviceClock
import org.doorstep.ffi.DeviceKey
import org.doorstep.ffi.DoorstepException
import org.doorstep.ffi.Level
import org.doorstep.ffi.Location
import org.doorstep.ffi.LogConfig
import org.doorstep.ffi.LogRecord
import org.doorstep.ffi.LogSink
import org.doorstep.ffi.PhotoFile
import org.doorstep.ffi.Position
import org.doorstep.ffi.SmsOutcome
import org.doorstep.ffi.SmsPlatform
import org.doorstep.ffi.SmsToSend

/** What an app gives: SMS, location, clocks, keys, a sink for the log; also when it throws. */
class PlatformTest : AtTheDoor() {
    /** A phone whose service comes and goes, and which does with each SMS what it is told to. */
    private class Phone(@Volatile var service: Boolean = false, @Volatile var answer: () -> String? = { null }) : SmsPlatform {
        val taken = ConcurrentLinkedQueue<SmsToSend>()
        override fun canSend() = service
        override fun send(message: SmsToSend) = answer().also { if (it == null) taken += message }
    }

    private suspend fun Doorstep.message(waybill: String) = case(waybill)!!.messages.single()

    private val escaped = ConcurrentLinkedQueue<Throwable>()

    @BeforeTest
    fun watchJna() {
        escaped.clear()
        Native.setCallbackExceptionHandler { _, error -> escaped += error }
    }

    /** What gets as far as JNA is printed by it, with the text that the app gave it. */
    @AfterTest
    fun nothingEscaped() = assertEquals(emptyList(), escaped.toList())

    @Test
    fun `an sms waits for service, outlives a fault, and counts once it is sent`() = test {
        val phone = Phone()
        val doorstep = courier(Platform(sms = phone))
        world.tell("link", "cut")
        assertFailsWith<DoorstepException.Network> { doorstep.sync() } // Head office's gateway is out of reach.
        doorstep.fail(waybill(20), "DF-NOBODY")
        assertContains(doorstep.previewSms(waybill(20)).text, waybill(20))
        doorstep.sendSms(waybill(20))
        doorstep.dispatchSms()
        assertEquals("queued" to false, doorstep.message(waybill(20)).let { it.state to it.counts })
        phone.service = true
        phone.answer = { "no_service" }
        doorstep.dispatchSms()
        assertEquals("no_service" to false, doorstep.message(waybill(20)).let { it.fault to it.counts })
        phone.answer = { null }
        doorstep.dispatchSms()
        val sent = phone.taken.single()
        sent.parts.indices.forEach { part -> doorstep.smsResult(sent.reference, SmsOutcome.PartSent(part.toUInt())) }
        assertEquals("sent" to true, doorstep.message(waybill(20)).let { it.state to it.counts })
    }

    @Test
    fun `an sms platform that throws is a fault, and nobody sends again by himself`() = test {
        listOf(IOException("13800000021"), NotImplementedError("13800000021")).forEachIndexed { n, thrown ->
            val phone = Phone(service = true) { throw thrown }
            val waybill = waybill(21 + n)
            courier(Platform(sms = phone)).use { doorstep ->
                doorstep.fail(waybill, "DF-NOBODY")
                doorstep.sendSms(waybill)
                doorstep.dispatchSms()
                val message = doorstep.message(waybill)
                assertEquals(listOf("failed", "generic", false), listOf(message.state, message.fault, message.counts))
            }
        }
    }

    @Test
    fun `a clock, a location and a collector that throw keep nobody from recording`() = test {
        val location = object : Location {
            override fun position(): Position? = TODO("no location")
        }
        val clock = object : DeviceClock {
            override fun now(): ClockReading = throw StackOverflowError()
        }
        val doorstep = courier(Platform(location = location, clock = clock))
        val collecting = async { doorstep.changes.collect { TODO("a collector that throws") } }
        assertFailsWith<NotImplementedError> { collecting.await() }
        doorstep.fail(waybill(23), "DF-NOBODY", photos = listOf(PhotoFile(picture().path)))
        doorstep.sync()
        assertNotNull(world.case(waybill(23)))
    }

    @Test
    fun `a position is asked for with photos only`() = test {
        val asked = ConcurrentLinkedQueue<Unit>()
        val location = object : Location {
            override fun position() = Position(30.28, 120.15).also { asked += Unit }
        }
        val doorstep = courier(Platform(location = location))
        doorstep.fail(waybill(24), "DF-NOBODY")
        assertEquals(0, asked.size)
        doorstep.record(Command.Photos(waybill(24)), listOf(PhotoFile(picture().path)))
        assertEquals(1, asked.size)
    }

    @Test
    fun `time passes as the app's clock says`() = test {
        val clock = object : DeviceClock {
            @Volatile var passed = 0L
            override fun now() = ClockReading(System.currentTimeMillis() + passed, 5_000 + passed, "7", 480)
        }
        val doorstep = courier(Platform(clock = clock))
        clock.passed = 3_600_000
        doorstep.fail(waybill(26), "DF-NOBODY")
        val ahead = doorstep.unsent().actions.single().recordedAtMs - System.currentTimeMillis()
        assertTrue(ahead in 3_600_000 - PATIENCE_MS..3_600_000, "$ahead")
    }

    @Test
    fun `a device key that throws on signing is a typed error without its text`() = test {
        val key = object : DeviceKey {
            override fun publicKey() = ByteArray(65).also { it[0] = 4 }
            override fun sign(message: ByteArray): ByteArray = throw AssertionError("key of 李明")
        }
        val failure = assertFailsWith<DoorstepException.Storage> { courier(Platform(deviceKey = key)) }
        assertEquals("device_key", failure.code)
        assertTrue(failure.zh.isNotEmpty() && failure.en.isNotEmpty())
        assertFalse("李明" in failure.toString())
    }

    @Test
    fun `the log has what happened and nobody's data, and stays below its cap`() = test {
        val lines = ConcurrentLinkedQueue<String>()
        val sink = object : LogSink {
            override fun log(record: LogRecord) {
                lines += record.toString()
                TODO("a sink that throws")
            }
        }
        val file = File(folder, "doorstep.log")
        Doorstep.logging(LogConfig(Level.DEBUG, file = file.path, fileBytes = 8_192u), sink)
        val doorstep = courier()
        doorstep.fail(waybill(25), "DF-NOBODY", "敲门无人")
        doorstep.sync()
        repeat(200) { assertFailsWith<DoorstepException.Rule> { doorstep.fail(waybill(25), "王小花") } }
        Doorstep.flushLogs()
        assertTrue(lines.any { "synced requests=" in it } && lines.any { "failed code=reason_unknown" in it }, lines.joinToString("\n"))
        val files = folder.listFiles { one -> one.name.startsWith("doorstep.log") }!!.toList()
        assertTrue(files.sumOf { it.length() } in 1..8_192)
        val written = lines.joinToString() + files.joinToString { it.readText() }
        assertEquals(emptyList(), listOf("王小花", "1380000", "青禾路", "敲门无人", "QH0000").filter { it in written })
    }

    @Test
    fun `a library that can not be loaded is one typed error, each time`() {
        val here = System.getProperty("java.class.path")
        val java = File(System.getProperty("java.home"), "bin/java").path
        val process = ProcessBuilder(java, "-Djna.library.path=$folder", "-cp", here, "org.doorstep.UnloadableKt", folder.path).start()
        assertEquals("library_missing library_missing", process.inputStream.bufferedReader().readLine())
        process.waitFor()
    }
}
