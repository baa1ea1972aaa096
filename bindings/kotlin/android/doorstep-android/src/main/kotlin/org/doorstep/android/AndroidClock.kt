package org.doorstep.android

import android.content.Context
import android.os.SystemClock
import android.provider.Settings
import org.doorstep.ffi.ClockReading
import org.doorstep.ffi.DeviceClock
import java.io.File
import java.util.TimeZone

/** The phone's clocks: the wall's, the time since boot (sleep included), which boot it is. Needs no permission. */
class AndroidClock(context: Context) : DeviceClock {
    private val boot: String by lazy { bootOf(context.applicationContext) }

    override fun now(): ClockReading {
        val wall = System.currentTimeMillis()
        return ClockReading(
            wallMs = wall,
            sinceBootMs = SystemClock.elapsedRealtime(),
            boot = boot,
            zoneMinutes = TimeZone.getDefault().getOffset(wall) / 60_000,
        )
    }

    /** The boot count, since level 24 (its name is given as text for 23); before that, the kernel's boot id. */
    private fun bootOf(context: Context): String {
        val count = Settings.Global.getInt(context.contentResolver, "boot_count", -1)
        return if (count >= 0) count.toString() else File("/proc/sys/kernel/random/boot_id").readText().trim()
    }
}
