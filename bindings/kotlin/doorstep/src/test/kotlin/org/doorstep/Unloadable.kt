package org.doorstep

import kotlinx.coroutines.runBlocking
import org.doorstep.ffi.ClientConfig

/** Opens twice where there is no library, and says how that failed. */
fun main(arguments: Array<String>) = runBlocking {
    val codes = List(2) {
        try {
            Doorstep.open(ClientConfig(arguments[0]))
            "opened"
        } catch (failure: LibraryException) {
            failure.code
        }
    }
    println(codes.joinToString(" "))
}
