package org.doorstep

import org.doorstep.ffi.uniffiEnsureInitialized

/**
 * The native library can not be used in this process: it is missing, or of another version than the Kotlin code that came with
 * it. A fault of how the app was put together; the store is untouched. It is no `DoorstepException`, whose words the library
 * itself would have to say.
 *
 * @property code `library_missing` or `library_mismatch`.
 * @property zh what happened, in Chinese.
 * @property en the same in English.
 */
class LibraryException internal constructor(val code: String, val zh: String, val en: String, cause: Throwable) :
    RuntimeException("$zh / $en", cause)

/** Tried once: after a failure the virtual machine only says that the class is broken, not why. */
private val failure: Throwable? by lazy {
    try {
        uniffiEnsureInitialized()
        null
    } catch (error: Throwable) {
        error
    }
}

/**
 * Loads the native library if that was not done yet.
 *
 * @throws LibraryException each time, if it can not be used.
 */
internal fun loadLibrary() {
    val error = failure ?: return
    val missing = generateSequence(error) { it.cause }.any { it is UnsatisfiedLinkError || it is ClassNotFoundException }
    throw if (missing) {
        LibraryException("library_missing", "应用缺少门口程序库，请重新安装", "the app lacks Doorstep's library; install it again", error)
    } else {
        val en = "Doorstep's library is of another version than the app; install it again"
        LibraryException("library_mismatch", "门口程序库与应用版本不符，请重新安装", en, error)
    }
}
