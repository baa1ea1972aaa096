package org.doorstep.android

import android.content.ClipData
import android.content.Context
import android.content.Intent
import android.net.Uri
import android.provider.MediaStore
import java.io.File
import java.util.UUID

/**
 * A photo by the phone's camera app: start [intent] for a result, then record [file]'s path and [discard] it; the client has its own
 * copy. The file is in the app's cache, for nobody else to see. Needs no permission, and the app must not declare CAMERA.
 */
class Camera private constructor(private val context: Context, private val name: String) {
    /** A photo that is not taken yet. */
    constructor(context: Context) : this(context.applicationContext, "${UUID.randomUUID()}.jpg")

    /** Where the camera app writes; empty or missing if the person took none. */
    val file: File = File(PhotoProvider.folder(context), name)

    /** Whether there is a photo. */
    val isTaken: Boolean
        get() = file.length() > 0

    /** To keep over a process death, which is common while a camera app is in front; see [restore]. */
    val token: String
        get() = name

    /** Opens the camera app. There may be none: catch `ActivityNotFoundException`. */
    fun intent(): Intent {
        PhotoProvider.folder(context).mkdirs()
        val address = Uri.Builder().scheme("content").authority(PhotoProvider.authority(context)).appendPath(name).build()
        return Intent(MediaStore.ACTION_IMAGE_CAPTURE)
            .putExtra(MediaStore.EXTRA_OUTPUT, address)
            .addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION or Intent.FLAG_GRANT_READ_URI_PERMISSION)
            // The grant goes with the clip: older levels do not look at extras.
            .apply { clipData = ClipData.newRawUri(null, address) }
    }

    /** Deletes the file, if it is there. */
    fun discard() {
        file.delete()
    }

    companion object {
        /** The photo of a [token]. */
        fun restore(context: Context, token: String) = Camera(context.applicationContext, token)
    }
}
