package org.doorstep.android

import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.net.ConnectivityManager
import android.net.Network
import android.net.NetworkCapabilities
import android.net.NetworkRequest
import android.os.BatteryManager
import android.telephony.TelephonyManager
import org.doorstep.ffi.Connectivity
import org.doorstep.ffi.Surroundings

/** Network and power as Android sees them. Needs the permission ACCESS_NETWORK_STATE, which nobody is asked for. */
class AndroidConnectivity(context: Context) : Connectivity {
    private val context = context.applicationContext
    private val network = context.getSystemService(ConnectivityManager::class.java)
    private val phone = context.getSystemService(TelephonyManager::class.java)
    private val battery = context.getSystemService(BatteryManager::class.java)

    override fun surroundings(): Surroundings {
        val active = network.getNetworkCapabilities(network.activeNetwork)
        return Surroundings(
            metered = network.isActiveNetworkMetered,
            roaming = active?.hasTransport(NetworkCapabilities.TRANSPORT_CELLULAR) == true && phone?.isNetworkRoaming == true,
            battery = percent(battery.getIntProperty(BatteryManager.BATTERY_PROPERTY_CAPACITY)),
            charging = battery.isCharging,
        )
    }

    /**
     * Calls [changed] when a network came, went or changed its price, and when the charger was plugged in or out, until the result is
     * closed. Called on threads of the system; give it what launches `connectivityChanged`.
     */
    fun watch(changed: () -> Unit): AutoCloseable {
        val networks = object : ConnectivityManager.NetworkCallback() {
            private var metered: Boolean? = null

            override fun onAvailable(network: Network) = changed()

            override fun onLost(network: Network) = changed()

            // Told with every change of the signal as well.
            override fun onCapabilitiesChanged(network: Network, capabilities: NetworkCapabilities) {
                val now = !capabilities.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_METERED)
                if (metered != now) changed()
                metered = now
            }
        }
        val power = object : BroadcastReceiver() {
            override fun onReceive(context: Context, intent: Intent) = changed()
        }
        val internet = NetworkRequest.Builder().addCapability(NetworkCapabilities.NET_CAPABILITY_INTERNET).build()
        network.registerNetworkCallback(internet, networks)
        val plugged = IntentFilter(Intent.ACTION_POWER_CONNECTED).apply { addAction(Intent.ACTION_POWER_DISCONNECTED) }
        context.registerReceiver(power, plugged)
        return AutoCloseable {
            network.unregisterNetworkCallback(networks)
            context.unregisterReceiver(power)
        }
    }
}

/** A battery's percent as Android says it; what is out of range means that there is none. */
internal fun percent(capacity: Int): UByte? = capacity.takeIf { it in 0..100 }?.toUByte()
