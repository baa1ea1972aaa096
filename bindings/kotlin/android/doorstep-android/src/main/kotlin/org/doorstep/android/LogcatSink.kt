package org.doorstep.android

import android.util.Log
import org.doorstep.ffi.Level
import org.doorstep.ffi.LogRecord
import org.doorstep.ffi.LogSink

/** Lines to Logcat, under the tag `doorstep`. No line holds a person's data. */
object LogcatSink : LogSink {
    override fun log(record: LogRecord) {
        val dropped = if (record.dropped > 0u) " (${record.dropped} lines dropped)" else ""
        Log.println(priority(record.level), "doorstep", "${record.target}: ${record.text}$dropped")
    }
}

internal fun priority(level: Level): Int = when (level) {
    Level.DEBUG -> Log.DEBUG
    Level.INFO -> Log.INFO
    Level.WARN -> Log.WARN
    Level.ERROR -> Log.ERROR
}
