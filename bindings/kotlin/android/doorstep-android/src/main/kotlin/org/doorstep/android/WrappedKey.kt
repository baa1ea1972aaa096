package org.doorstep.android

import org.doorstep.ffi.DoorstepException
import java.io.File
import java.io.FileOutputStream
import java.security.GeneralSecurityException
import java.security.SecureRandom
import javax.crypto.Cipher
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

private const val KEY_BYTES = 32
private const val NONCE_BYTES = 12
private const val TAG_BITS = 128

/** A key of 32 bytes in a file, wrapped with AES-GCM: the nonce, then the sealed key. */
internal class WrappedKey(private val file: File) {
    /**
     * The key; `null` if there is no file yet. A file that [wrapping] does not open is never replaced: its store would be lost.
     * Throws [DoorstepException.DatabaseKey] instead.
     */
    fun read(wrapping: SecretKey?): ByteArray? {
        if (!file.exists()) return null
        val sealed = file.readBytes()
        if (wrapping == null || sealed.size <= NONCE_BYTES) throw unreadable()
        return try {
            val cipher = Cipher.getInstance("AES/GCM/NoPadding")
            cipher.init(Cipher.DECRYPT_MODE, wrapping, GCMParameterSpec(TAG_BITS, sealed, 0, NONCE_BYTES))
            cipher.doFinal(sealed, NONCE_BYTES, sealed.size - NONCE_BYTES)
        } catch (e: GeneralSecurityException) {
            throw unreadable()
        }
    }

    /** A new key; it is in the file, durable, when this returns. */
    fun make(wrapping: SecretKey): ByteArray {
        val key = ByteArray(KEY_BYTES).also(SecureRandom()::nextBytes)
        // The nonce is the cipher's own: the Keystore takes none from outside.
        val cipher = Cipher.getInstance("AES/GCM/NoPadding").apply { init(Cipher.ENCRYPT_MODE, wrapping) }
        val partial = File(file.path + ".partial")
        FileOutputStream(partial).use {
            it.write(cipher.iv)
            it.write(cipher.doFinal(key))
            it.fd.sync()
        }
        check(partial.renameTo(file)) { "the key's file can not be written" }
        return key
    }

    /** Deletes the file. */
    fun delete() {
        file.delete()
    }

    private fun unreadable() = DoorstepException.DatabaseKey(
        "key_unreadable",
        "本机密钥无法读取，数据未作更改；请重启手机后再试，仍不行请联系总部",
        "this phone's key can not be read, the data is unchanged; restart the phone, then ask head office",
    )
}
