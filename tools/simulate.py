"""
A simulated life: the real daemon through station-years of faults, each repeatable from its seed.

    python tools/simulate.py --years 10 --seed 1 --jobs 2

Exit code 1 if anything that must hold did not.
"""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.simulation.life import Life, Result

SHOWN = 20  # violations that are told in full


def year(seed: int, days: float) -> Result:
    return Life(str(seed), days).run().result


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--years", type=float, default=10.0)
    asked.add_argument("--seed", type=int, default=1, help="of the first year; the next ones follow")
    asked.add_argument("--jobs", type=int, default=2)
    given = asked.parse_args()
    began, whole = time.perf_counter(), int(given.years)
    lives = [(given.seed + one, 365.0) for one in range(whole)]
    if given.years > whole:
        lives.append((given.seed + whole, 365.0 * (given.years - whole)))

    faults: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    excused: Counter[str] = Counter()
    violations: list[str] = []
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn"), max_tasks_per_child=20) as pool:
        running = {pool.submit(year, *one): one for one in lives}
        for done, future in enumerate(as_completed(running), 1):
            seed, days = running[future]
            result = future.result()
            faults += result.injected
            outcomes += result.outcomes
            excused += result.excused
            broken = [f"YEARS={days / 365:g} SEED={seed}  {one}" for one in result.violations]
            violations += broken
            for one in broken:
                sys.stderr.write(f"{one}\n")
            if sys.stderr.isatty() or done % 20 == 0 or done == len(lives):
                passed = time.perf_counter() - began
                sys.stderr.write(
                    f"{done} of {len(lives)} station-years, {passed:.0f} s, {len(violations)} violations\n"
                )

    print(f"{given.years:g} station-years from seed {given.seed} in {time.perf_counter() - began:.0f} s")
    for title, counted in (
        ("faults", faults),
        ("occurrences", outcomes),
        ("not held against it", excused),
    ):
        print(f"\n{title}: {counted.total()}")
        for name, count in counted.most_common():
            print(f"  {count:8} {name}")
    print(f"\nviolations: {len(violations)}")
    for one in violations[:SHOWN]:
        print(f"  {one}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
