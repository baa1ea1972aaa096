package org.doorstep.android

import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.telephony.SmsMessage
import kotlinx.coroutines.launch
import org.doorstep.LibraryException
import org.doorstep.ffi.DoorstepException

/** Tells the client what became of an SMS, in whatever process the system says it. The `Application` is a [DoorstepHost]. */
class SmsResultReceiver : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        val host = context.applicationContext as? DoorstepHost ?: return
        val result = SmsResult.of(intent.data?.authority, intent.data?.pathSegments.orEmpty()) ?: return
        val outcome = when {
            result.isDelivery -> deliveryOutcome(result.part, status(intent) ?: return)
            else -> sentOutcome(result.part, resultCode)
        } ?: return
        val pending = goAsync()
        host.scope.launch {
            try {
                host.doorstep().smsResult(result.reference, outcome)
            } catch (e: DoorstepException) {
                // The client settles by itself what it never hears of.
            } catch (e: LibraryException) {
                // A screen says so.
            } finally {
                pending.finish()
            }
        }
    }

    private fun status(intent: Intent): Int? {
        val report = intent.getByteArrayExtra("pdu") ?: return null
        return SmsMessage.createFromPdu(report, intent.getStringExtra("format"))?.status
    }
}
