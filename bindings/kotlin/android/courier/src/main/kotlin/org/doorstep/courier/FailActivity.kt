package org.doorstep.courier

import android.app.Activity
import android.app.AlertDialog
import android.content.ActivityNotFoundException
import android.content.Intent
import android.os.Bundle
import android.widget.Button
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.Toast
import org.doorstep.Doorstep
import org.doorstep.android.Camera
import org.doorstep.ffi.PhotoFile
import org.doorstep.ffi.ProblemCode

/** A failed delivery in three taps: the parcel, the reason, the confirmation. A photo and words if the person wants. Needs no network. */
class FailActivity : Screen() {
    private lateinit var form: LinearLayout
    private lateinit var words: EditText
    private lateinit var photo: Button
    private var camera: Camera? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.form)
        form = findView(R.id.form)
        // The process may have ended while the camera app was in front.
        camera = state?.getString(CAMERA)?.let { Camera.restore(this, it) }
        form.line(getString(R.string.fail_why, waybill), isTitle = true)
        words = EditText(this).apply { setHint(R.string.words) }
    }

    override suspend fun show(doorstep: Doorstep) {
        val reasons = doorstep.rules()?.problems.orEmpty().filter { it.isFailedDelivery && it.button }
        form.removeViews(1, form.childCount - 1)
        reasons.forEach { reason -> form.button(reason.name.here()) { confirm(reason) } }
        form.addView(words)
        photo = form.button("") { act { takePhoto(it) } }
        sayPhoto()
    }

    private fun confirm(reason: ProblemCode) {
        AlertDialog.Builder(this)
            .setTitle(reason.name.here())
            .setMessage(waybill)
            .setPositiveButton(R.string.confirm) { _, _ -> act { record(it, reason) } }
            .setNegativeButton(R.string.cancel, null)
            .show()
    }

    private suspend fun record(doorstep: Doorstep, reason: ProblemCode) {
        val said = words.text.toString().trim().ifEmpty { null }
        val taken = listOfNotNull(camera?.takeIf { it.isTaken })
        val recorded = doorstep.fail(waybill, reason.code, said, taken.map { PhotoFile(it.file.path, takenInApp = true) })
        taken.forEach { it.discard() }
        camera = null
        val next = doorstep.words(listOf(recorded.nextStep)).first().here()
        val unproven = getString(R.string.times_unproven).takeUnless { recorded.timesProven }
        val told = listOfNotNull(getString(R.string.recorded, next), unproven).joinToString("\n")
        Toast.makeText(this, told, Toast.LENGTH_LONG).show()
        go(SmsActivity::class.java, recorded.waybill)
        finish()
    }

    private suspend fun takePhoto(doorstep: Doorstep) {
        doorstep.hasRoomForPhoto()
        val taking = Camera(this)
        try {
            startActivityForResult(taking.intent(), PHOTO)
            camera?.discard()
            camera = taking
        } catch (e: ActivityNotFoundException) {
            Toast.makeText(this, R.string.photo_no_camera, Toast.LENGTH_LONG).show()
        }
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        if (request != PHOTO) return
        val taken = camera?.takeIf { result == Activity.RESULT_OK && it.isTaken }
        if (taken == null) {
            camera?.discard()
            camera = null
        } else {
            act { doorstep ->
                // Better now, at the door, than when head office asks.
                val retake = doorstep.lookAtPhoto(taken.file.path).retake ?: return@act
                Toast.makeText(this, retake.here(), Toast.LENGTH_LONG).show()
            }
        }
    }

    private fun sayPhoto() {
        photo.setText(if (camera?.isTaken == true) R.string.photo_taken else R.string.photo_take)
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        camera?.let { state.putString(CAMERA, it.token) }
    }

    private companion object {
        const val CAMERA = "camera"
        const val PHOTO = 1
    }
}
