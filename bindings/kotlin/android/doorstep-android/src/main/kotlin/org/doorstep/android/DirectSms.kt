package org.doorstep.android

import android.Manifest.permission.SEND_SMS
import android.content.Context
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.provider.Settings
import android.telephony.SmsManager
import android.telephony.TelephonyManager
import org.doorstep.ffi.SmsPlatform
import org.doorstep.ffi.SmsToSend

/**
 * Sends SMS by itself, part by part; [SmsResultReceiver] tells the client what became of each. For phones of the company: needs the
 * permission SEND_SMS, which the app asks for and app stores seldom allow.
 */
class DirectSms(context: Context) : SmsPlatform {
    private val context = context.applicationContext
    private val phone = context.getSystemService(TelephonyManager::class.java)

    override fun canSend(): Boolean {
        val isAllowed = context.checkSelfPermission(SEND_SMS) == PERMISSION_GRANTED
        val isRadioOff = Settings.Global.getInt(context.contentResolver, Settings.Global.AIRPLANE_MODE_ON, 0) != 0
        // The operator has a number only while the phone is registered with it.
        return isAllowed && !isRadioOff && phone?.simState == TelephonyManager.SIM_STATE_READY && phone.networkOperator.isNotEmpty()
    }

    override fun send(message: SmsToSend): String? {
        val results = SmsResults(context, message.reference)
        val sent = ArrayList(message.parts.indices.map(results::sent))
        val delivered = ArrayList(message.parts.indices.map(results::delivered))
        return try {
            manager().sendMultipartTextMessage(message.to, null, ArrayList(message.parts), sent, delivered)
            null
        } catch (e: SecurityException) {
            GENERIC
        } catch (e: IllegalArgumentException) {
            GENERIC
        }
    }

    /** Since level 31 it is a service of the context; before, its own. */
    @Suppress("DEPRECATION")
    private fun manager(): SmsManager = context.getSystemService(SmsManager::class.java) ?: SmsManager.getDefault()
}
