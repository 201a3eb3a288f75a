"""
What runs day and night. APScheduler wakes it; it asks the plan what is due and hands that to the playout.

The content files are the truth and are read again whenever they change; nothing is scheduled that the
plan does not say at that moment.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from broadcaster.assembly import Assembly
from broadcaster.edges.clock import EARLIEST, Clock
from broadcaster.edges.content import Loaded
from broadcaster.edges.sink import Sink
from broadcaster.edges.store import Request, Store
from broadcaster.model.airing import LOST, Airing, Outcome
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.occurrence import Kind, Occurrence, Reason, State
from broadcaster.model.plan import plan, recipes_for
from broadcaster.model.programme import Recipe
from broadcaster.model.schedule import BulletinClass
from broadcaster.model.station import Cluster
from broadcaster.playout import GRACE, Halt, Playout, Programmes

logger = logging.getLogger("broadcaster")

LEAD = timedelta(seconds=5)  # an occurrence is handed to the playout this long before its time
HORIZON = timedelta(days=2)
ALIVE_EVERY = timedelta(minutes=1)
PREPARE_EVERY = timedelta(hours=6)
JUMP = 2.0  # seconds by which wall time may drift from monotonic time between two looks


@dataclass(frozen=True)
class World:
    """What the daemon is given of its surroundings."""

    clock: Clock
    store: Store
    assembly: Assembly
    open_sink: Callable[[Cluster], Sink]
    fingerprint: Callable[[], int]  # changes when any content file does
    load: Callable[[], Loaded]  # what is faulty as it last was
    prepare: Callable[[Event], None]  # assembles ahead; may take minutes; ends early when the event is set
    tick: float = 1.0  # seconds, real ones, between two looks at the plan


class Daemon:
    """One station's broadcasts. Raises BroadcasterError where there is no station to run."""

    def __init__(self, world: World, mark_every: float = 2.0) -> None:
        self.world = world
        self.stopping = Event()
        self._playout = Playout(world.clock, world.store, mark_every)
        self._fingerprint = world.fingerprint()
        self._content = self._told(world.load())
        self._stale = False  # what is known of recordings changed: read the content again
        self._planned: tuple[Occurrence, ...] = ()
        self._planned_until: datetime | None = None
        self._done: set[str] = set()  # handed over, logged, or asked for after their time
        self._sinks: dict[str, tuple[str, Sink]] = {}
        self._halts: dict[str, Halt] = {}  # by occurrence, from its hand-over to its end
        self._preparing = False
        self._prepare_at = world.clock.now()
        self._alive_at: datetime | None = None
        self._since = world.clock.now()
        self._not_before = EARLIEST
        self._clock_trusted = True
        self._seen = world.clock.now()  # the last time that was to be trusted
        self._awake = world.clock.now()  # what was due before this is missed: the daemon was off until
        self._blind = world.clock.now()  # this, and its clock was wrong from there on
        self._blind_from = world.clock.monotonic()
        self._looking = Lock()  # at the plan
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
        self._scheduler.add_executor(ThreadPoolExecutor(1), "assembly")

    def run(self) -> None:
        """Run until `stopping` is set; what sounds then is ended and logged within a second."""
        self.start()
        station = self._content.station
        logger.info("%s: the daemon runs, %d schedules", station.name, len(self._content.schedules))
        self._scheduler.add_job(self._tick_safely, **self._often, id="tick")
        self._scheduler.start()
        clock, offset = self.world.clock, None
        while not self.stopping.wait(self.world.tick):
            # APScheduler waits by wall time: a clock that is set back would stall it until it came round.
            now = clock.now().timestamp() - clock.monotonic()
            if offset is not None and abs(now - offset) > JUMP:
                self._scheduler.reschedule_job("tick", trigger=self._often["trigger"])
            offset = now
        for halt in list(self._halts.values()):
            halt.because(Reason.SHUTDOWN)
        # A look at the plan that hands over a job while the scheduler ends waits for it, and it for that.
        with self._looking:
            self._scheduler.remove_all_jobs()
        self._scheduler.shutdown(wait=True)
        for _, sink in self._sinks.values():
            sink.close()
        if self._clock_trusted:
            self.world.store.mark("alive", clock.now().isoformat())

    @property
    def _often(self) -> dict[str, Any]:
        trigger = IntervalTrigger(seconds=self.world.tick, timezone=UTC)
        return {"trigger": trigger, "coalesce": True, "max_instances": 1, "misfire_grace_time": None}

    def start(self) -> None:
        """Log what the last run left open."""
        self.world.store.mark("clock", "trusted")
        for row in self._playout.recover():
            logger.warning("%s: %s after %.0f s: power was lost", row.occurrence, row.outcome, row.seconds)
        if (alive := self.world.store.marks().get("alive")) is not None:
            last = self._not_before = max(EARLIEST, datetime.fromisoformat(alive))
            # What stood behind another in its session may have waited for it when the power went.
            session = timedelta(minutes=self._content.station.hours.session_minutes)
            self._since = last - session

    def _tick_safely(self) -> None:
        with self._looking:
            if self.stopping.is_set():
                return
            try:
                self.tick()
            except BroadcasterError as error:
                logger.error("%s", error)  # noqa: TRY400 - told in words; a traceback would not help an operator
            except Exception:
                logger.exception("an error of ours; the next look at the plan is in %s s", self.world.tick)

    def tick(self) -> None:
        """Follow edits and requests, and hand over whatever is due."""
        now = self.world.clock.now()
        self._playout.catch_up()
        self._check_clock(now)
        self._follow_edits(now)
        self._start_preparing(now)
        self._answer_requests()
        if not self._clock_trusted:
            return
        until = self._planned_until
        if until is None or now + HORIZON / 2 > until:
            self._plan(now)
        for one in self._planned:
            if one.id not in self._done and one.id not in self._halts and one.at <= now + LEAD:
                self._deal_with(one, now)
        self._since = max(self._since, now - timedelta(days=1))
        if self._alive_at is None or now - self._alive_at >= ALIVE_EVERY:
            self.world.store.mark("alive", now.isoformat())
            self._alive_at = now
        if not self._halts and not self._preparing:
            waiting = [one.at for one in self._planned if one.id not in self._done]
            self.world.clock.idle_until(min([*waiting, now + HORIZON / 4]) - LEAD)

    def _check_clock(self, now: datetime) -> None:
        trusted = now >= self._not_before
        if trusted:
            if now < self._seen - timedelta(seconds=JUMP):
                self._was_set_back(now)
            self._seen = now
        if trusted != self._clock_trusted:
            self._clock_trusted = trusted
            self.world.store.mark("clock", "trusted" if trusted else "untrusted")
            if trusted:
                logger.warning("the clock is right again: %s", now)
                self._blind = now - timedelta(seconds=self.world.clock.monotonic() - self._blind_from)
                self._since = self._blind if self._since < EARLIEST else self._since
                self._awake = now
            else:
                self._blind_from = self.world.clock.monotonic()
                logger.error(
                    "the clock says %s but it was %s before: nothing sounds until it is set",
                    now,
                    self._not_before,
                )

    def _was_set_back(self, now: datetime) -> None:
        """Look again at what is now ahead; what waits for its time goes back into the plan."""
        self._since, self._awake, self._blind = (
            min(moment, now) for moment in (self._since, self._awake, self._blind)
        )
        self._prepare_at = min(self._prepare_at, now + PREPARE_EVERY)
        self._planned_until = self._alive_at = None
        for one in self._planned:
            halt = self._halts.get(one.id)
            if halt is not None and (one.at > self._seen or not halt.on_air):
                halt.because(Reason.CLOCK)

    def _plan(self, now: datetime) -> None:
        self._planned_until = until = now + HORIZON  # before the log is read: a loss meanwhile plans again
        log = {one.occurrence: one for one in self.world.store.airings(start=self._since - timedelta(days=8))}
        self._planned = plan(self._content, log, self._since, until)
        self._done = (self._done | log.keys()) & {one.id for one in self._planned}

    def _deal_with(self, one: Occurrence, now: datetime) -> None:
        station = self._content.station
        if one.state is State.PLANNED and one.at + GRACE >= self._awake:
            self._hand_over(one, lambda: self._ready(one))
        elif one.at <= now:
            if one.state is State.PLANNED:
                why = Reason.OFF if one.at < self._blind else Reason.CLOCK
                self._logged(self._playout.log(one, station, Outcome.MISSED, why))
            elif one.state is not State.EXCEPTED:
                reason = one.reason or Reason.PROGRAM
                self._logged(self._playout.log(one, station, Outcome(one.state), reason))
            self._done.add(one.id)

    def _hand_over(self, one: Occurrence, ready: Callable[[], tuple[Programmes | None, bool]]) -> None:
        halt = self._halts[one.id] = Halt(by_hand=one.kind is Kind.ON_DEMAND)
        if self.stopping.is_set():
            halt.because(Reason.SHUTDOWN)
        sink = self._sink(one.cluster)
        self._scheduler.add_job(
            self._air, args=[one, sink, ready, halt], executor=_executor(one.cluster), misfire_grace_time=None
        )

    def _air(
        self, one: Occurrence, sink: Sink, ready: Callable[[], tuple[Programmes | None, bool]], halt: Halt
    ) -> None:
        station = self._content.station
        try:
            profile = next(each.profile for each in station.clusters if each.id == one.cluster)
            chime = (
                self.world.assembly.find_chime(station.closing, profile)
                if station.closing and one.closes
                else None
            )
            ended = self._playout.air(one, station, sink, ready, chime, halt)
            if ended is not None:
                self._done.add(one.id)
                self._logged(ended)
        except Exception as error:
            if isinstance(error, BroadcasterError):
                logger.error("%s: %s", one.id, error)  # noqa: TRY400 - told in words
            else:
                logger.exception("%s: an error of ours", one.id)
            self._done.add(one.id)
            self._logged(self._playout.log(one, station, Outcome.FAILED, Reason.PROGRAM, str(error)))
        finally:
            del self._halts[one.id]

    def _logged(self, row: Airing) -> None:
        level = logging.WARNING if row.outcome in LOST else logging.INFO
        logger.log(
            level, "%s: %s %.0f s %s %s", row.occurrence, row.outcome, row.seconds, row.reason, row.detail
        )
        if row.outcome in LOST:
            self._planned_until = None  # it may be made good: plan again

    def _ready(self, one: Occurrence) -> tuple[Programmes | None, bool]:
        """
        The programmes that are there, and whether more may come: assembly is still at work.

        None where nothing may sound any more: what waited behind another may have been changed meanwhile,
        or its approval taken back.
        """
        hope, content = self._preparing, self._content
        cluster = next((each for each in content.station.clusters if each.id == one.cluster), None)
        whole: list[Recipe] = []
        if cluster is not None and one.script in content.scripts:
            asked = {recipe.language for recipe in one.whole}
            now = recipes_for(content, one.script, cluster, one.at.date())
            whole = [recipe for recipe in now if recipe.language in asked and not recipe.lacks]
        if not whole:
            return None, False
        found = [(recipe.language, self.world.assembly.find(recipe)) for recipe in whole]
        return [(language, made) for language, made in found if made is not None], hope

    def _sink(self, cluster: str) -> Sink:
        """The cluster's sink, opened anew if its place was changed."""
        settings = next(one for one in self._content.station.clusters if one.id == cluster)
        known = self._sinks.get(cluster)
        if known is None:
            self._scheduler.add_executor(ThreadPoolExecutor(1), _executor(cluster))
        if known is None or known[0] != settings.sink:
            known = self._sinks[cluster] = (settings.sink, self.world.open_sink(settings))
        return known[1]

    def _follow_edits(self, now: datetime) -> None:
        """Read content that was saved. What a faulty file held stays as it last was."""
        fingerprint = self.world.fingerprint()
        if fingerprint == self._fingerprint and not self._stale:
            return
        before = {one.id for one in self._planned}
        if fingerprint != self._fingerprint:
            self._prepare_at = now
        self._fingerprint, self._stale = fingerprint, False
        try:
            loaded = self.world.load()
        except BroadcasterError as error:
            logger.error("the content cannot be used; the last good one goes on: %s", error)  # noqa: TRY400
            return
        self._told(loaded)
        self._content = loaded.content
        self._plan(now)
        # Nothing is due that was written down after its time.
        self._done |= {one.id for one in self._planned if one.at < now and one.id not in before}

    @staticmethod
    def _told(loaded: Loaded) -> Content:
        for fault in loaded.faults:
            if not fault.warning:
                logger.error("%s", fault)
        return loaded.content

    def _start_preparing(self, now: datetime) -> None:
        if self._preparing or now < self._prepare_at:
            return
        self._preparing = True
        self._prepare_at = now + PREPARE_EVERY
        self._scheduler.add_job(self._prepare, executor="assembly", misfire_grace_time=None)

    def _prepare(self) -> None:
        try:
            self.world.prepare(self.stopping)
        except BroadcasterError as error:
            logger.error("assembling ahead: %s", error)  # noqa: TRY400 - told in words
        except Exception:
            logger.exception("assembling ahead: an error of ours")
        finally:
            self._preparing = False
            self._stale = True
        for one in self._planned:
            self._ready(one)  # reads the recordings now: at air time their digests are known

    def _answer_requests(self) -> None:
        for request in self.world.store.requests():
            self.world.store.take(request)
            if request.verb == "stop":
                for halt in list(self._halts.values()):
                    if halt.on_air or halt.by_hand:
                        halt.because(Reason.STOPPED)
            elif request.verb == "play":
                self._play(request)

    def _play(self, request: Request) -> None:
        """Air a script or one finished programme now, on the clusters that were named."""
        content, asked = self._content, request.values
        now = self.world.clock.now().astimezone(content.station.timezone).replace(microsecond=0)
        for cluster in content.station.clusters:
            if cluster.id not in asked["clusters"]:
                continue
            script = content.scripts.get(asked.get("script", ""))
            place = content.areas.find(cluster.area, now.date())
            one = Occurrence(
                id=f"play-{request.id}/{now:%Y-%m-%dT%H:%M:%S}/{cluster.id}",
                schedule="",
                schedule_title="",
                script=script.id if script else asked["title"],
                script_title=script.title if script else asked["title"],
                group=script.group if script else "everyone",
                cluster=cluster.id,
                cluster_name=cluster.name,
                area=cluster.area,
                area_name=place.name if place else cluster.area,
                bulletin_class=BulletinClass.PRIORITY,
                nominal=now,
                at=now,
                recipes=recipes_for(content, script.id, cluster, now.date()) if script else (),
                kind=Kind.ON_DEMAND,
            )
            if self._clock_trusted:
                self._hand_over(one, self._ready_for(one, asked.get("digest")))
            else:
                self._logged(self._playout.log(one, content.station, Outcome.MISSED, Reason.CLOCK))

    def _ready_for(self, one: Occurrence, given: str | None) -> Callable[[], tuple[Programmes | None, bool]]:
        if given is None:
            return lambda: self._ready(one)
        programme = self.world.assembly.programme(given)
        return lambda: ([("und", programme)] if programme else [], False)


def _executor(cluster: str) -> str:
    """Each cluster's own; no cluster can be called what the scheduler's others are called."""
    return f"cluster/{cluster}"
