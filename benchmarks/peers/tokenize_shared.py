"""What the two peer scripts of the tokenizers share: lengths, the machine, the versions of tokenizers, the results."""

import json
import os
import platform
import subprocess
import sys

LENGTHS = {"100": (100, 4000), "1k": (1000, 500), "100k": (100_000, 6), "10M": (10_000_000, 1)}  # letters, sequences
ONE_THREAD = {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    return {"cpu": model, "cores": os.cpu_count(), "system": platform.platform(), "load_at_start": os.getloadavg()[0]}


def describe(about):
    return (f"{about['cpu']}, {about['cores']} cores, {about['system']}, load {about['load_at_start']:.1f} at the start, "
            f"{os.getloadavg()[0]:.1f} at the end")


def add_options(parser):
    parser.add_argument("--python", action="append", default=[], help="an interpreter with another version of tokenizers")
    parser.add_argument("--lengths", default=",".join(LENGTHS), help="which of them, with commas")
    parser.add_argument("--rounds", type=int, default=5)


def versions(pythons):
    """Interpreters by the version of tokenizers they have, this one first."""
    command = ["-c", "import tokenizers; print(tokenizers.__version__)"]
    run = {python: subprocess.run([python, *command], check=True, capture_output=True, text=True).stdout.strip()
           for python in [sys.executable, *pythons]}
    return {f"tokenizers {version}": python for python, version in run.items()}


def run(command):
    """Lines that a program prints, run on one thread."""
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}).stdout.splitlines()


def write(folder, name, lines, document):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    (folder / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    print("\n".join(lines))
