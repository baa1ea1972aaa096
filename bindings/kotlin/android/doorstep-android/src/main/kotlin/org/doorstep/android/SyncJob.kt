package org.doorstep.android

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.app.job.JobService
import android.content.ComponentName
import android.content.Context
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch
import org.doorstep.LibraryException
import org.doorstep.ffi.DoorstepException

/** Syncs in the background when there is a network; cut short, it loses nothing and comes again. The `Application` is a [DoorstepHost]. */
class SyncJob : JobService() {
    private var running: Job? = null

    override fun onStartJob(params: JobParameters): Boolean {
        val host = application as? DoorstepHost ?: return false
        running = host.scope.launch {
            val isToBeTriedAgain = try {
                host.doorstep().sync()
                false
            } catch (e: DoorstepException) {
                e is DoorstepException.Network
            } catch (e: LibraryException) {
                false
            }
            jobFinished(params, isToBeTriedAgain)
        }
        return true
    }

    override fun onStopJob(params: JobParameters): Boolean {
        running?.cancel()
        return true
    }

    companion object {
        private const val ONCE = 0x0D005
        private const val EVERY = 0x0D006
        private const val BACKOFF_MS = 30_000L

        /** One sync as soon as there is a network; call it when something was recorded and the app goes to the background. */
        fun once(context: Context) = schedule(context, job(context, ONCE))

        /** A sync about every [minutes], 15 at the least, for as long as the app is installed. Needs the permission RECEIVE_BOOT_COMPLETED. */
        fun every(context: Context, minutes: Int) =
            schedule(context, job(context, EVERY).setPeriodic(minutes.coerceAtLeast(15) * 60_000L).setPersisted(true))

        private fun job(context: Context, id: Int) = JobInfo.Builder(id, ComponentName(context, SyncJob::class.java))
            .setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)
            .setBackoffCriteria(BACKOFF_MS, JobInfo.BACKOFF_POLICY_EXPONENTIAL)

        private fun schedule(context: Context, job: JobInfo.Builder) {
            context.getSystemService(JobScheduler::class.java).schedule(job.build())
        }
    }
}
