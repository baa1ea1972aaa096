package org.doorstep.courier

import android.app.Activity
import android.app.KeyguardManager
import android.content.Intent
import android.os.Bundle
import android.text.InputType
import android.widget.EditText
import android.widget.LinearLayout
import org.doorstep.Doorstep
import org.doorstep.ffi.Person

/** Unlocks: by the person's PIN, or as the phone itself is unlocked. What is unsent is sent meanwhile all the same. */
class LockActivity : Screen() {
    private lateinit var form: LinearLayout
    private var asked: String? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.form)
        form = findView(R.id.form)
        asked = state?.getString(USER)
    }

    override suspend fun show(doorstep: Doorstep) {
        form.removeAllViews()
        doorstep.people().forEach(::offer)
        // After five wrong PINs, or without any, a new code from head office unlocks.
        form.button(getString(R.string.enrol)) { go(EnrolActivity::class.java) }
    }

    private fun offer(person: Person) {
        form.line(person.name, isTitle = true)
        if (person.hasPin) {
            val pin = EditText(this).apply {
                setHint(R.string.pin)
                inputType = InputType.TYPE_CLASS_NUMBER or InputType.TYPE_NUMBER_VARIATION_PASSWORD
            }
            form.addView(pin)
            form.button(getString(R.string.unlock)) {
                act {
                    it.unlock(person.user, pin.text.toString())
                    goAlone(ParcelsActivity::class.java)
                }
            }
        }
        val phone = getSystemService(KeyguardManager::class.java)
        if (phone.isKeyguardSecure) {
            form.button(getString(R.string.unlock_by_phone)) {
                val intent = phone.createConfirmDeviceCredentialIntent(getString(R.string.locked), person.name) ?: return@button
                asked = person.user
                startActivityForResult(intent, CREDENTIAL)
            }
        }
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        val user = asked ?: return
        if (request != CREDENTIAL || result != Activity.RESULT_OK) return
        act {
            it.unlockByPlatform(user)
            goAlone(ParcelsActivity::class.java)
        }
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        asked?.let { state.putString(USER, it) }
    }

    private companion object {
        const val USER = "user"
        const val CREDENTIAL = 1
    }
}
