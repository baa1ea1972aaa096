package org.doorstep.courier

import android.content.Context
import org.doorstep.ffi.Bilingual
import org.doorstep.ffi.DoorstepException
import org.doorstep.ffi.TimelineEntry
import org.doorstep.ffi.ToldLine
import org.doorstep.ffi.ToldValue
import org.doorstep.words
import java.text.DateFormat
import java.util.Date
import java.util.Locale

/** In the language of the phone. */
fun Bilingual.here(): String = pick(zh, en)

/** What happened and what to do next, in the language of the phone. */
fun DoorstepException.here(): String = words()

private fun pick(zh: String, en: String) = if (Locale.getDefault().language == "zh") zh else en

/** A time of the phone's day. */
fun clock(atMs: Long): String = DateFormat.getDateTimeInstance(DateFormat.SHORT, DateFormat.SHORT).format(Date(atMs))

/** What a line of an entry says, with its label where a value alone says nothing; `null` for what is no text for a person. */
fun ToldLine.here(): String? = when (val value = value) {
    is ToldValue.Text -> "${labelName.here()}: ${value.text}"
    is ToldValue.Code -> value.name.here()
    is ToldValue.Yes -> labelName.here()
    is ToldValue.Time -> "${labelName.here()}: ${clock(value.atMs)}"
    is ToldValue.Money -> "${labelName.here()}: %.2f".format(value.fen / 100.0)
    is ToldValue.Number -> listOfNotNull("${labelName.here()}: ${value.count}", value.unitName?.here()).joinToString(" ")
    is ToldValue.Outlet -> "${labelName.here()}: ${value.code}"
    is ToldValue.Person -> "→ ${value.user}"
    is ToldValue.Waybill -> "${labelName.here()}: ${value.waybill}"
    is ToldValue.Sealed, is ToldValue.Day, is ToldValue.Photo, is ToldValue.Entry, is ToldValue.Finding, is ToldValue.Position,
    is ToldValue.Bytes -> null
}

/** The number that an entry gives to reach the recipient, where the person may see it. */
fun TimelineEntry.numberToCall(): String? = told.firstOrNull { it.label == "phone" && it.personal?.whom == "recipient" && it.personal?.isClear == true }
    ?.let { (it.value as? ToldValue.Text)?.text }

/** What is left until a deadline, or how late it is; empty without one. */
fun Context.countdown(dueAtMs: Long?, nowMs: Long = System.currentTimeMillis()): String {
    val left = TimeLeft.until(dueAtMs ?: return "", nowMs)
    return getString(if (left.isLate) R.string.late else R.string.left, left.hours, left.minutes)
}
