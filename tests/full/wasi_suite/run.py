"""Runs the programs of one folder of the public WASI test suite with Capsule.

Usage: run.py SUITE FOLDER REPORT. SUITE is a clone of WebAssembly/wasi-testsuite at its branch
prod/testsuite-base, FOLDER is relative to it, and REPORT is the JSON file that is written.
"""

import enum
import sys
from pathlib import Path

if sys.version_info < (3, 12):
    # The runner asks whether an enum has a value, which older versions refuse.
    enum.EnumMeta.__contains__ = lambda cls, value: any(
        value in (member, member.value) for member in cls.__members__.values()
    )

suite = Path(sys.argv[1])
sys.path.insert(0, str(suite / "test-runner"))

# pylint: disable=wrong-import-position
from wasi_test_runner.harness import run_tests  # noqa: E402
from wasi_test_runner.runtime_adapter import RuntimeAdapter  # noqa: E402

adapter = RuntimeAdapter(str(Path(__file__).parent / "capsule.py"))
sys.exit(
    run_tests(
        [adapter],
        [suite / sys.argv[2]],
        color=False,
        json_log_file=sys.argv[3],
        verbose=False,
        expectations=[],
    )
)
