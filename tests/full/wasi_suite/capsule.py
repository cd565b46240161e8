"""Adapter of the public WASI test suite: the command line that runs a program with Capsule.

CAPSULE names the command, split as a shell would. The suite's runner appends no arguments.
"""

import os
import shlex
import socket
import subprocess
from pathlib import Path
from typing import Dict, List, Optional, Tuple

CAPSULE = shlex.split(os.environ["CAPSULE"])
# The programs bind these, also those that no machine has, and expect the system's own errors.
LISTEN = "127.0.0.1 [::1] 0.0.0.0 [::] 192.0.2.1 198.51.100.1 203.0.113.1 [2001:db8::1]".split()


def get_name() -> str:
    return "capsule"


def get_version() -> str:
    result = subprocess.run(CAPSULE + ["-version"], encoding="UTF-8", capture_output=True, check=True)
    return result.stdout.split()[1]


def get_wasi_versions() -> List[str]:
    return ["wasm32-wasip3"]


def get_wasi_worlds() -> List[str]:
    return ["wasi:cli/command", "wasi:http/service"]


def compute_argv(
    test_path: str,
    args_env_root: Tuple[List[str], Dict[str, str], Optional[str]],
    proposals: List[str],
    wasi_world: str,
    wasi_version: str,
) -> List[str]:
    args, env, root = args_env_root
    argv = CAPSULE + [f"-wasm={test_path}"]
    argv += [f"-env={name}={value}" for name, value in env.items()]
    if root:
        # The runner removes what programs leave behind, but not links, which others then count.
        for left in Path(root).glob("*.cleanup"):
            if left.is_symlink():
                left.unlink()
        argv.append(f"-dir={root}::/")
    if "http" in proposals:
        argv.append("-allowNet=127.0.0.1,nonexistent.invalid")
    if "sockets" in proposals:
        argv += ["-allowNet=127.0.0.0/8,[::1]", "-allowListen=" + ",".join(f"{address}:*" for address in LISTEN)]
    if wasi_world == "wasi:http/service":
        return argv + ["-mode=http", f"-httpPort={free_port()}"]
    return argv + ["-mode=cli", "--"] + args


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
