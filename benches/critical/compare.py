"""Holds counts of the critical paths against baseline.json, or renews it.

    usage: compare.py check|accept

Reads what gungraun prints with --output-format=json. How much a path costs is the number of its
instructions, and for a tick also of its allocations and of their bytes.
"""

import json
import pathlib
import subprocess
import sys

BASELINE = pathlib.Path(__file__).with_name("baseline.json")
# The words of the baseline for what gungraun counts.
COUNTS = {"Ir": "instructions", "TotalBlocks": "allocations", "TotalBytes": "bytes"}
# A count may differ by so many per cent.
LIMIT = 5


def counted(lines):
    """The counts of each path, by its name."""
    paths = {}
    for line in filter(str.strip, lines):
        path = json.loads(line)
        counts = paths.setdefault(f"{path['function_name']}/{path['id']}", {})
        for profile in path["profiles"]:
            metrics = profile["data"]["total"]["metrics"]
            for metric, word in COUNTS.items():
                if metric in metrics:
                    counts[word] = metrics[metric]["values"]["new"]
    return paths


def compiler():
    return subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip()


def wrong(path, now, before):
    """What is wrong with the counts of one path; prints what changed."""
    if before is None:
        return f"{path} has no count to be held against"
    if now is None:
        return f"{path} was not counted"
    moved = []
    for word in COUNTS.values():
        old, new = before.get(word), now.get(word)
        if old == new:
            continue
        if old is None or new is None:
            return f"the {word} of {path} were {old} and are {new}"
        change = 100 * (new - old) / max(old, 1)
        print(f"{path:36} {word:12} {old:>11,} -> {new:>11,} {change:+8.2f} %")
        if change > LIMIT:
            moved.append(f"the {word} of {path} rose by {change:.1f} %")
        elif change < -LIMIT:
            moved.append(f"the {word} of {path} fell by {-change:.1f} %: accept that, or it hides the next rise")
    return "; ".join(moved)


def check(now):
    baseline = json.loads(BASELINE.read_text())
    before = baseline["paths"]
    names = list(before) + [path for path in now if path not in before]
    failures = [said for path in names if (said := wrong(path, now.get(path), before.get(path)))]
    for said in failures:
        print(f"FAILED: {said}")
    if failures:
        print(f"More than {LIMIT} % is not allowed: find out why, or accept it with the reason in the commit (make bench-accept).")
    print(f"test result: {len(names) - len(failures)} passed; {len(failures)} failed")
    return 1 if failures or not names else 0


def accept(now):
    if not now:
        print("nothing was counted", file=sys.stderr)
        return 1
    BASELINE.write_text(json.dumps({"compiler": compiler(), "paths": now}, indent=2) + "\n")
    print(f"{BASELINE.name} holds the counts of {len(now)} paths")
    return 0


if __name__ == "__main__":
    command = {"check": check, "accept": accept}[sys.argv[1]]
    sys.exit(command(counted(sys.stdin)))
