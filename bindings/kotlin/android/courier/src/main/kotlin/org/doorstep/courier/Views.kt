package org.doorstep.courier

import android.app.Activity
import android.content.Context
import android.graphics.Typeface
import android.view.View
import android.view.ViewGroup
import android.widget.ArrayAdapter
import android.widget.Button
import android.widget.LinearLayout
import android.widget.ListView
import android.widget.TextView

/** One row of a list. */
data class Row(val waybill: String, val title: String, val detail: String, val standing: String)

/** Rows of a list; only what changed moves, so that a finger on the list stays where it is. */
class Rows(context: Context) : ArrayAdapter<Row>(context, R.layout.row, R.id.title) {
    /** Shows these. */
    fun show(rows: List<Row>) {
        if (rows == (0 until count).map(::getItem)) return
        setNotifyOnChange(false)
        clear()
        addAll(rows)
        notifyDataSetChanged()
    }

    override fun getView(position: Int, convertView: View?, parent: ViewGroup): View {
        val row = getItem(position)
        return super.getView(position, convertView, parent).apply {
            findView<TextView>(R.id.title).text = row?.title
            findView<TextView>(R.id.detail).text = row?.detail
            findView<TextView>(R.id.standing).text = row?.standing
        }
    }
}

/** The view of this id; level 23 has no types for it. */
@Suppress("UNCHECKED_CAST")
fun <T : View> View.findView(id: Int): T = findViewById(id) as T

/** The view of this id; level 23 has no types for it. */
@Suppress("UNCHECKED_CAST")
fun <T : View> Activity.findView(id: Int): T = findViewById(id) as T

/** Shows the list screen with what can be done below it. */
fun Activity.listScreen(emptyText: Int, picked: (Row) -> Unit): Rows {
    setContentView(R.layout.list)
    val rows = Rows(this)
    findView<TextView>(R.id.empty).setText(emptyText)
    findView<ListView>(R.id.rows).apply {
        emptyView = this@listScreen.findView(R.id.empty)
        adapter = rows
        setOnItemClickListener { _, _, position, _ -> rows.getItem(position)?.let(picked) }
    }
    return rows
}

/** Adds a button to a row or a page. */
fun LinearLayout.button(text: CharSequence, pressed: () -> Unit): Button {
    val isRow = orientation == LinearLayout.HORIZONTAL
    val size = if (isRow) LinearLayout.LayoutParams(0, ViewGroup.LayoutParams.WRAP_CONTENT, 1f) else fullWidth()
    return Button(context).also {
        it.text = text
        it.minHeight = (56 * resources.displayMetrics.density).toInt()
        it.setOnClickListener { pressed() }
        addView(it, size)
    }
}

/** Adds a line of text to a page. */
fun LinearLayout.line(text: CharSequence, isTitle: Boolean = false): TextView = TextView(context).also {
    it.text = text
    it.textSize = if (isTitle) 20f else 16f
    if (isTitle) it.typeface = Typeface.DEFAULT_BOLD
    addView(it, fullWidth())
}

/** Adds a title and lines to a page, if there are any. */
fun LinearLayout.section(title: Int, lines: List<String>) {
    if (lines.isEmpty()) return
    line(context.getString(title), isTitle = true)
    lines.forEach { line(it) }
}

private fun fullWidth() = LinearLayout.LayoutParams(ViewGroup.LayoutParams.MATCH_PARENT, ViewGroup.LayoutParams.WRAP_CONTENT)
