package org.doorstep.android

import android.Manifest.permission.ACCESS_COARSE_LOCATION
import android.Manifest.permission.ACCESS_FINE_LOCATION
import android.content.Context
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.location.LocationManager
import android.os.SystemClock
import org.doorstep.ffi.Location
import org.doorstep.ffi.Position

/**
 * The newest position that the phone knows already, if it is at most [mostAgeMs] milliseconds old; nothing is switched on for it.
 * Absent without the permission ACCESS_FINE_LOCATION or ACCESS_COARSE_LOCATION, which the app asks for.
 */
class LastKnownLocation(context: Context, private val mostAgeMs: Long = 10 * 60_000) : Location {
    private val context = context.applicationContext

    override fun position(): Position? {
        val isAllowed = listOf(ACCESS_FINE_LOCATION, ACCESS_COARSE_LOCATION).any { context.checkSelfPermission(it) == PERMISSION_GRANTED }
        if (!isAllowed) return null
        val manager = context.getSystemService(LocationManager::class.java) ?: return null
        val fixes = manager.getProviders(true).mapNotNull { provider ->
            // A provider may want the finer permission.
            try { manager.getLastKnownLocation(provider) } catch (e: SecurityException) { null }
        }
        val newest = fixes.maxByOrNull { it.elapsedRealtimeNanos } ?: return null
        val age = SystemClock.elapsedRealtime() - newest.elapsedRealtimeNanos / 1_000_000
        val accuracy = if (newest.hasAccuracy()) newest.accuracy.toDouble() else null
        return if (age <= mostAgeMs) Position(newest.latitude, newest.longitude, accuracy) else null
    }
}
