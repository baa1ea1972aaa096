package org.doorstep.courier

import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.widget.LinearLayout
import org.doorstep.Doorstep
import org.doorstep.ffi.CaseDetail

/** One case: where it stands, its deadlines, what is missing, and what was recorded. */
class CaseActivity : Screen() {
    private lateinit var form: LinearLayout

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.form)
        form = findView(R.id.form)
    }

    override suspend fun show(doorstep: Doorstep) = doorstep.watchCase(waybill).collect { case ->
        form.removeAllViews()
        if (case == null) form.line(getString(R.string.no_case)) else show(case)
    }

    private fun show(case: CaseDetail) {
        form.line("${case.waybill}  ${case.stateName.here()}", isTitle = true)
        form.line(getString(R.string.next_step, case.nextStepName.here()))
        if (!case.factsConfirmed) form.line(getString(R.string.facts_unconfirmed))
        form.section(R.string.deadlines, case.deadlines.map { deadline ->
            val left = if (deadline.timeliness == "pending") countdown(deadline.dueAtMs) else ""
            "${deadline.name.here()}: ${deadline.timelinessName.here()} $left"
        })
        form.section(R.string.missing, case.missing.map { getString(R.string.missing_row, it.name.here(), it.have.toInt(), it.least.toInt()) })
        form.section(R.string.messages, case.messages.map { "${it.number}: ${it.told.here()}" })
        form.section(R.string.conflicts, case.conflicts.map { it.here() })
        form.section(R.string.questions, case.questions.map { it.here() })
        form.section(R.string.findings, case.findings.map { finding ->
            val outlet = listOfNotNull(finding.outlet, finding.share?.let { "$it %" }).joinToString(" ")
            listOfNotNull(finding.name.here(), outlet, finding.stateName.here(), finding.gap?.told?.here()).joinToString(" · ")
        })
        form.section(R.string.timeline, case.timeline.map { entry ->
            val where = getString(if (entry.standing == "on_this_device") R.string.on_this_device else R.string.at_head_office)
            val told = entry.told.filterNot { it.isDetail }.mapNotNull { it.here() }
            (listOf(clock(entry.atMs), entry.kindName.here()) + told + listOf(entry.user, where)).joinToString(" · ")
        })
        // What the origin outlet has corrected last: the app dials nothing by itself.
        case.timeline.filterNot { it.superseded }.mapNotNull { it.numberToCall() }.lastOrNull()?.let { number ->
            form.button(getString(R.string.dial, number)) { startActivity(Intent(Intent.ACTION_DIAL, Uri.fromParts("tel", number, null))) }
        }
        form.button(getString(R.string.sms)) { go(SmsActivity::class.java, case.waybill) }
        form.button(getString(R.string.fail)) { go(FailActivity::class.java, case.waybill) }
    }
}
