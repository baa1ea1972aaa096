package org.doorstep

import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertNotEquals
import kotlin.test.assertNotNull
import kotlin.test.assertTrue
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.doorstep.ffi.Cancel
import org.doorstep.ffi.CaseFilter
import org.doorstep.ffi.DoorstepException
import org.doorstep.ffi.Location
import org.doorstep.ffi.PhotoFile
import org.doorstep.ffi.Position

/** Observing, cancelling, closing, suspending, threads. */
class LifeTest : AtTheDoor() {
    @Test
    fun `a reply of the origin outlet arrives through the flow`() = test {
        val doorstep = courier()
        doorstep.fail(waybill(10), "DF-NOBODY")
        doorstep.notifyOrigin(waybill(10))
        doorstep.sync()
        val decided = async { doorstep.watchCase(waybill(10)).first { it?.decision != null }!! }
        doorstep.keepInSync(hints = true)
        world.tell("reply", waybill(10))
        assertEquals("REDELIVER", decided.await().decision)
        assertTrue(decided.await().timeline.any { it.words == "同址再派" })
    }

    @Test
    fun `a cancelled coroutine stops its sync and the next one sends all`() = test {
        val doorstep = courier()
        doorstep.fail(waybill(11), "DF-NOBODY")
        val syncing = held { doorstep.sync() }
        syncing.cancel()
        assertFailsWith<CancellationException> { syncing.await() }
        // It stopped in the library too: one sync at a time, and the next one gets to the server's door while the link is still held.
        val again = held { doorstep.sync() }
        world.tell("link", "up")
        again.await()
        assertEquals(emptyList(), doorstep.unsent().actions)
    }

    @Test
    fun `a cancel handle ends a sync as cancelled and an enrolment that runs out of time is stopped`() = test {
        val doorstep = courier()
        val cancel = Cancel()
        val syncing = held { doorstep.sync(cancel) }
        cancel.cancel()
        assertFailsWith<DoorstepException.Cancelled> { syncing.await() }
        val late = Cancel()
        assertFailsWith<TimeoutCancellationException> { withTimeout(50) { doorstep.enrol(world.url, "no code", late) } }
        assertFailsWith<DoorstepException.Cancelled> { doorstep.sync(late) }
    }

    @Test
    fun `what a cancelled coroutine began to record is recorded`() = test {
        val asked = CompletableDeferred<Unit>()
        val location = object : Location {
            override fun position(): Position? = null.also { asked.complete(Unit) }
        }
        val doorstep = courier(Platform(location = location))
        val photo = PhotoFile(picture().path)
        val recording = launch { doorstep.fail(waybill(12), "DF-NOBODY", photos = listOf(photo)) }
        asked.await()
        recording.cancelAndJoin()
        assertTrue(recording.isCancelled)
        assertNotNull(doorstep.case(waybill(12)))
    }

    @Test
    fun `closing ends a sync under way and keeps what was recorded`() = test {
        val doorstep = courier()
        val syncing = held { doorstep.sync() }
        val recording = (20 until 60).map { n -> async(Dispatchers.Default) { doorstep.fail(waybill(n), "DF-NOBODY").waybill } }
        yield()
        doorstep.shutdown()
        assertFailsWith<DoorstepException.Closed> { syncing.await() }
        val kept = recording.mapNotNull { one ->
            try {
                one.await()
            } catch (_: DoorstepException.Closed) {
                null
            }
        }
        assertFailsWith<DoorstepException.Closed> { doorstep.unsent() }
        doorstep.close()
        world.tell("link", "cut")
        val there = open().allCases().map { it.waybill }
        assertEquals(emptyList(), kept - there.toSet())
    }

    @Test
    fun `flows end when the client is closed`() = test {
        val doorstep = courier()
        val seen = CompletableDeferred<Unit>()
        val watching = async { doorstep.watchUnsent().collect { seen.complete(Unit) } }
        seen.await()
        doorstep.close()
        watching.await()
        assertEquals(emptyList(), doorstep.watchCases().toList())
    }

    @Test
    fun `a folder opened twice under two spellings is one client`() = test {
        val doorstep = courier()
        val again = open(folder = File(store, "../${store.name}"))
        val seen = async { doorstep.watchCase(waybill(13)).first { it != null } }
        again.fail(waybill(13), "DF-NOBODY")
        seen.await()
        val changes = async { doorstep.changes.toList() }
        val unsent = async { doorstep.watchUnsent().toList() }
        yield()
        again.shutdown()
        // Whoever shut it down: what watches it ends.
        withTimeout(60_000) {
            changes.await()
            unsent.await()
        }
        assertFailsWith<DoorstepException.Closed> { doorstep.unsent() }
    }

    @Test
    fun `the event loop goes on while a sync waits`() = test {
        val doorstep = courier()
        val syncing = held { doorstep.sync() }
        var ticks = 0
        val ticking = launch { repeat(1_000) { ticks++; yield() } }
        ticking.join()
        assertFalse(syncing.isCompleted)
        assertEquals(1_000, ticks)
        world.tell("link", "up")
        syncing.await()
    }

    @Test
    fun `a coroutine without a dispatcher may block after a call`() = test {
        val doorstep = courier()
        val thread = withContext(Dispatchers.Unconfined) {
            doorstep.unsent()
            Thread.currentThread().name.also { doorstep.close() }
        }
        assertFalse("jna" in thread.lowercase() || thread.startsWith("doorstep"), thread)
    }

    @Test
    fun `a suspended client has no file open, refuses calls, and goes on when it is resumed`() = test {
        val doorstep = courier()
        doorstep.fail(waybill(14), "DF-NOBODY")
        val syncing = held { doorstep.sync() }
        doorstep.keepInSync()
        val sent = async { doorstep.allSent() }
        assertNotEquals(emptyList(), openFiles(store))
        doorstep.suspend()
        assertEquals(emptyList(), openFiles(store))
        assertFailsWith<DoorstepException.Suspended> { syncing.await() }
        assertFailsWith<DoorstepException.Suspended> { doorstep.fail(waybill(15), "DF-NOBODY") }
        world.tell("link", "up")
        doorstep.resume()
        assertNotNull(doorstep.case(waybill(14)))
        sent.await()
        assertNotNull(world.case(waybill(14)))
    }
}

/** A list as long as an outlet's in its worst week. */
class LongListTest : AtTheDoor(1_100) {
    @Test
    fun `a thousand cases come page by page, each once, by deadline`() = test {
        val doorstep = courier()
        val wanted = (0 until 1_000).map(::waybill)
        wanted.map { async { doorstep.fail(it, "DF-NOBODY") } }.awaitAll()
        val pages = mutableListOf(doorstep.cases(limit = 100))
        while (pages.last().next != null) pages += doorstep.cases(after = pages.last().next, limit = 100)
        val cases = pages.flatMap { it.cases }
        assertEquals(wanted, cases.map { it.waybill }.sorted())
        assertEquals(cases.map { it.dueAtMs!! }.sorted(), cases.map { it.dueAtMs!! })
        assertEquals(cases, doorstep.allCases(CaseFilter()))
    }
}
