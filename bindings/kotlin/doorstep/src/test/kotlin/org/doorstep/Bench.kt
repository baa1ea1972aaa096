package org.doorstep

import java.nio.file.Files
import kotlin.time.TimeSource
import kotlinx.coroutines.runBlocking
import org.doorstep.ffi.CasePage
import org.doorstep.ffi.ClientConfig
import org.doorstep.ffi.PhotoFile

/** Milliseconds of one call out of many. */
private inline fun timed(count: Int, call: (Int) -> Unit): Double {
    val begun = TimeSource.Monotonic.markNow()
    repeat(count, call)
    return begun.elapsedNow().inWholeMicroseconds / 1000.0 / count
}

private fun print(what: String, ms: Double) = println("%-44s %9.3f ms %,12.0f a second".format(what, ms, 1000 / ms))

private suspend fun Doorstep.list(pages: Int) {
    var page: CasePage? = cases(limit = pages)
    while (page?.next != null) page = cases(after = page.next, limit = pages)
}

/**
 * Prints what calls cost; holds nothing against a bound. With a folder, lists its cases once: for the time from a process's
 * start.
 */
fun main(arguments: Array<String>): Unit = runBlocking {
    arguments.firstOrNull()?.let { folder -> return@runBlocking Doorstep.open(ClientConfig(folder)).use { it.cases() } }
    val folder = Files.createTempDirectory("doorstep").toFile()
    val store = folder.resolve("phone").path
    World(folder.resolve("world"), 1_200).use { world ->
        Doorstep.open(ClientConfig(store)).use { doorstep ->
            doorstep.enrol(world.url, world.code())
            print("record a failure", timed(1_000) { doorstep.fail(waybill(it), "DF-NOBODY") })
            repeat(2) { timed(5_000) { doorstep.recordAgain() } } // The compiler warms up.
            print("a call that waits for nothing", timed(20_000) { doorstep.recordAgain() })
            timed(1_000) { doorstep.isLocked() }
            print("a suspend call that reads storage", timed(5_000) { doorstep.isLocked() })
            doorstep.list(500)
            print("1,000 cases in pages of 100", timed(10) { doorstep.list(100) })
            print("1,000 cases in pages of 500", timed(10) { doorstep.list(500) })
            val picture = folder.resolve("door.jpg")
            world.tell("photo", picture)
            val photo = listOf(PhotoFile(picture.path))
            val cost = timed(10) { doorstep.fail(waybill(1_000 + it), "DF-NOBODY", photos = photo) }
            print("a failure with a photo (300 KB kept), by path", cost)
        }
        print("from a process's start to its first list", timed(3) { java("org.doorstep.BenchKt", store).waitFor() })
    }
    folder.deleteRecursively()
}
