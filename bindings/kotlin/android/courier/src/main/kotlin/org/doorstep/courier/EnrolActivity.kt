package org.doorstep.courier

import android.os.Bundle
import android.view.View
import android.widget.Button
import android.widget.EditText
import org.doorstep.Doorstep

/** Enrols this phone with a one-time code from head office. Needs the network, once. */
class EnrolActivity : Screen() {
    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.enrol)
        val button = findView<Button>(R.id.enrol)
        val waiting = findView<View>(R.id.waiting)
        button.setOnClickListener {
            act { doorstep ->
                button.isEnabled = false
                waiting.visibility = View.VISIBLE
                try {
                    doorstep.enrol(text(R.id.server), text(R.id.code))
                    goAlone(ParcelsActivity::class.java)
                } finally {
                    button.isEnabled = true
                    waiting.visibility = View.GONE
                }
            }
        }
    }

    private fun text(id: Int) = findView<EditText>(id).text.toString().trim()

    /** Nothing is shown that could change. */
    override suspend fun show(doorstep: Doorstep) = Unit
}
