package org.doorstep.android

import android.content.Context
import android.telephony.PhoneStateListener
import android.telephony.ServiceState
import android.telephony.TelephonyManager

/**
 * Calls [back] when cellular service came back, until it is closed: give it what launches `dispatchSms`. Make it on the main
 * thread. Needs no permission.
 */
@Suppress("DEPRECATION") // What replaces it is of level 31.
class CellularWatch(context: Context, private val back: () -> Unit) : AutoCloseable {
    private val phone = context.getSystemService(TelephonyManager::class.java)
    private val listener = object : PhoneStateListener() {
        private var served: Boolean? = null

        override fun onServiceStateChanged(state: ServiceState) {
            val now = state.state == ServiceState.STATE_IN_SERVICE
            if (now && served == false) back()
            served = now
        }
    }

    init {
        phone?.listen(listener, PhoneStateListener.LISTEN_SERVICE_STATE)
    }

    override fun close() {
        phone?.listen(listener, PhoneStateListener.LISTEN_NONE)
    }
}
