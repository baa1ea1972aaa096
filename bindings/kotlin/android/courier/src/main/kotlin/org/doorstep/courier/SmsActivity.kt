package org.doorstep.courier

import android.os.Bundle
import android.widget.LinearLayout
import org.doorstep.Doorstep

/** The SMS to the customer: looked at, then recorded and sent. */
class SmsActivity : Screen() {
    private lateinit var form: LinearLayout

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.form)
        form = findView(R.id.form)
    }

    override suspend fun show(doorstep: Doorstep) {
        val draft = doorstep.previewSms(waybill)
        form.removeAllViews()
        form.line(getString(R.string.sms_segments, draft.number, draft.segments.toInt()), isTitle = true)
        form.line(draft.text)
        if (draft.lacks.isNotEmpty()) form.line(getString(R.string.sms_lacks, draft.lacks.joinToString { it.here() }))
        form.button(getString(R.string.sms_send)) { act { send(it) } }
        form.button(getString(R.string.cancel)) { finish() }
    }

    /** Recorded first: without service it waits on this device. */
    private suspend fun send(doorstep: Doorstep) {
        doorstep.sendSms(waybill)
        app.sms.handOver(doorstep)
        finish()
    }
}
