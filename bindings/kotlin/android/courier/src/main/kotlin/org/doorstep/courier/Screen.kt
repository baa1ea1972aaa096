package org.doorstep.courier

import android.app.Activity
import android.app.AlertDialog
import android.content.Intent
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import org.doorstep.Doorstep
import org.doorstep.LibraryException
import org.doorstep.ffi.DoorstepException

/** A screen: shows while it is started, says in words what went wrong. */
abstract class Screen : Activity() {
    protected val app: CourierApp
        get() = application as CourierApp

    /** The waybill that the screen is about. */
    protected val waybill: String
        get() = intent.getStringExtra(WAYBILL).orEmpty()

    private var started: CoroutineScope? = null
    private val living = MainScope()
    private var asking: AlertDialog? = null

    /** Reads and watches; cancelled when the screen is stopped. */
    protected abstract suspend fun show(doorstep: Doorstep)

    override fun onStart() {
        super.onStart()
        started = MainScope().also { scope -> scope.launch { told { show(app.doorstep()) } } }
    }

    override fun onStop() {
        started?.cancel()
        super.onStop()
    }

    override fun onResume() {
        super.onResume()
        if (app.sms.isAsking) askWhetherSent()
    }

    override fun onPause() {
        asking?.dismiss()
        super.onPause()
    }

    override fun onDestroy() {
        living.cancel()
        super.onDestroy()
    }

    /** Does what the person asked for. */
    protected fun act(work: suspend (Doorstep) -> Unit) {
        living.launch { told { work(app.doorstep()) } }
    }

    /** Shows another screen, about this waybill. */
    protected fun go(screen: Class<out Screen>, waybill: String = "") {
        startActivity(Intent(this, screen).putExtra(WAYBILL, waybill))
    }

    /** The same with nothing behind it: what was shown before is not to be seen any more. */
    protected fun goAlone(screen: Class<out Screen>) {
        startActivity(Intent(this, screen).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK or Intent.FLAG_ACTIVITY_CLEAR_TASK))
    }

    private suspend fun told(work: suspend () -> Unit) = try {
        work()
    } catch (e: DoorstepException.Locked) {
        goAlone(LockActivity::class.java)
    } catch (e: DoorstepException) {
        say(e.here())
    } catch (e: LibraryException) {
        say("${e.zh}\n${e.en}")
    }

    private fun say(words: String) {
        if (isFinishing) return
        AlertDialog.Builder(this).setTitle(R.string.failed).setMessage(words).setPositiveButton(R.string.ok, null).show()
    }

    private fun askWhetherSent() {
        asking = AlertDialog.Builder(this)
            .setMessage(R.string.sms_asked)
            .setPositiveButton(R.string.yes) { _, _ -> act { app.sms.answer(it, sent = true) } }
            .setNegativeButton(R.string.no) { _, _ -> act { app.sms.answer(it, sent = false) } }
            .setCancelable(false)
            .show()
    }

    private companion object {
        const val WAYBILL = "waybill"
    }
}
