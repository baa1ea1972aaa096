package org.doorstep.android

import android.content.ActivityNotFoundException
import android.content.Context
import android.content.Intent
import android.net.Uri
import org.doorstep.Doorstep
import org.doorstep.ffi.SmsOutcome
import org.doorstep.ffi.SmsPlatform
import org.doorstep.ffi.SmsToSend

/**
 * Sends SMS by the phone's message app: it opens with number and text, the person sends, comes back and is asked whether they did.
 * One at a time, and only when the person wants it ([handOver]): no message app jumps up because a sync ended. Needs no permission.
 */
class MessageAppSms(context: Context) : SmsPlatform {
    private val context = context.applicationContext
    private val kept = this.context.getSharedPreferences("doorstep-sms", Context.MODE_PRIVATE)

    @Volatile
    private var isWanted = false

    /** Whether the person is to be asked if they sent what the message app was opened with: look in `onResume`, then [answer]. */
    val isAsking: Boolean
        get() = kept.contains(REFERENCE)

    /** Opens the message app with the next SMS that waits, if there is one. Call it while a screen is in front. */
    suspend fun handOver(doorstep: Doorstep) {
        isWanted = true
        try {
            doorstep.dispatchSms()
        } finally {
            isWanted = false
        }
    }

    /** What the person says: whether they sent it. It is asked again if the client can not take the answer now. */
    suspend fun answer(doorstep: Doorstep, sent: Boolean) {
        val reference = kept.getString(REFERENCE, null) ?: return
        doorstep.smsResult(reference, if (sent) SmsOutcome.HandedOver else SmsOutcome.Cancelled)
        kept.edit().remove(REFERENCE).apply()
    }

    override fun canSend(): Boolean = isWanted && !isAsking

    override fun send(message: SmsToSend): String? {
        // Kept first: the process may end while the message app is in front.
        if (!kept.edit().putString(REFERENCE, message.reference).commit()) return GENERIC
        val intent = Intent(Intent.ACTION_SENDTO, Uri.fromParts("smsto", message.to, null))
            .putExtra("sms_body", message.text)
            .addFlags(Intent.FLAG_ACTIVITY_NEW_TASK)
        return try {
            context.startActivity(intent)
            null
        } catch (e: ActivityNotFoundException) {
            kept.edit().remove(REFERENCE).commit()
            GENERIC
        }
    }

    private companion object {
        const val REFERENCE = "reference"
    }
}
