package org.doorstep.courier

import android.os.Bundle
import android.widget.LinearLayout
import org.doorstep.Doorstep
import org.doorstep.ffi.UnsentSummary

/** What head office has not confirmed: still on this device, or sent and not answered. Nothing here is called saved. */
class UnsentActivity : Screen() {
    private lateinit var rows: Rows

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        rows = listScreen(R.string.nothing_unsent) { row -> if (row.waybill.isNotEmpty()) go(CaseActivity::class.java, row.waybill) }
        findView<LinearLayout>(R.id.actions).button(getString(R.string.sync)) { act { it.sync() } }
    }

    override suspend fun show(doorstep: Doorstep) = doorstep.watchUnsent().collect { rows.show(rowsOf(doorstep, it)) }

    private suspend fun rowsOf(doorstep: Doorstep, unsent: UnsentSummary): List<Row> {
        val done = (unsent.actions.map { it.what } + unsent.refused.map { it.what }).distinct()
        val names = done.zip(doorstep.words(done)).toMap()
        fun title(waybill: String, what: String) = "$waybill  ${names[what]?.here() ?: what}"
        val actions = unsent.actions.map {
            val where = getString(if (it.sent) R.string.on_its_way else R.string.on_this_device)
            Row(it.waybill, title(it.waybill, it.what), clock(it.recordedAtMs), where)
        }
        val refused = unsent.refused.map { Row(it.waybill, title(it.waybill, it.what), "", getString(R.string.refused, it.reason)) }
        val photos = listOf(R.string.photos_waiting to unsent.photos, R.string.photos_lost to unsent.photosLost)
            .filter { (_, count) -> count > 0u }
            .map { (words, count) -> Row("", getString(words, count.toInt()), "", "") }
        val times = if (unsent.timesProven) emptyList() else listOf(Row("", getString(R.string.times_unproven), "", ""))
        return times + actions + refused + photos
    }
}
