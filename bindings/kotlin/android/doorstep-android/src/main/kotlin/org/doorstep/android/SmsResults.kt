package org.doorstep.android

import android.app.Activity
import android.app.PendingIntent
import android.content.Context
import android.content.Intent
import android.net.Uri
import android.telephony.SmsManager
import org.doorstep.ffi.SmsOutcome

internal const val GENERIC = "generic"
private const val SENT = "sent"
private const val DELIVERED = "delivered"

/** The intents by which the system says what became of an SMS. They name it in their address: extras do not tell intents apart. */
internal class SmsResults(private val context: Context, private val reference: String) {
    /** Told once, with the result code. */
    fun sent(part: Int): PendingIntent = intent(SENT, part)

    /** Told with each status report, which the system adds. */
    fun delivered(part: Int): PendingIntent = intent(DELIVERED, part)

    private fun intent(what: String, part: Int): PendingIntent {
        val address = Uri.Builder().scheme("doorstep-sms").authority(what).appendPath(reference).appendPath(part.toString()).build()
        val intent = Intent(context, SmsResultReceiver::class.java).setData(address)
        return PendingIntent.getBroadcast(context, 0, intent, PendingIntent.FLAG_UPDATE_CURRENT or Newer.mutable)
    }
}

/** What an intent of [SmsResults] is about. */
internal data class SmsResult(val reference: String, val part: UInt, val isDelivery: Boolean) {
    companion object {
        /** Reads the parts of an address; `null` if it is none of ours. */
        fun of(what: String?, path: List<String>): SmsResult? {
            val (reference, number) = path.takeIf { it.size == 2 } ?: return null
            val part = number.toUIntOrNull() ?: return null
            return if (what == SENT || what == DELIVERED) SmsResult(reference, part, what == DELIVERED) else null
        }
    }
}

/** What the operator's taking or not taking of a part means. */
internal fun sentOutcome(part: UInt, resultCode: Int): SmsOutcome = when (resultCode) {
    Activity.RESULT_OK -> SmsOutcome.PartSent(part)
    SmsManager.RESULT_ERROR_NO_SERVICE -> SmsOutcome.PartFailed(part, "no_service")
    SmsManager.RESULT_ERROR_RADIO_OFF -> SmsOutcome.PartFailed(part, "radio_off")
    SmsManager.RESULT_ERROR_NULL_PDU -> SmsOutcome.PartFailed(part, "null_pdu")
    else -> SmsOutcome.PartFailed(part, GENERIC)
}

/**
 * What a status report means (TP-Status of 3GPP TS 23.040): below 0x20 the recipient's phone has it. What is still tried or was given
 * up says nothing new: the operator has taken the part, and that was told.
 */
internal fun deliveryOutcome(part: UInt, status: Int): SmsOutcome? = if (status in 0x00..0x1f) SmsOutcome.PartDelivered(part) else null
