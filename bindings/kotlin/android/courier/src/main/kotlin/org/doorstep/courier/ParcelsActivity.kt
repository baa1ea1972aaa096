package org.doorstep.courier

import android.Manifest.permission.ACCESS_COARSE_LOCATION
import android.Manifest.permission.ACCESS_FINE_LOCATION
import android.app.AlertDialog
import android.os.Bundle
import android.text.InputType
import android.widget.Button
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.Toast
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.merge
import org.doorstep.Doorstep
import org.doorstep.ffi.CaseFilter
import org.doorstep.ffi.CaseSummary
import org.doorstep.ffi.ParcelRow

/** Today's parcels: those with a running deadline first, the next to run out on top. */
class ParcelsActivity : Screen() {
    private lateinit var rows: Rows
    private lateinit var unsent: Button

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setTitle(R.string.parcels)
        rows = listScreen(R.string.no_parcels) { row ->
            go(if (row.standing.isEmpty()) FailActivity::class.java else CaseActivity::class.java, row.waybill)
        }
        findView<LinearLayout>(R.id.actions).apply {
            button(getString(R.string.sync)) {
                act {
                    it.sync()
                    Toast.makeText(this@ParcelsActivity, R.string.synced, Toast.LENGTH_SHORT).show()
                }
            }
            unsent = button(getString(R.string.unsent)) { go(UnsentActivity::class.java) }
            button(getString(R.string.lock)) { act { lock(it) } }
        }
        // Where a photo was taken; without the permission it is recorded without a place.
        if (state == null) requestPermissions(arrayOf(ACCESS_FINE_LOCATION, ACCESS_COARSE_LOCATION), 0)
    }

    override suspend fun show(doorstep: Doorstep) {
        if (doorstep.person() == null) {
            // New, or wiped by head office: what was opened with the keys of before is of no use.
            app.beginAnew()
            return goAlone(EnrolActivity::class.java)
        }
        if (doorstep.isLocked()) return goAlone(LockActivity::class.java)
        // With each change, and as time goes by.
        merge(doorstep.changes, ticks()).conflate().collect { refresh(doorstep) }
    }

    /** Locks; somebody without a PIN is asked for one first. */
    private suspend fun lock(doorstep: Doorstep) {
        if (doorstep.person()?.hasPin == true) {
            doorstep.lock()
            return goAlone(LockActivity::class.java)
        }
        val pin = EditText(this).apply { inputType = InputType.TYPE_CLASS_NUMBER or InputType.TYPE_NUMBER_VARIATION_PASSWORD }
        AlertDialog.Builder(this)
            .setTitle(R.string.set_pin)
            .setView(pin)
            .setPositiveButton(R.string.lock) { _, _ ->
                act {
                    it.setPin(pin.text.toString())
                    lock(it)
                }
            }
            .setNegativeButton(R.string.cancel, null)
            .show()
    }

    private suspend fun refresh(doorstep: Doorstep) {
        // Ended ones too: a parcel that was dealt with is not shown as new.
        val cases = doorstep.allCases(CaseFilter(closed = true)).associateBy { it.waybill }
        val parcels = buildList<ParcelRow> {
            do {
                val page = doorstep.parcels(after = lastOrNull()?.waybill, limit = PAGE)
                addAll(page)
            } while (page.size == PAGE)
        }
        val states = cases.values.map { it.state }.distinct()
        val names = states.zip(doorstep.words(states)).toMap()
        rows.show(parcels.sortedBy { cases[it.waybill]?.dueAtMs ?: Long.MAX_VALUE }.map { parcel ->
            val case = cases[parcel.waybill]
            val title = "${parcel.waybill}  ${parcel.recipientName}"
            Row(parcel.waybill, title, parcel.recipientAddress, standing(case, names[case?.state]?.here()))
        })
        unsent.text = getString(R.string.unsent_count, doorstep.unsent().actions.size)
    }

    private fun standing(case: CaseSummary?, state: String?): String {
        if (case == null) return ""
        val where = getString(if (case.unsent > 0u) R.string.on_this_device else R.string.at_head_office)
        return listOf(state.orEmpty(), countdown(case.dueAtMs), where).filter { it.isNotEmpty() }.joinToString(" · ")
    }

    private fun ticks() = flow {
        while (true) {
            delay(TICK_MS)
            emit(Unit)
        }
    }

    private companion object {
        const val PAGE = 200
        const val TICK_MS = 30_000L
    }
}
