#!/bin/sh
# Builds adapted.wasm as toolchains did that link an adapter. ADAPTER names it, see ../../adapter.
set -eu
cd "$(dirname "$0")"
cargo build --release --target wasm32-wasip1
wasm-tools component new target/wasm32-wasip1/release/adapted.wasm \
  --adapt "wasi_snapshot_preview1=$ADAPTER" -o adapted.wasm
wasm-tools strip --all adapted.wasm -o adapted.wasm
