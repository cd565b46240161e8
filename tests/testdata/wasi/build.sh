#!/usr/bin/env bash
# Rebuilds the programs of this folder: C with clang and wasi-libc (Debian: clang-19, lld-19, wasi-libc,
# libclang-rt-19-dev-wasm32; another clang by CLANG), Go with tinygo (another one by TINYGO).
set -euo pipefail
cd "$(dirname "$0")"
for file in *.c; do
  "${CLANG:-clang-19}" --target=wasm32-wasi -Os -s -o "${file%.c}.wasm" "$file"
  chmod -x "${file%.c}.wasm"
done
(cd go-files && "${TINYGO:-tinygo}" build -o go-files.wasm -no-debug -target wasi .)
chmod -x go-files/go-files.wasm
