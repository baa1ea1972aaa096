package org.doorstep

import java.io.File
import kotlinx.coroutines.awaitCancellation
import org.doorstep.ffi.ClientConfig

/** Records, says so, and waits to be killed. */
suspend fun main(arguments: Array<String>) {
    val (folder, waybill) = arguments
    val doorstep = Doorstep.open(ClientConfig(folder))
    doorstep.fail(waybill, "DF-NOBODY")
    println("recorded")
    awaitCancellation()
}

/** Another process of the same kind as this one. */
fun java(main: String, vararg arguments: String): Process {
    val java = File(System.getProperty("java.home"), "bin/java").path
    val library = "-Djna.library.path=${System.getProperty("jna.library.path")}"
    return ProcessBuilder(java, library, "-cp", System.getProperty("java.class.path"), main, *arguments)
        .redirectError(ProcessBuilder.Redirect.INHERIT).start()
}
