package org.doorstep.courier

import android.app.Application
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import org.doorstep.Doorstep
import org.doorstep.LibraryException
import org.doorstep.android.AndroidConnectivity
import org.doorstep.android.CellularWatch
import org.doorstep.android.DoorstepHost
import org.doorstep.android.LogcatSink
import org.doorstep.android.MessageAppSms
import org.doorstep.android.SyncJob
import org.doorstep.android.androidPlatform
import org.doorstep.ffi.ClientConfig
import org.doorstep.ffi.DoorstepException
import org.doorstep.ffi.Level
import org.doorstep.ffi.LogConfig
import java.io.File

/** One client for the process, opened when it is first wanted; kept in sync while the process lives, and by a job after that. */
class CourierApp : Application(), DoorstepHost {
    override val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    /** The SMS go by the phone's message app. A company's own phones could take `DirectSms` instead. */
    val sms by lazy { MessageAppSms(this) }

    private val opening = Mutex()
    private var client: Doorstep? = null

    override suspend fun doorstep(): Doorstep = opening.withLock {
        client ?: open().also { client = it }
    }

    /** Closes the client; the next call opens it anew. */
    suspend fun beginAnew() = opening.withLock {
        client?.shutdown()
        client = null
    }

    private suspend fun open(): Doorstep {
        Doorstep.logging(LogConfig(Level.INFO, file = File(noBackupFilesDir, "doorstep.log").path), LogcatSink)
        val config = ClientConfig(folder = File(noBackupFilesDir, "doorstep").path, app = "courier 1.0")
        return Doorstep.open(config, androidPlatform(this, sms)).also { it.keepInSync() }
    }

    override fun onCreate() {
        super.onCreate()
        AndroidConnectivity(this).watch { tell { it.connectivityChanged() } }
        CellularWatch(this) { tell { it.dispatchSms() } }
        SyncJob.every(this, minutes = 30)
    }

    /** What the platform says is worth a try and no more: what fails is tried again by the client. */
    private fun tell(what: suspend (Doorstep) -> Unit) {
        scope.launch {
            try {
                what(doorstep())
            } catch (_: DoorstepException) {
            } catch (_: LibraryException) {
            }
        }
    }
}
