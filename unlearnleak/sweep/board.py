"""How a sweep stands, read from what lies on disk: the launch's own plan and every task's status file.

The launching process and `unlearnleak status` in another terminal read the same files and show the same line.
"""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from unlearnleak.errors import UserError
from unlearnleak.machine.printable import first_line, printable
from unlearnleak.machine.process import UNKNOWN, host, is_alive
from unlearnleak.runs.launch import LAST, LAUNCHES, PLAN
from unlearnleak.runs.status import LATEST, MOST_PIDS, STATUS, read_json, read_status

MOST_REASONS = 20
LONGEST = 4096
"""Characters that are read of the name of a sweep's last launch."""
ENDS = ("done", "failed", "skipped")


def within(task: str) -> str:
    """A task's folder, seen from its sweep's. Raises ValueError for one that lies elsewhere."""
    if Path(task).is_absolute() or ".." in Path(task).parts:
        raise ValueError("it leads out of the sweep's folder")
    return task


class Known(BaseModel):
    """How many jobs of `Plan` had ended before."""

    model_config = ConfigDict(strict=True)
    finished: int
    skipped: int
    failed: int


class Wave(BaseModel):
    """One wave of `Plan`."""

    model_config = ConfigDict(strict=True)
    name: str
    stored: int
    jobs: bool
    tasks: list[Annotated[str, AfterValidator(within)]]


class Plan(BaseModel):
    """What is read of a launch's plan.json, which may be another version's."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)
    sweep: str
    command: str
    announcement: str
    time: Annotated[float, Field(ge=0, lt=LATEST)]
    host: str
    pid: Annotated[int, Field(gt=0, lt=MOST_PIDS)]
    began: int = UNKNOWN
    slots: int | None = None
    jobs: int
    known: Known
    waves: list[Wave]
    ended: Annotated[float, Field(ge=0, lt=LATEST)] | None = None
    outcome: str | None = None


@dataclass
class WaveBoard:
    """One wave's tasks by folder; `ended` holds the status of those that have ended in this `launch`.

    Clocks jump: what bears the launch's name is of it whatever its time. Of other words, such as those of SLURM's jobs
    that it has taken up, those since its beginning count.

    `lost` counts tasks that say "running" though their process is dead: their launcher may start them again.
    """

    name: str
    stored: int
    jobs: bool
    launch: str
    since: float
    folders: list[Path]
    ended: dict[Path, dict[str, Any]] = field(default_factory=dict)
    running: int = 0
    lost: int = 0

    def poll(self) -> dict[Path, dict[str, Any]]:
        """Look again at the tasks that are not done; returns those that have ended since the launch began."""
        news: dict[Path, dict[str, Any]] = {}
        self.running = self.lost = 0
        for folder in self.folders:
            before = self.ended.get(folder)
            if before and not is_failure(before):
                continue
            entry = read_json(folder / STATUS)
            if entry is None or entry.get("status") not in ENDS or not self.is_own(entry):
                self.ended.pop(folder, None)  # a failed one that was started again
                self.count(folder, entry)
            elif entry != before:
                news[folder] = entry
        self.ended |= news
        return news

    def is_own(self, entry: dict[str, Any]) -> bool:
        """Whether a status was written by this launch, or for it."""
        return entry.get("launch") == self.launch or self.since <= since_1970(entry) <= time.time()

    def count(self, folder: Path, entry: dict[str, Any] | None) -> None:
        """Count a task that has not ended."""
        if entry and entry.get("status") == "running":
            dead = is_failure(read_status(folder) or {})
            self.lost, self.running = self.lost + dead, self.running + (not dead)

    def counts(self) -> Counter[str]:
        """How many have ended in which way."""
        return Counter(entry["status"] for entry in self.ended.values())

    @property
    def left(self) -> int:
        """How many have not ended."""
        return len(self.folders) - len(self.ended)

    def seconds_left(self, elapsed: float) -> float | None:
        """An estimate from the pace so far; None before the first task has ended."""
        return elapsed / len(self.ended) * self.left if self.ended else None


class Board:
    """The waves of one launch, as its `plan.json` lists them."""

    def __init__(self, folder: Path) -> None:
        plan = read_json(folder / PLAN)
        if plan is None:
            raise UserError(f"{folder} holds no {PLAN}: name a sweep, such as outputs/runs/demo.")
        try:
            Plan.model_validate(plan)
        except ValidationError as error:
            found = error.errors(include_url=False)[0]
            where = ".".join(map(str, found["loc"]))
            raise UserError(f"{folder / PLAN} is no plan of a sweep: {where}: {found['msg']}.") from error
        self.folder, self.plan = folder, plan
        sweep_dir = folder.parent.parent
        self.waves = [
            WaveBoard(
                name=wave["name"],
                stored=wave["stored"],
                jobs=wave["jobs"],
                launch=folder.name,
                since=plan["time"],
                folders=[sweep_dir / task for task in wave["tasks"]],
            )
            for wave in plan["waves"]
        ]

    def poll(self) -> dict[Path, dict[str, Any]]:
        """Look at all tasks again; returns those that have ended since."""
        news: dict[Path, dict[str, Any]] = {}
        for wave in self.waves:
            news |= wave.poll()
        return news

    @property
    def wave(self) -> WaveBoard | None:
        """The first wave that is not over."""
        return next((wave for wave in self.waves if wave.left), None)

    def line(self, elapsed: float) -> str:
        """The one line that says it all; `elapsed` are the seconds since the present wave began."""
        wave = self.wave
        if wave is None:
            return f"{self.plan['sweep']}: {self.count_states()}"
        number = self.waves.index(wave) + 1
        slots = f"/{self.plan['slots']}" if self.plan.get("slots") else ""
        left = wave.seconds_left(elapsed)
        parts = [
            f"wave {number}/{len(self.waves)} {wave.name} {len(wave.ended)}/{len(wave.folders)}",
            self.count_states(),
            f"{wave.running}{slots} busy" if wave.running or any(each.ended for each in self.waves) else "starting",
            f"{duration(left)} left in it" if left is not None else "",
        ]
        return " | ".join(part for part in parts if part)

    def count_states(self) -> str:
        """Jobs done, failed and skipped; failed stages count as well as long as their jobs have not been told."""
        known = self.plan["known"]
        counts = Counter({"done": known["finished"], "skipped": known["skipped"], "failed": known["failed"]})
        for wave in self.waves:
            own = wave.counts()
            counts.update(own if wave.jobs else {"failed": own["failed"] if self.wave else 0})
        parts = [f"{counts[end]} {end}" for end in ("failed", "skipped") if counts[end]]
        return ", ".join([f"{counts['done']} of {self.plan['jobs']} jobs done", *parts])


def duration(seconds: float) -> str:
    """A time for people: "40 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def latest_launch(sweep: Path | None, runs: Path) -> Path:
    """The folder of the last launch of a sweep, given by its folder or its name below `runs`.

    For None, of any sweep: one that goes on comes before one that has ended.

    Raises:
        UserError: nothing was launched there.
    """
    folders = [sweep if sweep.is_dir() else runs / sweep] if sweep else list(runs.glob("*"))
    found = [plan for folder in folders if (plan := last_plan(folder))]
    if not found:
        where = sweep or runs
        raise UserError(f"No sweep was launched in {where}. Name a sweep's folder, such as outputs/runs/demo.")
    return max(found, key=lambda plan: (goes_on(read_json(plan) or {}), plan.stat().st_mtime_ns)).parent


def goes_on(plan: dict[str, Any]) -> bool:
    """Whether a launch is known to run now: its process lives on this host."""
    try:
        known = Plan.model_validate(plan)
    except ValidationError:  # it may be anybody's
        return False
    return known.ended is None and known.host == host() and is_alive(known.pid, known.began)


def last_plan(folder: Path) -> Path | None:
    """The plan of a sweep's last launch: the one that says so itself, since clocks jump; else the newest file."""
    with suppress(OSError, ValueError):
        if (folder / LAST).is_file():  # a pipe would keep us waiting
            with (folder / LAST).open() as file:
                named = folder / LAUNCHES / Path(file.read(LONGEST)).name / PLAN
            if named.is_file():
                return named
    return max(folder.glob(f"{LAUNCHES}/*/{PLAN}"), key=lambda path: path.stat().st_mtime_ns, default=None)


def standing(plan: dict[str, Any]) -> str:
    """Whether the launch is over, goes on, or was killed."""
    if plan.get("ended"):
        return f"ended {time.strftime('%F %T', time.localtime(plan['ended']))}: {plan['outcome']}"
    since = f"since {time.strftime('%F %T', time.localtime(plan['time']))}"
    name = plan["host"].split("+")[0]
    if plan["host"] == host() and not is_alive(plan["pid"], plan.get("began", UNKNOWN)):
        return f"{since}, but its process {plan['pid']} is gone; the same command goes on from what is stored"
    return f"running {since}, process {plan['pid']} on {name}"


def report(folder: Path) -> str:
    """How a launch stands, wave by wave, and what failed."""
    board = Board(folder)
    board.poll()
    plan = board.plan
    lines = [f"{plan['sweep']}: {standing(plan)}", f"  {plan['announcement']}", f"  {plan['command']}", ""]
    for wave in board.waves:
        counts = wave.counts()
        count_states = [f"{counts[end]} {end}" for end in ENDS if counts[end]]
        count_states += [f"{wave.running} running"] if wave.running else []
        count_states += [f"{wave.lost} killed"] if wave.lost else []
        count_states += [f"{wave.stored} were stored"] if wave.stored else []
        lines.append(f"  {wave.name:10} {len(wave.ended):>5} of {len(wave.folders):<5} {', '.join(count_states)}")
    lines += ["", f"  {board.count_states()}"]
    same: dict[str, list[Path]] = {}
    for wave in board.waves:
        for path, entry in wave.ended.items():
            if is_failure(entry):
                same.setdefault(first_line(entry.get("why")), []).append(path)
    for why, paths in list(same.items())[:MOST_REASONS]:
        lines += ["", f"  failed  {why}", f"          {paths[0]}"]
        lines += [f"          and {len(paths) - 1} more"] if len(paths) > 1 else []
    return "\n".join(printable(line) for line in lines)


def since_1970(entry: dict[str, Any]) -> float:
    """A status's time in seconds; 0 where it says none."""
    time = entry.get("time", 0)
    return float(time) if isinstance(time, int | float) else 0.0


def is_failure(entry: dict[str, Any]) -> bool:
    """Whether a status says "failed"."""
    return bool(entry.get("status") == "failed")
