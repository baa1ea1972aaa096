package org.doorstep

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.transformWhile
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.doorstep.ffi.*

/**
 * A field client on one folder: records what a courier or an outlet does, durable on this device when a call returns, and
 * brings it to head office when there is a network.
 *
 * Open one for the process and keep it. A folder opened again gives the same client under whatever spelling; closing one closes
 * both. Every call may be made on any thread, the main one too: the work runs on threads of the library.
 *
 * Calls throw [DoorstepException], whose kind says what to do and whose `zh` and `en` are for the person. Times are
 * milliseconds since 1970, UTC; money is in fen. What is said in words, names, numbers and addresses are personal data: for the
 * screen, never for a log.
 */
class Doorstep private constructor(private val client: DoorstepClient) : AutoCloseable {
    private val closed = Job()

    // Life.

    /**
     * Closes the store for the time that the app is in the background. Calls on local storage are finished first; calls that
     * wait for the network end with [DoorstepException.Suspended], as does every call until [resume]. iOS needs it, Android
     * does not.
     */
    suspend fun suspend(): Unit = uninterrupted { client.suspend() }

    /** Opens the store again after [suspend], and goes on keeping in sync if it did. */
    suspend fun resume(): Unit = uninterrupted { client.resume() }

    /**
     * Shuts down for good: calls under way that wait for the network end with [DoorstepException.Closed], as does every later
     * call; flows end. It is done even if the coroutine is cancelled. Twice is fine, and the folder may be opened again
     * afterwards.
     */
    suspend fun shutdown() {
        try {
            uninterrupted { client.shutdown() }
        } finally {
            closed.complete()
        }
    }

    /** [shutdown] for `use {}`. It blocks until the store is closed: not for a main thread. */
    override fun close(): Unit = runBlocking { shutdown() }

    /** Waybills of which something unsent was lost because the store had been damaged: to be recorded again. */
    fun recordAgain(): List<String> = client.recordAgain()

    // Who is at the device.

    /**
     * Redeems a one-time code from head office, then fetches rules, directory, parcels and cases. On an outlet's tablet a
     * second person's code adds them. Cancelled while it fetches, the device is enrolled and the rest comes with the next sync.
     *
     * @param server where head office is: `https://...`.
     * @param cancel stops it from elsewhere; cancelling the coroutine raises it too.
     */
    suspend fun enrol(server: String, code: String, cancel: Cancel = Cancel()): Person =
        stopping(cancel) { client.enrol(server, code, cancel) }

    /** Who is signed in; on a locked device the last one who was; `null` before enrolment. */
    suspend fun person(): Person? = call { client.person() }

    /** Everybody who was enrolled on this device. */
    suspend fun people(): List<Person> = call { client.people() }

    /** Whether somebody must unlock first: the shift has ended, or nobody has unlocked yet. */
    suspend fun isLocked(): Boolean = call { client.isLocked() }

    /** Sets the PIN of the person who is signed in: 4 to 12 digits. */
    suspend fun setPin(pin: String): Unit = call { client.setPin(pin) }

    /**
     * Signs a person in with their PIN, until the shift ends. After five wrong ones only a new code from head office unlocks.
     */
    suspend fun unlock(user: String, pin: String): Unit = call { client.unlock(user, pin) }

    /** Signs a person in because the platform vouches for them (finger, face, device credential), until the shift ends. */
    suspend fun unlockByPlatform(user: String): Unit = call { client.unlockByPlatform(user) }

    /** Locks: recording and reading wait for the next unlock. What is unsent is sent all the same. */
    suspend fun lock(): Unit = call { client.lock() }

    // What there is.

    /** A page of today's parcels by waybill: at most [limit] (1 to 500) of those after the waybill [after]. */
    suspend fun parcels(after: String? = null, limit: Int = 100): List<ParcelRow> = call { client.parcels(after, pageOf(limit)) }

    /** An outlet of the directory by its code; `null` if it is not there. */
    suspend fun outlet(code: String): OutletRow? = call { client.outlet(code) }

    /** The sheet of the person's own outlet for a [day] such as `2026-03-02`, without one of today; `null` if nothing of it is here. */
    suspend fun sheet(day: String? = null): SheetDetail? = call { client.sheet(day) }

    /** Writes a signed note into the sheet of a [day], without one of today: durable on this device when it returns. */
    suspend fun noteSheet(words: String, day: String? = null): Unit = call { client.noteSheet(words, day) }

    /** Opens a [day] of the person's own outlet, without one today. */
    suspend fun openSheet(words: String? = null, day: String? = null): Unit = call { client.openSheet(words, day) }

    /** The rules in force now, with the codes for the pickers; `null` until the first sync. */
    suspend fun rules(): RuleSummary? = call { client.rules() }

    /** The words for keys such as a state, a step or a flag, in their order; a key itself where there are none. */
    suspend fun words(keys: List<String>): List<Bilingual> = call { client.words(keys) }

    /** A page of cases by whose turn it is, at most [limit] (1 to 500): the first, or the one after a page's `next`. */
    suspend fun cases(filter: CaseFilter = CaseFilter(), after: String? = null, limit: Int = 100): CasePage =
        call { client.cases(filter, after, pageOf(limit)) }

    /** All cases by whose turn it is, each once. */
    suspend fun allCases(filter: CaseFilter = CaseFilter()): List<CaseSummary> {
        val all = LinkedHashMap<String, CaseSummary>()
        var after: String? = null
        do {
            val page = cases(filter, after, limit = 500)
            page.cases.associateByTo(all) { it.waybill }
            after = page.next
        } while (after != null)
        return all.values.toList()
    }

    /** One case by its waybill or a child number; `null` if nothing is recorded of it here. */
    suspend fun case(waybill: String): CaseDetail? = call { client.case(waybill) }

    /**
     * The couriers to whom a parcel can be assigned; empty if this device does not know the outlet's people.
     */
    suspend fun assignable(waybill: String): List<Assignable> = call { client.assignable(waybill) }

    /**
     * Why a case stands as it does: the facts and the rule behind each deadline, gap, finding and contradiction. Works offline.
     */
    suspend fun explain(waybill: String): List<Explained> = call { client.explain(waybill) }

    /**
     * What a registration would ask for if it were recorded now: evidence, clocks, steps, outcomes, the SMS, the origin outlet's number.
     * It records nothing.
     */
    suspend fun reasonNeeds(question: ReasonQuestion): ReasonNeeds = call { client.reasonNeeds(question) }

    /**
     * The moments until [untilMs] at which the app must speak up, the earliest first. Schedule them, and ask again after each change and
     * when the network comes or goes.
     */
    suspend fun alarms(untilMs: Long): List<AlarmRow> = call { client.alarms(untilMs) }

    /**
     * What is new in the list since this was asked last, case by case. The first call after opening answers with nothing: ask once after
     * opening, and then after each change.
     */
    suspend fun news(): List<NewsRow> = call { client.news() }

    /**
     * The ledgers of the person's own outlet from one day to another, both included, as ISO dates; without any day, of today. Of one
     * ledger if one is named: `cod` or `freight_collect`.
     */
    suspend fun ledger(fromDay: String? = null, toDay: String? = null, book: String? = null): LedgerDays =
        call { client.ledger(fromDay, toDay, book) }

    // What is done.

    /**
     * Records a failed delivery: durable on this device when it returns, sent by the next sync.
     *
     * @param waybill as typed or scanned; a child number names the piece.
     * @param reason a code of [rules].
     * @param words what happened.
     * @throws DoorstepException.Rule if the rules refuse it; nothing is recorded then, as if a photo can not be used.
     */
    suspend fun fail(waybill: String, reason: String, words: String? = null, photos: List<PhotoFile> = emptyList()): Recorded =
        record(Command.Fail(FailedDelivery(waybill, reason, words = words)), photos).first()

    /** Asks for an SMS to the customer; a phone that can sends it with [dispatchSms] or the next sync. */
    suspend fun sendSms(waybill: String, wish: SmsRequest = SmsRequest()): Recorded = record(Command.Sms(waybill, wish)).first()

    /**
     * Gives the origin outlet notice; [to] whom and with which [request] come from the parcel's data and the rules if they are
     * not given.
     */
    suspend fun notifyOrigin(waybill: String, to: String? = null, request: String? = null): Recorded =
        record(Command.Notice(waybill, to, request)).first()

    /**
     * Records what a person did, with photos: durable on this device when it returns, sent by the next sync. Nothing is
     * recorded if the rules refuse it or a photo can not be used. Cancelling the coroutine does not interrupt it: what was
     * begun is recorded.
     *
     * @param anyway the person insists on what is refused because it would not count, contradicts the reply in force or ends a case
     * before its COD money is handed in.
     * @return the cases it concerns, in the command's order.
     */
    suspend fun record(command: Command, photos: List<PhotoFile> = emptyList(), anyway: Boolean = false): List<Recorded> =
        uninterrupted { client.record(command, photos, anyway) }

    /** A provisional number for a parcel whose label can not be read: unique without asking anybody. */
    suspend fun provisionalNumber(): String = call { client.provisionalNumber() }

    // Photos.

    /** Looks at a picture before it is recorded: too blurred, dark or bright to count, or no picture at all. */
    suspend fun lookAtPhoto(path: String): PhotoLook = call { client.lookAtPhoto(path) }

    /** Fails if there is no room for a photo: ask before the camera opens. */
    suspend fun hasRoomForPhoto(): Unit = call { client.hasRoomForPhoto() }

    /** What has become of this device's photos: those that are not settled, and why; with [all] the settled ones too. */
    suspend fun photos(all: Boolean = false): List<PhotoRow> = call { client.photos(all) }

    /** Sends the waiting photos now, whatever the network costs. */
    suspend fun sendPhotosNow(): Unit = call { client.sendPhotosNow() }

    /**
     * Calls a missing photo lost, because a person knows that its file does not come back.
     *
     * @param photo its id.
     * @return `false`: it is not waiting, or its file is here.
     */
    suspend fun photoIsLost(photo: String): Boolean = call { client.photoIsLost(photo) }

    /**
     * Writes a photo or thumbnail to a file: from this device, or fetched now.
     *
     * @param photo its id.
     * @param cancel stops it from elsewhere; cancelling the coroutine raises it too.
     * @return `false`: it is not at the server yet, or not for this device to see, and no file is written.
     */
    suspend fun photoToFile(photo: String, path: String, cancel: Cancel = Cancel()): Boolean =
        stopping(cancel) { client.photoToFile(photo, path, cancel) }

    // SMS.

    /** The SMS to a recipient as it would be sent now. */
    suspend fun previewSms(waybill: String, wish: SmsRequest = SmsRequest()): SmsDraft = call { client.previewSms(waybill, wish) }

    /**
     * Moves every SMS of this device on as far as it goes now. Each sync does it too; call it when cellular service came back.
     */
    suspend fun dispatchSms(): SmsMoved = call { client.dispatchSms() }

    /**
     * Takes what the platform says of an SMS, by the reference that it was given. Said twice or too late, it changes nothing.
     */
    suspend fun smsResult(reference: String, outcome: SmsOutcome): Unit = call { client.smsResult(reference, outcome) }

    /**
     * Asks the server for the lease of an SMS whose attempt somebody else recorded, or that was left to the gateway; this
     * device then sends it.
     *
     * @param cancel stops it from elsewhere; cancelling the coroutine raises it too.
     */
    suspend fun leaseSms(waybill: String, cancel: Cancel = Cancel()): Unit = stopping(cancel) { client.leaseSms(waybill, cancel) }

    // In step with head office.

    /**
     * Sends what is unsent, fetches what is new, uploads photos; one at a time, whoever asks. Cancelled, it stops and loses
     * nothing.
     *
     * @param cancel stops it from elsewhere, as [DoorstepException.Cancelled]; cancelling the coroutine raises it too.
     * @throws DoorstepException.Network if head office can not be reached: everything is kept and will be sent.
     */
    suspend fun sync(cancel: Cancel = Cancel()): SyncSummary = stopping(cancel) { client.sync(cancel) }

    /**
     * Keeps this device in sync by itself until it is stopped or shut down; failures are waited out and shown by [unsent].
     *
     * @param hints also listen for the server's word that something moved: for a tablet on a desk; a phone holds no connection open.
     */
    fun keepInSync(hints: Boolean = false): Unit = client.keepInSync(hints)

    /** Ends keeping in sync. */
    fun stopKeepingInSync(): Unit = client.stopKeepingInSync()

    /** Network, cellular service or power changed: what waited for that is tried now. */
    suspend fun connectivityChanged(): Unit = call { client.connectivityChanged() }

    /** What head office has not confirmed. */
    suspend fun unsent(): UnsentSummary = call { client.unsent() }

    // Observing.

    /**
     * Emits at once, then after every change that a screen should show. Many changes in a row may be one. It goes on over a
     * suspension and ends when this is closed.
     */
    val changes: Flow<Unit> = callbackFlow {
        // Shutting down is the last change. It may have been done elsewhere, through another `Doorstep` on the same folder.
        val listener = GuardedListener {
            trySend(Unit)
            if (client.isClosed()) close()
        }
        val subscription = client.listen(listener)
        val end = closed.invokeOnCompletion { close() }
        trySend(Unit)
        awaitClose {
            end.dispose()
            subscription.cancel()
            subscription.close()
        }
    }.conflate().flowOn(Dispatchers.IO)

    /**
     * [allCases] now and whenever they are others. Fails as that call would; waits over a suspension; ends when this is closed.
     */
    fun watchCases(filter: CaseFilter = CaseFilter()): Flow<List<CaseSummary>> = watch { allCases(filter) }

    /** [case] now and whenever it is another. Fails as that call would; waits over a suspension; ends when this is closed. */
    fun watchCase(waybill: String): Flow<CaseDetail?> = watch { case(waybill) }

    /** [unsent] now and whenever it is another. Fails as that call would; waits over a suspension; ends when this is closed. */
    fun watchUnsent(): Flow<UnsentSummary> = watch { unsent() }

    private fun <T> watch(read: suspend () -> T): Flow<T> = changes.transformWhile {
        val now = try {
            read()
        } catch (_: DoorstepException.Suspended) {
            return@transformWhile true // Resuming is a change.
        } catch (_: DoorstepException.Closed) {
            return@transformWhile false
        }
        emit(now)
        true
    }.distinctUntilChanged()

    /**
     * Every call goes through here, for two reasons: lists are read off the library's buffers on a thread that may take its
     * time, not on the main one; and a coroutine without a dispatcher does not go on upon a thread of the library, which must
     * not be blocked.
     */
    private suspend fun <T> call(call: suspend CoroutineScope.() -> T): T = withContext(Dispatchers.IO, call)

    private suspend fun <T> uninterrupted(call: suspend CoroutineScope.() -> T): T = withContext(Dispatchers.IO + NonCancellable, call)

    /** The library finishes what it began though nobody waits any more, unless it is told to stop. */
    private suspend fun <T> stopping(cancel: Cancel, call: suspend CoroutineScope.() -> T): T = try {
        call(call)
    } catch (cancelled: CancellationException) {
        cancel.cancel()
        throw cancelled
    }

    private fun pageOf(limit: Int): UInt = limit.coerceIn(1, 500).toUInt()

    companion object {
        /**
         * Opens or creates the store in a folder; a damaged one is repaired first. Touches no network. If the folder is open in
         * this process already, it is that client, with the [Platform] that it was opened with.
         *
         * @throws LibraryException if the native library can not be used.
         */
        suspend fun open(config: ClientConfig, platform: Platform = Platform()): Doorstep {
            val given = platform.guarded()
            return withContext(Dispatchers.IO) {
                loadLibrary()
                Doorstep(openClient(config, given.deviceKey, given.databaseKey, given.connectivity, given.location, given.clock, given.sms))
            }
        }

        /**
         * Sets up logging, before anything else; without it nothing is logged. The last call counts. No line can hold personal
         * data.
         *
         * @param sink takes each line, on a thread of its own; it may not log back.
         * @throws LibraryException if the native library can not be used.
         */
        fun logging(config: LogConfig, sink: LogSink? = null) {
            loadLibrary()
            initLogging(config, sink?.let(::GuardedLogSink))
        }

        /** Returns when every line so far is in the file and with the sink: before a file for support is handed on. */
        suspend fun flushLogs() {
            loadLibrary()
            withContext(Dispatchers.IO) { org.doorstep.ffi.flushLogs() }
        }
    }
}
