"""
What runs day and night. APScheduler wakes it; it asks the plan what is due and hands that to the playout.

The content files are the truth and are read again whenever they change; nothing is scheduled that the
plan does not say at that moment.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Lock
from typing import Any, Protocol

from broadcaster.alarms import Alarms
from broadcaster.alerts import Alerts, Order
from broadcaster.assembly import Assembly
from broadcaster.edges.clock import EARLIEST, Clock
from broadcaster.edges.content import Loaded
from broadcaster.edges.control import Asked
from broadcaster.edges.crew import Crew
from broadcaster.edges.store import Store
from broadcaster.journal import Journal
from broadcaster.model.airing import LOST, Airing, Outcome
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, did_you_mean, say
from broadcaster.model.occurrence import Kind, Occurrence, Reason, State
from broadcaster.model.plan import plan, recipes_for
from broadcaster.model.programme import Programme, Recipe
from broadcaster.model.schedule import BulletinClass
from broadcaster.model.script import UNDETERMINED
from broadcaster.model.station import Amplifier, Cluster
from broadcaster.model.trust import STEP, VOUCHED, Distrust, Look, distrust, is_vouched, told, vouch
from broadcaster.playout import GRACE, Halt, Output, Playout, Programmes, allowed

logger = logging.getLogger("broadcaster")

LEAD = timedelta(seconds=5)  # an occurrence is handed to the playout this long before its time
RELAY_LEAD = timedelta(seconds=10)  # a stream is opened earlier
EDGE = timedelta(seconds=1)  # that sound may pass the end of the allowed hours: what a sound card holds
HORIZON = timedelta(days=2)
LOOK_BACK = 10.0  # seconds until the log is read again, if it could not be
KEEPING = 1.0  # seconds that a command waits for the disk
STARTING = 3.0  # seconds that a command waits until what the last run left is taken up
ALIVE_EVERY = timedelta(minutes=1)
PREPARE_EVERY = timedelta(hours=6)
PREPARE_AGAIN = timedelta(minutes=10)  # after it failed
DOUBTFUL = timedelta(days=31).total_seconds()  # no machine sleeps that long: its clock was set wrong
AGREES = timedelta(hours=1).total_seconds()  # so near to what it said before, a clock is right again
LEAP = timedelta(days=1)  # a step forward that a person may have made by mistake,
SETTLING = 900.0  # seconds: until then what it went over is not written off
QUIET = (Reason.STOPPED, Reason.SHUTDOWN, Reason.ALERT, Reason.INCOMPLETE)  # of such losses somebody knows


class Switch(Protocol):
    """What turns the amplifier on and off."""

    def on(self) -> Fault | None: ...
    def off(self) -> Fault | None: ...


@dataclass(frozen=True)
class World:
    """What the daemon is given of its surroundings."""

    clock: Clock
    crew: Crew
    store: Store
    alarms: Alarms
    assembly: Assembly
    open_output: Callable[[Cluster], Output]
    fingerprint: Callable[[], int]  # changes when any content file does
    load: Callable[[], Loaded]  # what is faulty as it last was
    prepare: Callable[[Event], None]  # assembles ahead; may take minutes; ends early when the event is set
    switch: Callable[[Amplifier], Switch]
    made_in: Callable[[str, str], Programme | None]  # the programme in a folder, of this digest
    alive: Callable[[], None] = lambda: None  # called as long as all is well: a watchdog waits for it
    tick: float = 1.0  # seconds, real ones, between two looks at the plan


class Daemon:
    """One station's broadcasts. Raises BroadcasterError where there is no station to run."""

    def __init__(self, world: World, mark_every: float = 2.0) -> None:
        clock = world.clock
        self.world = world
        self.stopping = Event()
        self._started = Event()
        self._journal = Journal(clock, world.store, world.alarms, lambda job: world.crew.work("log", job))
        self._playout = Playout(clock, self._journal, world.alarms, mark_every)
        self._alerts = Alerts(
            clock,
            self._journal,
            self._playout,
            world.crew,
            self._made,
            self._output,
            lambda: self._content.station,
            self._logged,
            lambda: self._cold_for,
        )
        self._fingerprint = world.fingerprint()
        self._content = self._told(world.load())
        self._stale = False  # what is known of recordings changed: read the content again
        self._planned: tuple[Occurrence, ...] = ()
        self._planned_until: datetime | None = None
        self._log: Mapping[str, Airing] = {}  # as it was last read
        self._done: set[str] = set()  # handed over, logged, or asked for after their time
        self._outputs: dict[str, tuple[Cluster, Output]] = {}
        self._made_again: set[str] = set()  # what was missing at its time, and was asked for once more
        self._halts: dict[str, Halt] = {}  # by occurrence, from its hand-over to its end
        self._amplifier_on: bool | None = None  # None: nobody knows
        self._warm_at = -math.inf  # monotonic: when the amplifier, if it is on, is warm
        self._plays = 0
        self._preparing = False
        self._prepare_at = clock.now()
        self._alive_at: datetime | None = None
        self._looked: datetime | None = None  # the last time by which all that was due had been seen to
        self._since = clock.now()
        self._floor = EARLIEST  # the last time that was written down
        self._vouched = self._stepped = False
        self._distrust: Distrust | None = None
        self._look: Look | None = None
        self._doubted: Look | None = None  # the last one before the clock was set forward beyond belief
        self._seen = clock.now()  # the last time that was to be trusted
        self._awake = clock.now()  # what was due before this is missed: the daemon was off until
        self._blind = clock.now()  # this, and its clock was wrong from there on
        self._blind_from = clock.monotonic()
        self._take_up_at = -math.inf  # monotonic: when it looks again for what the last run left
        self._told_late = False  # the disk did not tell of that at once: it may have refused the last run too
        self._settles = -math.inf  # until then, in monotonic time, nothing is written off
        self._looking = Lock()  # at the plan

    def run(self) -> None:
        """Run until `stopping` is set; what sounds then is ended and logged within a second."""
        self.start()
        crew, station = self.world.crew, self._content.station
        count = len(self._content.schedules)
        logger.info(say("{station}: the daemon runs, {count} schedules.", station=station.name, count=count))
        crew.every(self.world.tick, self._tick_safely)
        crew.wait(self.stopping)
        self._alerts.close()
        for halt in list(self._halts.values()):
            halt.because(Reason.SHUTDOWN)
        crew.close()
        if (amplifier := self._content.station.amplifier) is not None:
            self._switch(amplifier, on=False)
        for _, output in self._outputs.values():
            output.sink.close()
        if self._distrust is None and self._looked is not None:
            self._journal.mark("alive", self._looked.isoformat())
        self._journal.flush()

    def start(self) -> None:
        """Log what the last run left open, if the disk tells of it by now."""
        self._take_up()
        self._check_clock(self.world.clock.now())
        self._started.set()

    def _take_up(self) -> None:
        """Go on from where the last run ended, as soon as the disk tells where that was."""
        clock = self.world.clock
        left = self._journal.look_back()
        if left is None:
            self._take_up_at, self._told_late = clock.monotonic() + LOOK_BACK, True
            return
        self._take_up_at = math.inf
        if (alive := left.marks.get("alive")) is not None:
            ended = datetime.fromisoformat(alive)
            self._floor = max(self._floor, ended)
        if not self._stepped:
            self._vouched = self._vouched or is_vouched(left.marks, clock.state().boot)
        self._check_clock(now := clock.now())
        if alive is not None:
            ahead = ended > now and self._distrust is None
            self._since = self._last_row(now) if ahead else max(EARLIEST, ended)
            self._planned_until = None
            if now - ended > LEAP and not clock.state().synchronised:
                self._settles = clock.monotonic() + SETTLING
        for row in self._playout.recover(trusted=self._distrust is None):
            self._logged(row)
        self._alerts.resume(trusted=self._distrust is None)

    def _tick_safely(self) -> None:
        with self._looking:
            if self.stopping.is_set():
                return
            try:
                self.tick()
            except BroadcasterError as error:
                logger.error("%s", error)  # noqa: TRY400 - told in words; a traceback would not help an operator
            except Exception:
                logger.exception(
                    say(
                        "An error of ours; the next look at the plan is in {seconds} s.",
                        seconds=self.world.tick,
                    )
                )
            if self._playout.lives:
                self.world.alive()

    def tick(self) -> None:
        """Follow edits, and hand over whatever is due."""
        now = self.world.clock.now()
        if self._journal.waiting:
            self.world.crew.work("log", self._journal.flush)
        if self.world.clock.monotonic() >= self._take_up_at:
            self._take_up()
        self._check_clock(now)
        self._keep_hours(now)
        self._follow_edits(now)
        self._start_preparing(now)
        if self._distrust is None:
            until = self._planned_until
            if until is None or now + HORIZON / 2 > until:
                self._plan(now)
            settled = self.world.clock.monotonic() >= self._settles
            for one in self._planned:
                due = settled or one.at + GRACE >= now
                if due and not (one.id in self._done or one.id in self._halts) and one.at <= now + _lead(one):
                    self._deal_with(one, now)
            if settled:
                self._since = max(self._since, now - timedelta(days=1))
                halts = [one for one in list(self._halts.values()) if not (one.on_air or one.by_hand)]
                self._looked = min([now, *(one.occurrence.at for one in halts)])  # not seen to: what waits
                if self._alive_at is None or now - self._alive_at >= ALIVE_EVERY:
                    self._journal.mark("alive", self._looked.isoformat())
                    self._alive_at = self._floor = now
        waiting = [one for one in self._planned if one.id not in self._done]
        self._attend_amplifier(waiting, now)
        busy = self._halts or self._preparing or self._take_up_at < math.inf
        if not busy and (self._planned_until or self._distrust):
            ahead = [one.at - self._warm_up - _lead(one) for one in waiting]
            again = [self._planned_until - HORIZON / 2] if self._planned_until else []
            self.world.clock.idle_until(min([*ahead, *again, now + HORIZON / 4]))

    # The clock

    def _check_clock(self, now: datetime) -> None:
        clock, before = self.world.clock, self._look
        self._look = look = Look(now, clock.monotonic())
        state = clock.state()
        step = look.step_since(before) if before is not None else 0.0
        if state.synchronised:
            self._vouch(state.boot)
        elif step and not self._stepped:
            self._vouched, self._stepped = False, True  # that was for another time
            self._journal.mark(VOUCHED, None)
        floor = self._floor - timedelta(seconds=STEP)
        why = distrust(now, floor, EARLIEST, state.synchronised, state.rtc, self._vouched)
        sure = state.synchronised or self._vouched
        if step > LEAP.total_seconds() and not state.synchronised:
            self._settles = look.monotonic + SETTLING
        if step > DOUBTFUL and not sure and why is None:
            self._doubted = before
        if self._doubted is not None and (sure or abs(look.step_since(self._doubted)) < AGREES):
            self._doubted = None
        why = why or (Distrust.UNSURE if self._doubted else None)
        if why is None:
            if now < self._seen - timedelta(seconds=STEP):
                self._was_set_back(now)
            self._seen = now
        if (why is None) != (self._distrust is None):
            self._changed_trust(why, now)
        self._distrust = why
        if why is None:
            self.world.alarms.clear("clock")
        else:
            if abs(step) > GRACE.total_seconds():  # it slept: nobody knows which hour it is now
                for halt in list(self._halts.values()):
                    halt.because(Reason.CLOCK)
            self.world.alarms.raise_alarm("clock", told(why, now, self._floor))

    def _vouch(self, boot: str) -> None:
        """It is known to be right, and goes on being so though the network fails."""
        if not self._vouched:
            self._vouched, self._stepped = True, False
            self._journal.mark(VOUCHED, vouch(boot))

    def _changed_trust(self, why: Distrust | None, now: datetime) -> None:
        if why is None:
            logger.warning(
                say("The clock is to be trusted: {now}.", now=now.astimezone(self._content.station.timezone))
            )
            self._blind = now - timedelta(seconds=self.world.clock.monotonic() - self._blind_from)
            self._since = self._blind if self._since < EARLIEST else self._since
            self._awake = now
            self._planned_until = None
            self._alerts.expire(now)
            return
        self._blind_from = self.world.clock.monotonic()
        for halt in list(self._halts.values()):
            if not halt.sounding:
                halt.because(Reason.CLOCK)

    def _was_set_back(self, now: datetime) -> None:
        """Look again at what is now ahead; what waits for its time goes back into the plan."""
        self._since = min(self._since, self._last_row(now))
        self._awake = min(self._awake, now)
        self._blind = min(self._blind, self._since)
        self._settles = -math.inf
        self._prepare_at = min(self._prepare_at, now + PREPARE_EVERY)
        self._planned_until = self._alive_at = None
        self._done.clear()  # what was over before it was asked for may be ahead; the log knows the others
        for halt in list(self._halts.values()):
            if halt.occurrence.at > self._seen or not halt.on_air:
                halt.because(Reason.CLOCK)

    def _last_row(self, now: datetime) -> datetime:
        """
        When the last occurrence before *now* was that has its row; *now* if there is none.

        While the clock was ahead, nothing else tells how long ago all was well.
        """
        rows: list[Airing] = []
        with suppress(BroadcasterError):  # the disk does not answer: nobody knows
            rows = list(self.world.store.airings(now - timedelta(days=31), now))
        return rows[-1].planned if rows else now

    def _keep_hours(self, now: datetime) -> None:
        """End what passes the allowed hours: the machine slept, or its clock was set."""
        if self._distrust is not None:
            return
        station = self._content.station
        for halt in list(self._halts.values()):
            moments = now, now - EDGE
            if halt.sounding and not any(allowed(halt.occurrence, station, one, 0) for one in moments):
                halt.because(Reason.OUTSIDE_HOURS)

    # The plan

    def _plan(self, now: datetime) -> None:
        self._planned_until = until = now + HORIZON  # before the log is read: a loss meanwhile plans again
        try:
            rows = self.world.store.airings(start=self._since - timedelta(days=8))
            self._log = {one.occurrence: one for one in rows}
        except BroadcasterError as error:  # until the disk is there again, by what was known
            logger.error("%s", error)  # noqa: TRY400 - told in words
            self._planned_until = now + HORIZON / 2 + timedelta(seconds=LOOK_BACK)
        log = {**self._log, **self._journal.unwritten}
        self._planned = plan(self._content, log, self._since, until)
        self._done = (self._done | log.keys()) & {one.id for one in self._planned}

    def _deal_with(self, one: Occurrence, now: datetime) -> None:
        station = self._content.station
        grace = timedelta() if self._told_late else GRACE  # the last run may have let it sound
        if one.state is State.PLANNED and one.at + grace >= self._awake:
            self._hand_over(one, lambda: self._ready_or_made(one))
        elif one.at <= now:
            if one.state is State.PLANNED:
                why = Reason.OFF if one.at < self._blind else Reason.CLOCK
                self._logged(self._playout.log(one, station, Outcome.MISSED, why))
            elif one.state is not State.EXCEPTED:
                reason = one.reason or Reason.PROGRAM
                self._logged(self._playout.log(one, station, Outcome(one.state), reason))
            self._done.add(one.id)

    def _hand_over(self, one: Occurrence, ready: Callable[[], tuple[Programmes | None, bool]]) -> None:
        halt = self._halts[one.id] = Halt(one, by_hand=one.kind is Kind.ON_DEMAND)
        halt.doubtful = one.at < self._awake
        if self.stopping.is_set():
            halt.because(Reason.SHUTDOWN)
        cluster = next(each for each in self._content.station.clusters if each.id == one.cluster)
        self.world.crew.work(f"cluster/{one.cluster}", lambda: self._air(one, cluster, ready, halt))

    def _air(
        self,
        one: Occurrence,
        cluster: Cluster,
        ready: Callable[[], tuple[Programmes | None, bool]],
        halt: Halt,
    ) -> None:
        station = self._content.station
        try:
            if (cold := self._cold_for) and one.at + GRACE >= self.world.clock.now():
                self.world.clock.sleep(cold, halt)  # it is late: the amplifier was not on ahead
            chime = None
            if station.closing and one.closes:
                chime = self.world.assembly.find_chime(station.closing, cluster.profile)
            ended = self._playout.air(one, station, self._output(cluster), ready, chime, halt)
            if ended is not None:
                self._done.add(one.id)
                self._logged(ended)
        except Exception as error:
            if isinstance(error, BroadcasterError):
                logger.error("%s: %s", one.id, error)  # noqa: TRY400 - told in words
            else:
                logger.exception(say("{what}: an error of ours.", what=one.id))
            self._done.add(one.id)
            self._logged(self._playout.log(one, station, Outcome.FAILED, Reason.PROGRAM, str(error)))
        finally:
            del self._halts[one.id]

    def _logged(self, row: Airing) -> None:
        level = logging.WARNING if row.outcome in LOST else logging.INFO
        logger.log(
            level, "%s: %s %.0f s %s %s", row.occurrence, row.outcome, row.seconds, row.reason, row.detail
        )
        key = f"lost/{row.cluster}"
        if row.outcome in LOST:
            self._planned_until = None  # it may be made good: plan again
            if row.reason not in QUIET:
                what = say(
                    "{title} did not sound whole at {cluster}.",
                    title=row.script_title,
                    cluster=row.cluster_name,
                )
                next_step = say("See what happened: broadcaster log.")
                self.world.alarms.raise_alarm(key, Fault("", what, next_step))
        elif row.outcome is Outcome.AIRED:
            self.world.alarms.clear(key)

    def _ready(self, one: Occurrence) -> tuple[Programmes | None, bool]:
        """
        The programmes that are there, and whether more may come: assembly is still at work.

        None where nothing may sound any more: what waited behind another may have been changed meanwhile,
        or its approval taken back.
        """
        hope = self._preparing or self._prepare_at <= self.world.clock.now()
        content = self._content
        cluster = next((each for each in content.station.clusters if each.id == one.cluster), None)
        whole: list[Recipe] = []
        if cluster is not None and one.script in content.scripts:
            asked = {recipe.language for recipe in one.whole}
            now = recipes_for(content, one.script, cluster, one.at.date())
            whole = [recipe for recipe in now if recipe.language in asked and not recipe.lacks]
        if not whole and one.relay is None:
            return None, False
        found = [(recipe.language, self.world.assembly.find(recipe)) for recipe in whole]
        return [(language, made) for language, made in found if made is not None], hope

    def _ready_or_made(self, one: Occurrence) -> tuple[Programmes | None, bool]:
        """As `_ready`; what is missing at the last moment, or was damaged, is made once more."""
        programmes, hope = self._ready(one)
        lacks = programmes is not None and len(programmes) < len(one.whole)
        if lacks and not hope and one.id not in self._made_again:
            self._made_again.add(one.id)
            self._prepare_at = self.world.clock.now()
            hope = True
        return programmes, hope

    def _made(self, folder: str, digest: str) -> Programme | None:
        """A programme that a command made; in memory where the disk took nothing."""
        find = self.world.made_in
        return find(folder, digest) if folder else self.world.assembly.programme(digest)

    def _output(self, cluster: Cluster) -> Output:
        """The cluster's output, opened anew if its settings were changed."""
        known = self._outputs.get(cluster.id)
        if known is None or known[0] != cluster:
            known = self._outputs[cluster.id] = (cluster, self.world.open_output(cluster))
        return known[1]

    # The amplifier

    @property
    def _warm_up(self) -> timedelta:
        amplifier = self._content.station.amplifier
        return timedelta(seconds=amplifier.warm_up if amplifier else 0.0)

    def _attend_amplifier(self, waiting: Sequence[Occurrence], now: datetime) -> None:
        """On in time for what comes next, off when nothing does."""
        amplifier = self._content.station.amplifier
        if amplifier is None:
            return
        soon = self._distrust is None and any(
            one.state is State.PLANNED and now - GRACE <= one.at <= now + self._warm_up + _lead(one)
            for one in waiting
        )
        self._amplify(amplifier, on=soon or bool(self._halts or self._alerts.in_force))

    @property
    def _cold_for(self) -> float:
        """Seconds until the amplifier is warm."""
        if self._amplifier_on:
            return max(0.0, self._warm_at - self.world.clock.monotonic())
        return self._warm_up.total_seconds()

    def _amplify(self, amplifier: Amplifier, *, on: bool) -> None:
        if on != self._amplifier_on:
            self._warm_at = self.world.clock.monotonic() + amplifier.warm_up
            self._amplifier_on = on
            self.world.crew.work("amplifier", lambda: self._switch(amplifier, on=on))

    def _switch(self, amplifier: Amplifier, *, on: bool) -> None:
        switch = self.world.switch(amplifier)
        fault = switch.on() if on else switch.off()
        if fault is None:
            self.world.alarms.clear("amplifier")
        else:
            self.world.alarms.raise_alarm("amplifier", fault)

    # The content

    def _follow_edits(self, now: datetime) -> None:
        """Read content that was saved. What a faulty file held stays as it last was."""
        fingerprint = self.world.fingerprint()
        if fingerprint == self._fingerprint and not self._stale:
            return
        if self._planned_until is None and self._distrust is None:
            self._plan(now)  # what was missed while off was not written down after its time
        before = {one.id for one in self._planned}
        if fingerprint != self._fingerprint:
            self._prepare_at = now
        self._fingerprint, self._stale = fingerprint, False
        try:
            loaded = self.world.load()
        except BroadcasterError as error:
            self.world.alarms.raise_alarm("content", error.faults[0])
            return
        self._told(loaded)
        self._content = loaded.content
        if self._distrust is not None:
            self._planned_until = None
            return
        self._plan(now)
        # Nothing is due that was written down after its time.
        self._done |= {one.id for one in self._planned if one.at < now and one.id not in before}
        self._take_back()

    def _take_back(self) -> None:
        """End what sounds and may not any more; what waits and was taken out of the plan does not begin."""
        planned = {one.id for one in self._planned if one.state is State.PLANNED}
        for halt in list(self._halts.values()):
            one = halt.occurrence
            if one.kind is Kind.ON_DEMAND:
                continue
            if not halt.sounding and one.id not in planned and one.at >= self._since:
                # Before it has a row it is as if it had never been handed over.
                halt.because(Reason.STOPPED if halt.on_air else Reason.SHUTDOWN)
            elif halt.on_air and one.recipes and self._ready(one)[0] is None:
                halt.because(Reason.INCOMPLETE)

    def _told(self, loaded: Loaded) -> Content:
        faults = [fault for fault in loaded.faults if not fault.warning]
        for fault in faults:
            logger.error("%s", fault)
        if faults:
            what = say(
                "Faults in the content: {count}; what these files held before goes on.", count=len(faults)
            )
            fault = Fault(faults[0].place, what, say("See them all: broadcaster check."))
            self.world.alarms.raise_alarm("content", fault)
        else:
            self.world.alarms.clear("content")
        return loaded.content

    def _start_preparing(self, now: datetime) -> None:
        if self._preparing or now < self._prepare_at:
            return
        self._preparing = True
        self._prepare_at = now + PREPARE_EVERY
        self.world.crew.work("assembly", self._prepare)

    def _prepare(self) -> None:
        try:
            self.world.prepare(self.stopping)
            self.world.alarms.clear("assembly")
        except BroadcasterError as error:
            self.world.alarms.raise_alarm("assembly", error.faults[0])
            self._prepare_at = min(self._prepare_at, self.world.clock.now() + PREPARE_AGAIN)
        except Exception:
            logger.exception(say("Assembling ahead: an error of ours."))
        finally:
            self._preparing = False
            self._stale = True
        for one in self._planned:
            self._ready(one)  # reads the recordings now: at air time their digests are known

    # What is asked

    def answer(self, asked: Asked) -> Mapping[str, Any]:
        """Do what a command asks. Raises BroadcasterError for what is refused."""
        if asked.verb == "status":
            return self._status()
        if not asked.trusted:
            raise BroadcasterError(
                Fault(
                    asked.by,
                    say("You may look at this station, and not change what it does."),
                    say("Do it as root, or have yourself added to the group that the station's folder has."),
                )
            )
        self._started.wait(STARTING)  # so that nothing takes the place of what the last run left
        match asked.verb:
            case "alert":
                return self._alert(asked)
            case "words":
                values = asked.values
                self._alerts.words(values["id"], values["script"], values["folder"], values["programmes"])
                return {}
            case "clear":
                return {
                    "cleared": self._alerts.clear(asked.by, asked.values.get("ids")),
                    "kept": self._kept(),
                }
            case "stop":
                return self._stop()
            case "clock":
                clock = self.world.clock
                self._look = Look(clock.now(), clock.monotonic())
                self._vouch(clock.state().boot)
                logger.warning(say("{name} says that the clock is right.", name=asked.by))
                return {}
            case "play":
                with self._looking:
                    return self._play(asked.values)
        raise BroadcasterError(
            Fault(
                asked.verb,
                say("The running daemon does not know this."),
                say("It may be older than the command. Restart it."),
            )
        )

    def _kept(self) -> bool:
        """Is what was ordered on the disk by now? Else a restart forgets it."""
        tried = Event()

        def write() -> None:
            self._journal.flush()
            tried.set()

        self.world.crew.work("log", write)
        return self.world.clock.sleep(KEEPING, tried) and self._journal.is_empty

    def _status(self) -> Mapping[str, Any]:
        now = self.world.clock.now()
        return {
            "now": now.isoformat(),
            "clock": self._distrust,
            "on_air": [
                {**halt.sounding, "level": halt.level(self.world.clock.monotonic())}
                for halt in self._playout.on_air
                if halt.sounding
            ],
            "alerts": [
                {
                    "id": one.id,
                    "title": one.title,
                    "by": one.by,
                    "left": one.left,
                    "every": one.every,
                    "has_words": bool(one.programmes),
                }
                for one in self._alerts.in_force
            ],
            "alarms": [
                {
                    "key": one.key,
                    "since": one.since.isoformat(),
                    "where": one.where,
                    "what": one.what,
                    "next": one.next,
                }
                for one in self.world.alarms.present
            ],
            "past_alerts": list(self._alerts.past),
            "rows_waiting": self._journal.waiting,
        }

    def _alert(self, asked: Asked) -> Mapping[str, Any]:
        values, station = asked.values, self._content.station
        known = {one.id: one for one in station.clusters}
        chosen = values["clusters"] or list(known)
        if unknown := [one for one in chosen if one not in known]:
            what = say("The station has no such cluster.")
            told_which = say("Known are: {known}.", known=", ".join(known))
            raise BroadcasterError(
                *(Fault(one, what, did_you_mean(one, known, told_which)) for one in unknown)
            )
        clusters = [known[one] for one in dict.fromkeys(chosen)]
        expires = None
        if self._distrust is None:
            expires = (self.world.clock.now() + timedelta(seconds=values["left"])).isoformat()
        if station.amplifier is not None:
            self._amplify(station.amplifier, on=True)
        self._alerts.order(
            Order(
                id=values["id"],
                title=values["title"],
                by=asked.by,
                clusters=[one.id for one in clusters],
                every=values["every"],
                left=values["left"],
                expires=expires,
                script=values.get("script", ""),
            )
        )
        return {"clusters": [[one.id, one.name, one.profile, list(one.languages)] for one in clusters]}

    def _stop(self) -> Mapping[str, Any]:
        stopped = [halt for halt in list(self._halts.values()) if halt.on_air or halt.by_hand]
        for halt in stopped:
            halt.because(Reason.STOPPED)
        return {"stopped": len(stopped), "alerts": [one.id for one in self._alerts.in_force]}

    def _play(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Air a script or one finished programme now, on the clusters that were named."""
        content = self._content
        if self._distrust is not None:
            raise BroadcasterError(told(self._distrust, self.world.clock.now(), self._floor))
        if content.station.amplifier is not None:
            self._amplify(content.station.amplifier, on=True)
        waits = False
        self._plays += 1
        now = self.world.clock.now().astimezone(content.station.timezone).replace(microsecond=0)
        for cluster in content.station.clusters:
            if cluster.id not in asked["clusters"]:
                continue
            script = content.scripts.get(asked.get("script", ""))
            place = content.areas.find(cluster.area, now.date())
            one = Occurrence(
                id=f"play-{self._plays}/{now:%Y-%m-%dT%H:%M:%S}/{cluster.id}",
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
            waits |= any(halt.occurrence.cluster == cluster.id for halt in self._playout.on_air)
            self._hand_over(one, self._ready_for(one, asked.get("digest")))
        return {"waits": waits}

    def _ready_for(self, one: Occurrence, given: str | None) -> Callable[[], tuple[Programmes | None, bool]]:
        if given is None:
            return lambda: self._ready(one)
        programme = self.world.assembly.programme(given)
        return lambda: ([(UNDETERMINED, programme)] if programme else [], False)


def _lead(one: Occurrence) -> timedelta:
    return RELAY_LEAD if one.relay else LEAD
