package org.doorstep.android

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/** Lets the camera app write one file of the cache: the one whose address it was given, and no other. */
class PhotoProvider : ContentProvider() {
    override fun onCreate() = true

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor =
        ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.parseMode(mode))

    override fun getType(uri: Uri) = "image/jpeg"

    override fun query(uri: Uri, projection: Array<String>?, selection: String?, arguments: Array<String>?, order: String?): Cursor {
        val file = file(uri)
        val columns = projection ?: arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        return MatrixCursor(columns, 1).apply {
            addRow(columns.map { if (it == OpenableColumns.SIZE) file.length() else if (it == OpenableColumns.DISPLAY_NAME) file.name else null })
        }
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = null

    override fun update(uri: Uri, values: ContentValues?, selection: String?, arguments: Array<String>?) = 0

    override fun delete(uri: Uri, selection: String?, arguments: Array<String>?) = 0

    private fun file(uri: Uri): File {
        val name = uri.lastPathSegment.orEmpty()
        val context = context
        if (context == null || !isPhotoName(name)) throw FileNotFoundException()
        return File(folder(context), name)
    }

    internal companion object {
        fun folder(context: Context) = File(context.cacheDir, "doorstep-photos")

        /** As the manifest declares it. */
        fun authority(context: Context) = "${context.packageName}.doorstep.photos"
    }
}

/** Whether a name is one that [Camera] gives: no way out of the folder. */
internal fun isPhotoName(name: String): Boolean = Regex("[0-9a-f-]{36}\\.jpg").matches(name)
