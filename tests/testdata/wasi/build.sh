#!/usr/bin/env bash
# Builds the programs of this folder: C with clang and wasi-libc (Debian: clang-19, lld-19,
# wasi-libc, libclang-rt-19-dev-wasm32), Rust with rustc (Debian: rustc, libstd-rust-dev-wasm32), Go
# with tinygo. CLANG, RUSTC, RUST_TARGET and TINYGO override the compilers and Rust's target.
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
# Built without start-up code, so that a program imports only the functions that it calls.
for file in functions/*.c suite/*.c; do
  "${CLANG:-clang-19}" --target=wasm32-wasi -Os -s -nostartfiles -Wall -Werror -o "${file%.c}.wasm" "$file"
  chmod -x "${file%.c}.wasm"
done
(cd go-files && "${TINYGO:-tinygo}" build -o go-files.wasm -no-debug -target wasi .)
chmod -x go-files/go-files.wasm
