package org.doorstep.android

/** What precedes the point in a P-256 key as X.509 writes it (SubjectPublicKeyInfo): always these 26 bytes. */
private val P256_HEADER = intArrayOf(
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
).map(Int::toByte).toByteArray()

/**
 * The uncompressed point, 65 bytes, of a public key as X.509 writes it. Throws [IllegalArgumentException] if it is no P-256 key.
 */
internal fun publicPoint(x509: ByteArray): ByteArray {
    val point = x509.drop(P256_HEADER.size).toByteArray()
    require(x509.take(P256_HEADER.size).toByteArray().contentEquals(P256_HEADER) && point.size == 65 && point[0] == 4.toByte()) {
        "not a P-256 key"
    }
    return point
}
