package org.doorstep.android

import kotlinx.coroutines.CoroutineScope
import org.doorstep.Doorstep

/** What the app's `Application` is, so that receivers and jobs, which Android starts by themselves, find the client. */
interface DoorstepHost {
    /** Lives as long as the process. */
    val scope: CoroutineScope

    /** The client, opened at the first call. */
    suspend fun doorstep(): Doorstep
}
