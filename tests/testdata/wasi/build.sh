#!/usr/bin/env bash
# Rebuilds the programs of this folder: C with clang and wasi-libc (Debian: clang-19, lld-19, wasi-libc,
# libclang-rt-19-dev-wasm32; another clang by CLANG), Rust with rustc (Debian: rustc, libstd-rust-dev-wasm32; another one
# by RUSTC, another target by RUST_TARGET), Go with tinygo (another one by TINYGO).
set -euo pipefail
cd "$(dirname "$0")"
for file in *.c; do
  "${CLANG:-clang-19}" --target=wasm32-wasi -Os -s -o "${file%.c}.wasm" "$file"
  chmod -x "${file%.c}.wasm"
done
for file in *.rs; do
  "${RUSTC:-rustc}" --edition 2021 --target "${RUST_TARGET:-wasm32-wasi}" -C opt-level=s -C lto -C panic=abort \
    -C strip=symbols -o "${file%.rs}.wasm" "$file"
  chmod -x "${file%.rs}.wasm"
done
# One function called wrongly in each: no start-up code, so that they import nothing else.
for file in functions/*.c; do
  "${CLANG:-clang-19}" --target=wasm32-wasi -Os -s -nostartfiles -Wall -Werror -o "${file%.c}.wasm" "$file"
  chmod -x "${file%.c}.wasm"
done
(cd go-files && "${TINYGO:-tinygo}" build -o go-files.wasm -no-debug -target wasi .)
chmod -x go-files/go-files.wasm
