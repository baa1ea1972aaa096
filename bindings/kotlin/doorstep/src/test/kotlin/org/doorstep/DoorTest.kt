package org.doorstep

import java.io.File
import kotlin.test.Test
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNull
import kotlin.test.assertTrue
import org.doorstep.ffi.DoorstepException
import org.doorstep.ffi.PhotoFile

/** Enrolling, recording offline, what is refused. */
class DoorTest : AtTheDoor() {
    @Test
    fun `a code enrols and brings person, parcels page by page and rules`() = test {
        val doorstep = courier()
        val person = doorstep.person()!!
        assertEquals(listOf("c1", "李明", "courier", "0412"), listOf(person.user, person.name, person.role, person.outlet))
        val first = doorstep.parcels(limit = 60)
        val second = doorstep.parcels(after = first.last().waybill, limit = 60)
        assertEquals((0 until 100).map(::waybill), (first + second).map { it.waybill })
        assertEquals("王小花" to "13800000007", first[7].recipientName to first[7].recipientPhone)
        assertFalse("王小花" in first[7].toString())
        val reason = doorstep.rules()!!.problems.single { it.code == "DF-NOBODY" }
        assertTrue(reason.isFailedDelivery && reason.button && reason.name.zh.isNotEmpty() && reason.name.en.isNotEmpty())
        assertEquals("0571-88001234", doorstep.outlet("0571")!!.phone)
    }

    @Test
    fun `a failure with a photo recorded offline is unsent until a sync brings it to head office`() = test {
        val doorstep = courier()
        val picture = picture()
        world.tell("link", "cut")
        val recorded = doorstep.fail(waybill(0), "DF-NOBODY", "敲门无人", listOf(PhotoFile(picture.path)))
        assertEquals(listOf(waybill(0), "registered"), listOf(recorded.waybill, recorded.state))
        val failure = assertFailsWith<DoorstepException.Network> { doorstep.sync() }
        assertContains(failure.zh, "已保存在本机")
        assertContains(failure.en, "on this device")
        val unsent = doorstep.unsent()
        assertEquals(listOf(waybill(0) to "fail"), unsent.actions.map { it.waybill to it.what })
        assertEquals(1u, unsent.photos)
        world.tell("link", "up")
        assertEquals(1u, doorstep.sync().photos)
        assertEquals(0 to 0u, doorstep.unsent().let { it.actions.size to it.photos })
        assertContains(world.case(waybill(0))!!, "\"attempts\":1")
        val photo = doorstep.case(waybill(0))!!.timeline.firstNotNullOf { it.photo }
        assertTrue(doorstep.photoToFile(photo, File(folder, "again.jpg").path))
        assertContentEquals(byteArrayOf(-1, -40), File(folder, "again.jpg").readBytes().copyOf(2))
    }

    @Test
    fun `a picture chosen from the gallery is something to ask about`() = test {
        val doorstep = courier()
        for ((number, inApp) in listOf(true, false, null).withIndex()) {
            val photo = PhotoFile(picture().path, takenInApp = inApp)
            doorstep.fail(waybill(40 + number), "DF-NOBODY", photos = listOf(photo))
            val asked = doorstep.case(waybill(40 + number))!!.questions.map { it.en }
            assertEquals(inApp == false, "A photo was chosen from the phone's pictures" in asked, "$asked")
        }
    }

    @Test
    fun `what a killed process recorded is there when the store is opened again`() = test {
        courier().close()
        val victim = java("org.doorstep.VictimKt", store.path, waybill(3))
        assertEquals("recorded", victim.inputStream.bufferedReader().readLine())
        victim.destroyForcibly().waitFor()
        assertEquals(listOf(waybill(3)), open().unsent().actions.map { it.waybill })
    }

    @Test
    fun `a wrong reason is refused with what there is, in both languages`() = test {
        val doorstep = courier()
        val refusal = assertFailsWith<DoorstepException.Rule> { doorstep.fail(waybill(7), "DF-WEATHER") }
        assertEquals("reason_unknown", refusal.code)
        assertContains(refusal.zh, "DF-NOBODY")
        assertContains(refusal.en, "there are: ")
        assertEquals("${refusal.zh} / ${refusal.en}", refusal.toString())
        assertNull(doorstep.case(waybill(7)))
    }

    @Test
    fun `a wrong waybill and a missing photo file are wrong use, and no path is repeated`() = test {
        val doorstep = courier()
        val wrong = assertFailsWith<DoorstepException.Usage> { doorstep.fail("12", "DF-NOBODY") }
        assertContains(wrong.zh, "单号有误")
        assertFalse(wrong.en.isEmpty())
        val photo = PhotoFile(File(folder, "王小花.jpg").path)
        val missing = assertFailsWith<DoorstepException.Usage> { doorstep.fail(waybill(7), "DF-NOBODY", photos = listOf(photo)) }
        assertContains(missing.zh, "照片")
        assertContains(missing.en, "photo")
        assertFalse("王小花" in missing.toString() || "王小花" in missing.message)
        assertNull(doorstep.case(waybill(7)))
    }

    @Test
    fun `a file that is no store is an error and stays as it is`() = test {
        val bytes = "not a database ".repeat(1000).toByteArray()
        val file = File(store, "doorstep.db").apply { parentFile.mkdirs() }
        file.writeBytes(bytes)
        val failure = assertFailsWith<DoorstepException.Storage> { open() }
        assertEquals("wrong_file", failure.code)
        assertContains(failure.en, "left as it is")
        assertTrue(failure.zh.any { it in '\u4e00'..'\u9fff' }, failure.zh)
        assertContentEquals(bytes, file.readBytes())
    }

    @Test
    fun `why a deadline runs is told offline`() = test {
        val doorstep = courier()
        world.tell("link", "cut")
        doorstep.fail(waybill(8), "DF-NOBODY")
        val told = doorstep.explain(waybill(8)).single { it.about.startsWith("SLA-03@") }
        assertContains(told.answer.en, "Same-day notice")
        assertTrue(told.because.any { "规则" in it.zh })
        assertEquals(emptyList(), doorstep.explain(waybill(9)))
    }
}
