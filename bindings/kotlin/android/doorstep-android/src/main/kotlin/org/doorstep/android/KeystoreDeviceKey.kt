package org.doorstep.android

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import org.doorstep.ffi.DeviceKey
import java.security.KeyPairGenerator
import java.security.KeyStore
import java.security.PrivateKey
import java.security.ProviderException
import java.security.Signature
import java.security.spec.ECGenParameterSpec

internal const val KEYSTORE = "AndroidKeyStore"

/**
 * The device's key in Android's Keystore: P-256, in StrongBox where the phone has one, made at the first use, never to be
 * exported. One for each [alias]. Throws what the Keystore throws; the call that needed the key then fails as `Host`.
 */
class KeystoreDeviceKey(private val alias: String = "doorstep-device") : DeviceKey {
    @Synchronized
    override fun publicKey(): ByteArray {
        val store = keystore()
        val key = store.getCertificate(alias)?.publicKey ?: make()
        return publicPoint(key.encoded)
    }

    @Synchronized
    override fun sign(message: ByteArray): ByteArray {
        val key = keystore().getKey(alias, null) as? PrivateKey ?: throw IllegalStateException("no device key")
        return Signature.getInstance("SHA256withECDSA").run {
            initSign(key)
            update(message)
            sign()
        }
    }

    /** Destroys the key: what this device signs from now on is another device's. */
    @Synchronized
    fun destroy() = keystore().deleteEntry(alias)

    private fun make() = try {
        make(strongBox = Newer.mayHaveStrongBox)
    } catch (e: ProviderException) {
        // Few phones have StrongBox, and some that have one refuse.
        if (!Newer.mayHaveStrongBox) throw e
        make(strongBox = false)
    }

    private fun make(strongBox: Boolean) = KeyPairGenerator.getInstance(KeyProperties.KEY_ALGORITHM_EC, KEYSTORE).run {
        val wish = KeyGenParameterSpec.Builder(alias, KeyProperties.PURPOSE_SIGN)
            .setAlgorithmParameterSpec(ECGenParameterSpec("secp256r1"))
            .setDigests(KeyProperties.DIGEST_SHA256)
        if (strongBox) Newer.strongBox(wish)
        initialize(wish.build())
        generateKeyPair().public
    }
}

internal fun keystore(): KeyStore = KeyStore.getInstance(KEYSTORE).apply { load(null) }
