package org.doorstep.android

import android.content.Context
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import org.doorstep.ffi.DatabaseKey
import java.io.File
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey

/**
 * The key of the database: random bytes in a file of the no-backup folder, wrapped by a key that never leaves the Keystore. The
 * [deviceKey] is destroyed with it when head office orders a wipe. One for each [alias].
 */
class KeystoreDatabaseKey(
    context: Context,
    private val deviceKey: KeystoreDeviceKey? = null,
    private val alias: String = "doorstep-database",
) : DatabaseKey {
    private val file = WrappedKey(File(context.noBackupFilesDir, "$alias.key"))

    @Synchronized
    override fun key(): ByteArray = file.read(keystore().getKey(alias, null) as? SecretKey) ?: file.make(wrapping())

    @Synchronized
    override fun erase() {
        // The Keystore first: without it the file is noise.
        keystore().deleteEntry(alias)
        file.delete()
        deviceKey?.destroy()
    }

    private fun wrapping(): SecretKey = KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, KEYSTORE).run {
        val use = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
        val wish = KeyGenParameterSpec.Builder(alias, use)
            .setKeySize(256)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
        init(wish.build())
        generateKey()
    }
}
