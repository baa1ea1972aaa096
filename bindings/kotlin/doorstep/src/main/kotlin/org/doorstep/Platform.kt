package org.doorstep

import org.doorstep.ffi.ChangeListener
import org.doorstep.ffi.Connectivity
import org.doorstep.ffi.DatabaseKey
import org.doorstep.ffi.DeviceClock
import org.doorstep.ffi.DeviceKey
import org.doorstep.ffi.Location
import org.doorstep.ffi.LogRecord
import org.doorstep.ffi.LogSink
import org.doorstep.ffi.SmsPlatform
import org.doorstep.ffi.SmsToSend

/**
 * What the platform gives: an app implements the parts that it has, each has a default where there is none. They are called on
 * threads of the library, must return fast and may throw: what is thrown becomes an error of the call that needed it, without
 * its text.
 *
 * @property deviceKey the key that signs; without it, a software key beside the store.
 * @property databaseKey the key of the database and the photo files; without it they are not encrypted by the library.
 * @property connectivity what network and power are like; without it, unmetered and powered.
 * @property location where photos are taken; without it, they have the position that the camera wrote, if any.
 * @property clock the device's clocks; without it, the operating system's.
 * @property sms the phone's way to send SMS; without it only head office's gateway sends.
 */
data class Platform(
    val deviceKey: DeviceKey? = null,
    val databaseKey: DatabaseKey? = null,
    val connectivity: Connectivity? = null,
    val location: Location? = null,
    val clock: DeviceClock? = null,
    val sms: SmsPlatform? = null,
) {
    internal fun guarded() = Platform(
        deviceKey?.let(::GuardedDeviceKey),
        databaseKey?.let(::GuardedDatabaseKey),
        connectivity?.let(::GuardedConnectivity),
        location?.let(::GuardedLocation),
        clock?.let(::GuardedClock),
        sms?.let(::GuardedSms),
    )
}

/** Stands for an [Error] that a part of the app threw. */
private class PartFailed(error: Error) : RuntimeException(error)

/**
 * The generated code passes on what an app throws only if it is an [Exception]: an [Error], such as [NotImplementedError],
 * would arrive in the library as an answer that can not be read.
 */
private fun <T> guarded(call: () -> T): T = try {
    call()
} catch (error: Error) {
    throw PartFailed(error)
}

private class GuardedDeviceKey(private val given: DeviceKey) : DeviceKey {
    override fun publicKey() = guarded { given.publicKey() }
    override fun sign(message: ByteArray) = guarded { given.sign(message) }
}

private class GuardedDatabaseKey(private val given: DatabaseKey) : DatabaseKey {
    override fun key() = guarded { given.key() }
    override fun erase() = guarded { given.erase() }
}

private class GuardedConnectivity(private val given: Connectivity) : Connectivity {
    override fun surroundings() = guarded { given.surroundings() }
}

private class GuardedLocation(private val given: Location) : Location {
    override fun position() = guarded { given.position() }
}

private class GuardedClock(private val given: DeviceClock) : DeviceClock {
    override fun now() = guarded { given.now() }
}

private class GuardedSms(private val given: SmsPlatform) : SmsPlatform {
    override fun canSend() = guarded { given.canSend() }
    override fun send(message: SmsToSend) = guarded { given.send(message) }
}

internal class GuardedLogSink(private val given: LogSink) : LogSink {
    override fun log(record: LogRecord) = guarded { given.log(record) }
}

/** A listener from a function. */
internal class GuardedListener(private val told: () -> Unit) : ChangeListener {
    override fun changed() = guarded { told() }
}
