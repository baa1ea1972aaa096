package org.doorstep

import java.io.File
import java.nio.file.Files
import kotlin.test.AfterTest
import kotlin.test.BeforeTest
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withTimeout
import org.doorstep.ffi.ClientConfig
import org.doorstep.ffi.SyncSummary
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.TestInstance

/** How long a condition may take before a test is a failure. Nothing waits this long when all is well. */
const val PATIENCE_MS = 60_000L

fun waybill(n: Int) = "QH%012d".format(n)

/** A small network: a `doorstep-world` process, spoken to over its standard input. */
class World(folder: File, parcels: Int) : AutoCloseable {
    private val process = ProcessBuilder("${System.getenv("DOORSTEP_BIN")}/doorstep-world", folder.path, "$parcels")
        .redirectError(ProcessBuilder.Redirect.INHERIT).start()
    private val answers = process.inputStream.bufferedReader()
    private val commands = process.outputStream.bufferedWriter()
    val url = field(answer(), "url")

    fun tell(vararg words: Any): String {
        commands.write(words.joinToString(" ", postfix = "\n"))
        commands.flush()
        return answer()
    }

    fun code(user: String = "c1") = field(tell("code", user), "code")

    /** A case as head office has it, in JSON. Rows have objects within, so they are told apart by their first key. */
    fun case(waybill: String): String? {
        val row = tell("cases").split("{\"attempts\"").find { "\"waybill\":\"$waybill\"" in it }
        return row?.let { "{\"attempts\"$it" }
    }

    private fun answer(): String = checkNotNull(answers.readLine()) { "the world has ended" }.also { check("\"error\"" !in it) { it } }

    override fun close() {
        commands.close()
        process.waitFor()
    }
}

fun field(json: String, name: String) = checkNotNull(Regex("\"$name\":\"([^\"]*)\"").find(json)) { json }.groupValues[1]

/** A world for a class of tests, and a fresh folder for each test. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class AtTheDoor(parcels: Int = 100) {
    private val all: File = Files.createTempDirectory("doorstep").toFile()
    private val opened = mutableListOf<Doorstep>()
    val world = World(File(all, "world"), parcels)
    lateinit var folder: File
    val store get() = File(folder, "phone")

    @BeforeTest
    fun freshFolder() {
        folder = Files.createTempDirectory(all.toPath(), "test").toFile()
        world.tell("link", "up")
    }

    @AfterTest
    fun closeAll() {
        opened.forEach { it.close() }
        opened.clear()
    }

    @AfterAll
    fun endWorld() {
        world.close()
        all.deleteRecursively()
    }

    /** A test may have calls that fail beside others: one of them does not end the rest. */
    fun test(body: suspend CoroutineScope.() -> Unit) = runBlocking { withTimeout(PATIENCE_MS) { supervisorScope { body() } } }

    suspend fun open(platform: Platform = Platform(), folder: File = store): Doorstep =
        Doorstep.open(ClientConfig(folder.path), platform).also { opened += it }

    /** The courier's phone, enrolled. */
    suspend fun courier(platform: Platform = Platform()): Doorstep = open(platform).also { it.enrol(world.url, world.code()) }

    fun picture(): File = File(folder, "door.jpg").also { world.tell("photo", it) }

    /** A sync that has reached the server's door and waits there. */
    suspend fun CoroutineScope.held(sync: suspend () -> SyncSummary): Deferred<SyncSummary> {
        world.tell("link", "hold")
        val begun = CompletableDeferred<Unit>()
        val syncing = async {
            begun.complete(Unit)
            sync()
        }
        begun.await()
        world.tell("reached")
        return syncing
    }
}

suspend fun Doorstep.allSent() = watchUnsent().first { it.actions.isEmpty() && it.photos == 0u }

/** Files below a folder that this process has open. */
fun openFiles(folder: File): List<String> = File("/proc/self/fd").listFiles().orEmpty()
    .mapNotNull { runCatching { Files.readSymbolicLink(it.toPath()).toString() }.getOrNull() }.filter { it.startsWith(folder.path) }
