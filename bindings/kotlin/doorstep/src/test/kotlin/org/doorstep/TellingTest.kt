package org.doorstep

import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertIs
import kotlin.test.assertTrue
import org.doorstep.ffi.CaseDetail
import org.doorstep.ffi.Command
import org.doorstep.ffi.DoorstepException
import org.doorstep.ffi.PhotoFile
import org.doorstep.ffi.ProblemFound
import org.doorstep.ffi.SmsPlatform
import org.doorstep.ffi.SmsToSend
import org.doorstep.ffi.TimelineEntry
import org.doorstep.ffi.ToldLine
import org.doorstep.ffi.ToldValue

private const val PHONE = "13912345678"
private const val ADDRESS = "青禾路9号3幢1201室"

/** What entries say: the number and address that a reply corrects, and every kind of entry that people record. */
class TellingTest : AtTheDoor() {
    /** A phone that takes every SMS. */
    private object Phone : SmsPlatform {
        override fun canSend() = true
        override fun send(message: SmsToSend): String? = null
    }

    private fun CaseDetail.newest(kind: String): TimelineEntry = timeline.last { it.kind == kind }

    private fun TimelineEntry.line(label: String): ToldLine = told.first { it.label == label }

    /** A personal value as it is told, and whether it is in clear. */
    private fun TimelineEntry.text(label: String): Pair<String, Boolean> =
        line(label).let { assertIs<ToldValue.Text>(it.value).text to it.personal!!.isClear }

    /** Another person's device, enrolled. */
    private suspend fun other(user: String): Doorstep = open(folder = File(folder, user)).also { it.enrol(world.url, world.code(user)) }

    private suspend fun Doorstep.newest(waybill: String, kind: String): TimelineEntry = case(waybill)!!.newest(kind)

    @Test
    fun `a courier reads the corrected phone and address of a reply and calls that number`() = test {
        val courier = courier()
        val number = waybill(60)
        courier.fail(number, "DF-ADDR")
        courier.notifyOrigin(number)
        courier.sync()
        world.tell("reply", number, PHONE, ADDRESS)
        courier.sync()
        val reply = courier.newest(number, "reply")
        assertEquals(PHONE to true, reply.text("phone"))
        assertEquals(ADDRESS to true, reply.text("address"))
        val phone = reply.line("phone")
        assertEquals(listOf("电话", "phone", "phone", "recipient"), listOf(phone.labelName.zh, phone.labelName.en, phone.personal!!.sort, phone.personal!!.whom))
        assertEquals("REDELIVER", assertIs<ToldValue.Code>(reply.line("decision").value).code)
        assertFalse(PHONE in "$reply $phone ${phone.value}")

        courier.record(Command.Call(number, "answered", "下午三点后在家", number = reply.text("phone").first))
        val call = courier.newest(number, "call")
        assertEquals(PHONE to true, call.text("number_called"))
        assertEquals("answered" to "下午三点后在家", call.code to call.words)
        courier.sync()

        val atHub = other("h1").newest(number, "reply")
        assertEquals("139******78" to false, atHub.text("phone"))
        assertEquals("青禾路***" to false, atHub.text("address"))
        courier.record(Command.Close(number, "SIGNED", "本人签收"))
        assertEquals("139******78" to false, courier.newest(number, "reply").text("phone"))
    }

    @Test
    fun `every kind of entry is told line by line`() = test {
        val courier = courier(Platform(sms = Phone))
        val number = waybill(61)
        courier.fail(number, "DF-ADDR", "人已搬走", listOf(PhotoFile(picture().path)))
        // With head office out of reach the phone sends.
        world.tell("link", "cut")
        assertFailsWith<DoorstepException.Network> { courier.sync() }
        courier.sendSms(number)
        courier.dispatchSms()
        world.tell("link", "up")
        courier.record(Command.Problem(ProblemFound(number, "CD-DAMAGE", stage = "delivery", words = "一角压坏", weightG = 1900u)))
        listOf(
            Command.Call(number, "no_answer", null),
            Command.Note(number, "门卫说下午回来"),
            Command.Outage(listOf(number), "network", "赵敏", "0571-88001234", null, "已告知"),
            Command.Notice(number, null, "如何处理？"),
            Command.Consent(number, "sender", "TRANSFER_PEER", "张小姐", "可以转同行"),
            Command.Goods(number, "茶杯", "纸箱加泡沫", 8_800, "一套六只"),
            Command.Tick(number, "report_superior", "已报"),
            Command.Waive(number, "inside", "客户不让开箱"),
            Command.Action(number, "TRANSFER_PEER", "同行快递", "ZT4200000011", 1_200, "转同行"),
        ).forEach { courier.record(it) }
        val note = courier.newest(number, "note").key
        courier.record(Command.Correct(number, note, "did_not_occur", null, "记错了", null))
        courier.record(Command.Dispute(number, note, "不是我写的"))
        courier.record(Command.Handover(number, "c2", "换线路"))
        val provisional = courier.provisionalNumber()
        courier.fail(provisional, "DF-NOBODY")
        courier.record(Command.Identify(provisional, waybill(62)))
        courier.sync()
        world.tell("reply", number, PHONE, ADDRESS)

        val colleague = other("c2")
        colleague.record(Command.Takeover(number))
        colleague.sync()
        assertEquals(PHONE to true, colleague.newest(number, "reply").text("phone"))
        val manager = other("m1")
        manager.record(Command.Ledger(number, "cod", "collected", 19_900, true, "已核"))
        manager.record(Command.Mark(number, null, "invalid", "empty", "没有决定"))
        manager.record(Command.Assign(number, "c2", 1_800_000_000_000, "明早再派"))
        val entries = listOf(number, waybill(62)).flatMap { manager.case(it)!!.timeline }.toMutableList()
        manager.record(Command.Close(number, "SIGNED", "本人签收"))
        entries += manager.newest(number, "close")

        // A customer's answer by SMS, a ruling and a later version's entries are head office's and the gateway's to write.
        val wanted = mapOf(
            "attempt" to "reason words", "problem" to "reason stage weight words", "call" to "call_result number_called", "note" to "words",
            "photo" to "shows photo thumbnail sharpness", "sms" to "sms_to sms_text template", "sms_report" to "sms_state sms_way about",
            "notice" to "notice_to request", "outage" to "outage_reason contact phone phoned_at said", "seen" to "about",
            "reply" to "decision phone address words", "mark" to "remark about mark_reason words",
            "action" to "outcome carrier onward_number amount words", "tick" to "step words", "assign" to "assignee planned_at words",
            "consent" to "agreed_to agreed_by agreed agreed_words", "goods" to "goods_name packing goods_value words",
            "ledger" to "ledger_change book amount slip_back words", "waiver" to "evidence words", "alias" to "also_known_as",
            "correction" to "fault about words", "dispute" to "about words", "handover" to "assignee words", "takeover" to "about",
            "close" to "outcome words",
        )
        wanted.forEach { (kind, labels) ->
            val told = entries.filter { it.kind == kind }.flatMap { it.told }.map { it.label }
            assertEquals(emptyList(), labels.split(" ") - told.toSet(), kind)
        }
        assertTrue(entries.flatMap { it.told }.all { it.labelName.zh.isNotEmpty() && it.labelName.en.isNotEmpty() })
        fun value(kind: String, label: String) = entries.last { it.kind == kind }.line(label).value
        assertEquals("ZT4200000011", assertIs<ToldValue.Waybill>(value("action", "onward_number")).waybill)
        assertEquals(8_800, assertIs<ToldValue.Money>(value("goods", "goods_value")).fen)
        assertEquals(1_900uL to "grams", assertIs<ToldValue.Number>(value("problem", "weight")).let { it.count to it.unit })
        assertEquals(1_800_000_000_000, assertIs<ToldValue.Time>(value("assign", "planned_at")).atMs)
        assertEquals("0571", assertIs<ToldValue.Outlet>(value("notice", "notice_to")).code)
        assertEquals("c2", assertIs<ToldValue.Person>(value("handover", "assignee")).user)
        assertTrue(assertIs<ToldValue.Photo>(value("photo", "photo")).len!! > 0u)
        assertTrue(assertIs<ToldValue.Entry>(value("seen", "about")).key.startsWith("notice/"))
        assertEquals(ToldValue.Yes, value("ledger", "slip_back"))
    }
}
