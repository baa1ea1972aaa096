"""Doorstep's field client: record failed deliveries offline, sync with head office.

    async with await Doorstep.open("store") as doorstep:
        await doorstep.fail("QH310000000001", "DF-NOBODY")

Every call runs on the library's own threads: an event loop is never blocked. Every error is a `DoorstepError` with a `code` and
words in Chinese (`zh`) and English (`en`). Cancelling a task that waits for the network stops the call; what was recorded stays.
"""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from os import PathLike, fspath
from types import TracebackType
from typing import Self, TypeVar, cast

from .doorstep_ffi import (
    AlarmRow,
    AnswerRow,
    AskResultRow,
    AskRow,
    Assignable,
    Bilingual,
    Cancel,
    CaseDetail,
    CaseFilter,
    CaseSummary,
    ChangeListener,
    ClientConfig,
    ClockReading,
    Command,
    Connectivity,
    ContactGap,
    DatabaseKey,
    DeadlineRow,
    DeviceClock,
    DeviceKey,
    DoorstepClient,
    DoorstepError,
    DutyRow,
    Explained,
    FailedDelivery,
    FindingRow,
    FreightRow,
    Level,
    LinkedRow,
    ListPart,
    Location,
    LogConfig,
    LogRecord,
    LogSink,
    MessageRow,
    MissingEvidence,
    NamedCode,
    NeededEvidence,
    NewsRow,
    OriginReply,
    OutcomeCode,
    OutletRow,
    ParcelRow,
    Person,
    PhotoFile,
    PhotoLook,
    PhotoRow,
    PhotoShows,
    PhotoState,
    Position,
    ProblemCode,
    ProblemFound,
    ReasonNeeds,
    ReasonQuestion,
    Recorded,
    RefusedAction,
    RuleSummary,
    LedgerDays,
    LedgerRow,
    LedgerSum,
    SheetDetail,
    SmsChance,
    SmsDraft,
    SmsMoved,
    SmsOutcome,
    SmsPlatform,
    SmsRequest,
    SmsToSend,
    StartingClock,
    Surroundings,
    SyncSummary,
    TimelineEntry,
    ToldLine,
    ToldPersonal,
    ToldValue,
    UnsentAction,
    UnsentSummary,
    end_process,
    flush_logs,
    init_logging,
    open_client,
)

__all__ = [
    "AlarmRow",
    "AnswerRow", "AskResultRow", "AskRow", "LinkedRow",
    "AnyCommand",
    "AnySmsOutcome",
    "Assignable", "Bilingual", "Cancel", "CaseDetail", "CaseFilter", "CaseSummary", "ClockReading", "Command", "Connectivity", "ContactGap",
    "DatabaseKey", "DeadlineRow", "DeviceClock", "DeviceKey", "Doorstep", "DoorstepError", "DutyRow", "Explained", "FailedDelivery",
    "FindingRow", "FreightRow", "Level", "ListPart", "Location",
    "LogConfig", "LogRecord", "LogSink", "MessageRow", "MissingEvidence", "NamedCode", "NewsRow", "OriginReply", "OutcomeCode", "OutletRow",
    "ParcelRow", "Person", "PhotoFile", "PhotoLook", "PhotoRow", "PhotoShows", "PhotoState", "Position", "ProblemCode",
    "LedgerDays", "LedgerRow", "LedgerSum", "ProblemFound", "Recorded", "RefusedAction", "RuleSummary", "SheetDetail", "SmsDraft", "SmsMoved", "SmsOutcome", "SmsPlatform",
    "SmsRequest", "SmsToSend", "Surroundings", "SyncSummary", "TimelineEntry", "ToldLine", "ToldPersonal", "ToldValue", "UnsentAction",
    "UnsentSummary", "flush_logs", "init_logging",
    "NeededEvidence", "ReasonNeeds", "ReasonQuestion", "SmsChance", "StartingClock",
]

# Threads of the library tell this one how calls ended: none may be within an interpreter that goes.
atexit.register(end_process)

T = TypeVar("T")
Path = str | PathLike[str]

# The generated kinds are subclasses of these when the module has been loaded, which a type checker does not see.
AnyCommand = (
    Command.FAIL | Command.PROBLEM | Command.PHOTOS | Command.SMS | Command.CALL | Command.NOTE | Command.OUTAGE
    | Command.NOTICE | Command.SEEN | Command.REPLY | Command.MARK | Command.ACTION | Command.TICK | Command.ASSIGN
    | Command.ASSIGN_ALL | Command.ASSIGN_BACK | Command.ASK | Command.ANSWER | Command.SEND_ON | Command.DISPATCH | Command.CONSENT | Command.GOODS | Command.LEDGER | Command.WAIVE | Command.CORRECT | Command.DISPUTE
    | Command.IDENTIFY | Command.HANDOVER | Command.TAKEOVER | Command.CLOSE
)
AnySmsOutcome = (
    SmsOutcome.HANDED_OVER | SmsOutcome.CANCELLED | SmsOutcome.PART_SENT | SmsOutcome.PART_FAILED
    | SmsOutcome.PART_DELIVERED
)

# Rows that are asked for at once.
PAGE = 200


class Doorstep:
    """A field client on one folder: of a courier, or of an outlet's tablet. Open it with `open`, close it with `close` or `async with`."""

    def __init__(self, client: DoorstepClient) -> None:
        """Not for apps: use `open`."""
        self._client = client

    @classmethod
    async def open(
        cls,
        folder: Path,
        *,
        app: str = "",
        authorities_pem: bytes | None = None,
        device_key: DeviceKey | None = None,
        database_key: DatabaseKey | None = None,
        connectivity: Connectivity | None = None,
        location: Location | None = None,
        clock: DeviceClock | None = None,
        sms: SmsPlatform | None = None,
    ) -> Self:
        """Opens or creates the store in a folder; touches no network. The same folder gives the same client in a process."""
        config = ClientConfig(folder=fspath(folder), app=app, authorities_pem=authorities_pem)
        return cls(await open_client(config, device_key, database_key, connectivity, location, clock, sms))

    async def close(self) -> None:
        """Shuts down: calls under way that wait for the network end as `Closed`. Twice is fine."""
        await self._client.shutdown()

    async def suspend(self) -> None:
        """Closes the store's files until `resume`; calls meanwhile fail as `Suspended`."""
        await self._client.suspend()

    async def resume(self) -> None:
        """Opens the store again after `suspend`."""
        await self._client.resume()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    # Who is at the device.

    async def enrol(self, server: str, code: str) -> Person:
        """Redeems a one-time code from head office, then fetches rules, parcels and cases."""
        return await self._cancellable(lambda cancel: self._client.enrol(server, code, cancel))

    async def person(self) -> Person | None:
        """Who is signed in; `None` before enrolment."""
        return await self._client.person()

    async def people(self) -> list[Person]:
        """Everybody who was enrolled on this device."""
        return await self._client.people()

    async def is_locked(self) -> bool:
        """Whether somebody must unlock first."""
        return await self._client.is_locked()

    async def set_pin(self, pin: str) -> None:
        """Sets the PIN of the person who is signed in: 4 to 12 digits."""
        await self._client.set_pin(pin)

    async def unlock(self, user: str, pin: str) -> None:
        """Signs a person in with their PIN, until the shift ends."""
        await self._client.unlock(user, pin)

    async def lock(self) -> None:
        """Locks: recording and reading wait for the next unlock; what is unsent is sent all the same."""
        await self._client.lock()

    # At the door and at the desk.

    async def fail(
        self, waybill: str, reason: str, *, sub: str | None = None, words: str | None = None, photos: Sequence[Path | PhotoFile] = ()
    ) -> Recorded:
        """Records a failed delivery: durable on this device when it returns. Photos are files; a plain path shows the door."""
        attempt = FailedDelivery(waybill=waybill, reason=reason, sub=sub, words=words)
        recorded = await self.record(Command.FAIL(attempt), photos)
        return recorded[0]

    async def record(
        self, command: AnyCommand, photos: Sequence[Path | PhotoFile] = (), *, anyway: bool = False
    ) -> list[Recorded]:
        """Records what a person did, with photos; returns the cases it concerns. With `anyway` the person insists on what is refused
        because it would not count, contradicts the reply in force or ends a case before its COD money is handed in."""
        files = [photo if isinstance(photo, PhotoFile) else PhotoFile(path=fspath(photo)) for photo in photos]
        return await self._client.record(cast(Command, command), files, anyway)

    async def provisional_number(self) -> str:
        """A number for a parcel whose label can not be read."""
        return await self._client.provisional_number()

    # Reading.

    async def parcels(self) -> AsyncIterator[ParcelRow]:
        """Today's parcels, in the order of their waybills."""
        after: str | None = None
        while page := await self._client.parcels(after, PAGE):
            for parcel in page:
                yield parcel
            after = page[-1].waybill

    async def outlet(self, code: str) -> OutletRow | None:
        """An outlet of the directory."""
        return await self._client.outlet(code)

    async def sheet(self, day: str | None = None) -> SheetDetail | None:
        """The sheet of the person's own outlet for a day such as "2026-03-02", without one of today."""
        return await self._client.sheet(day)

    async def ledger(
        self, from_day: str | None = None, to_day: str | None = None, *, book: str | None = None
    ) -> LedgerDays:
        """The ledgers of the person's own outlet from one day to another, without any day of today: lines and totals."""
        return await self._client.ledger(from_day, to_day, book)

    async def note_sheet(self, words: str, *, day: str | None = None) -> None:
        """Writes a signed note into the sheet of a day, without one of today."""
        await self._client.note_sheet(words, day)

    async def open_sheet(self, words: str | None = None, *, day: str | None = None) -> None:
        """Opens a day of the person's own outlet, without one today."""
        await self._client.open_sheet(words, day)

    async def cases(
        self, *, closed: bool = False, state: str | None = None, waybill: str | None = None, part: ListPart | None = None,
        listed: bool | None = None, unidentified: bool = False
    ) -> AsyncIterator[CaseSummary]:
        """Cases by whose turn it is, what is overdue first, fetched page by page."""
        wanted = CaseFilter(closed=closed, state=state, waybill=waybill, part=part, listed=listed, unidentified=unidentified)
        after: str | None = None
        while True:
            page = await self._client.cases(wanted, after, PAGE)
            for case in page.cases:
                yield case
            after = page.next
            if after is None:
                return

    async def case(self, waybill: str) -> CaseDetail | None:
        """One case; `None` if nothing is recorded of it here."""
        return await self._client.case(waybill)

    async def assignable(self, waybill: str) -> list[Assignable]:
        """The couriers to whom a parcel can be assigned; empty if this device does not know the outlet's people."""
        return await self._client.assignable(waybill)

    async def explain(self, waybill: str) -> list[Explained]:
        """Why a case stands as it does: rule, facts, answer."""
        return await self._client.explain(waybill)

    async def reason_needs(
        self,
        reason: str,
        waybill: str | None = None,
        *,
        sub: str | None = None,
        stage: str | None = None,
        callback: str | None = None,
    ) -> ReasonNeeds:
        """What a registration would ask for if it were recorded now; records nothing."""
        question = ReasonQuestion(reason=reason, waybill=waybill, sub=sub, stage=stage, callback=callback)
        return await self._client.reason_needs(question)

    async def alarms(self, until_ms: int) -> list[AlarmRow]:
        """The moments until a given one at which the app must speak up, the earliest first. Ask again after each change and when the
        network comes or goes."""
        return await self._client.alarms(until_ms)

    async def news(self) -> list[NewsRow]:
        """What is new in the list since this was asked last, case by case. The first call after opening answers with nothing: ask once
        after opening, and then after each change."""
        return await self._client.news()

    async def rules(self) -> RuleSummary | None:
        """The rules in force now; `None` until the first sync."""
        return await self._client.rules()

    async def words(self, keys: Sequence[str]) -> list[Bilingual]:
        """The words for states, steps, flags."""
        return await self._client.words(list(keys))

    async def changes(self) -> AsyncIterator[None]:
        """Yields at once, and after every change that a screen should show; many in a row may be one."""
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        news.set()

        class Listener(ChangeListener):
            def changed(self) -> None:
                loop.call_soon_threadsafe(news.set)

        subscription = self._client.listen(Listener())
        try:
            while True:
                await news.wait()
                news.clear()
                yield
                # Shutting down is the last change, whoever does it.
                if self._client.is_closed():
                    return
        finally:
            await subscription.ended()

    # Photos and SMS.

    async def look_at_photo(self, path: Path) -> PhotoLook:
        """Looks at a picture before it is recorded: whether it would count."""
        return await self._client.look_at_photo(fspath(path))

    async def photos(self, *, all: bool = False) -> list[PhotoRow]:
        """What has become of this device's photos."""
        return await self._client.photos(all)

    async def photo_to_file(self, photo: str, path: Path) -> bool:
        """Writes a photo to a file, fetched if need be; false if it is not to be had yet."""
        return await self._cancellable(lambda cancel: self._client.photo_to_file(photo, fspath(path), cancel))

    async def preview_sms(self, waybill: str, wish: SmsRequest | None = None) -> SmsDraft:
        """The SMS to the recipient as it would be sent now."""
        return await self._client.preview_sms(waybill, wish or SmsRequest())

    async def send_sms(self, waybill: str, wish: SmsRequest | None = None) -> None:
        """Records an SMS and moves it on as far as it goes now."""
        await self.record(Command.SMS(waybill, wish or SmsRequest()))
        await self.dispatch_sms()

    async def dispatch_sms(self) -> SmsMoved:
        """Moves every SMS of this device on as far as it goes now."""
        return await self._client.dispatch_sms()

    async def sms_result(self, reference: str, outcome: AnySmsOutcome) -> None:
        """Takes what the platform says of an SMS."""
        await self._client.sms_result(reference, cast(SmsOutcome, outcome))

    async def lease_sms(self, waybill: str) -> None:
        """Asks head office for the lease of an SMS."""
        await self._cancellable(lambda cancel: self._client.lease_sms(waybill, cancel))

    # In step with head office.

    async def sync(self) -> SyncSummary:
        """Sends what is unsent, fetches what is new, uploads photos. Cancelled, it loses nothing."""
        return await self._cancellable(self._client.sync)

    def keep_in_sync(self, *, hints: bool = False) -> None:
        """Keeps in sync by itself until `stop_keeping_in_sync`; with hints also when the server says that something moved."""
        self._client.keep_in_sync(hints)

    def stop_keeping_in_sync(self) -> None:
        """Ends keeping in sync."""
        self._client.stop_keeping_in_sync()

    async def connectivity_changed(self) -> None:
        """The platform says that network or power changed: what waited for that is tried now."""
        await self._client.connectivity_changed()

    async def unsent(self) -> UnsentSummary:
        """What this device has that head office has not confirmed."""
        return await self._client.unsent()

    async def _cancellable(self, call: Callable[[Cancel], Awaitable[T]]) -> T:
        """A dropped call would go on by itself: who cancels here means it to stop."""
        cancel = Cancel()  # type: ignore[no-untyped-call]
        try:
            return await call(cancel)
        except asyncio.CancelledError:
            cancel.cancel()
            raise
