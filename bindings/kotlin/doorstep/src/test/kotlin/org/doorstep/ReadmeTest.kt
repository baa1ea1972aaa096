package org.doorstep

import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import org.doorstep.ffi.Level
import org.doorstep.ffi.LogConfig

/** What README.md shows does what it says. */
class ReadmeTest : AtTheDoor(10) {
    @Test
    fun `the quick start ends with a failed delivery that head office has`() {
        val program = java("QuickStartKt", store.path, world.url, world.code())
        assertEquals("${waybill(0)} registered", program.inputStream.bufferedReader().readLine())
        assertEquals(0, program.waitFor())
        assertContains(world.case(waybill(0))!!, "\"attempts\":1")
    }

    @Test
    fun `every other block of the readme runs in its order`() = test {
        val doorstep = courier()
        picture()
        readme.forEach { block -> block(doorstep, folder.path, waybill(1)) }
        Doorstep.logging(LogConfig(Level.ERROR)) // The block on logging set up a sink that prints.
        val kinds = doorstep.case(waybill(1))!!.timeline.map { it.kind }
        assertTrue(kinds.containsAll(listOf("attempt", "photo", "sms", "notice", "call", "note")), "$kinds")
    }
}
