package org.doorstep.android

import android.content.Context
import org.doorstep.Platform
import org.doorstep.ffi.SmsPlatform

/** All that a phone gives the client, for `Doorstep.open`: keys in the Keystore, network and power, position, clocks, and [sms]. */
fun androidPlatform(context: Context, sms: SmsPlatform? = null): Platform {
    val deviceKey = KeystoreDeviceKey()
    return Platform(
        deviceKey = deviceKey,
        databaseKey = KeystoreDatabaseKey(context, deviceKey),
        connectivity = AndroidConnectivity(context),
        location = LastKnownLocation(context),
        clock = AndroidClock(context),
        sms = sms,
    )
}
