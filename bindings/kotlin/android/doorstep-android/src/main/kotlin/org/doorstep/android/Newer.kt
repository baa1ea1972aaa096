package org.doorstep.android

import android.app.PendingIntent
import android.os.Build
import android.security.keystore.KeyGenParameterSpec

/** All that is used of levels after 23, each behind its level: no other file is checked against them. */
internal object Newer {
    /** A flag for an intent that the system fills in: since 31 it has to be asked for. */
    val mutable: Int
        get() = if (Build.VERSION.SDK_INT >= 31) PendingIntent.FLAG_MUTABLE else 0

    /** Whether phones of this level may have a secure element of their own for keys. */
    val mayHaveStrongBox: Boolean
        get() = Build.VERSION.SDK_INT >= 28

    /** Asks for a key in the secure element; before 28 there is none to ask. */
    fun strongBox(builder: KeyGenParameterSpec.Builder) {
        if (Build.VERSION.SDK_INT >= 28) builder.setIsStrongBoxBacked(true)
    }
}
