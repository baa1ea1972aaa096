package org.doorstep.courier

import android.content.Context
import org.doorstep.ffi.Bilingual
import org.doorstep.ffi.DoorstepException
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

/** What is left until a deadline, or how late it is; empty without one. */
fun Context.countdown(dueAtMs: Long?, nowMs: Long = System.currentTimeMillis()): String {
    val left = TimeLeft.until(dueAtMs ?: return "", nowMs)
    return getString(if (left.isLate) R.string.late else R.string.left, left.hours, left.minutes)
}
