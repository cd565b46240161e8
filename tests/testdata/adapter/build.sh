#!/bin/sh
# Builds calls.wasm. ADAPTER names the adapter of reactors, wasi_snapshot_preview1.reactor.wasm: a
# release of wasmtime has it, and so has the npm package @bytecodealliance/jco in its folder lib.
set -eu
cd "$(dirname "$0")"
embedded=$(mktemp)
trap 'rm -f "$embedded"' EXIT
wasm-tools component embed --world calls calls.wit calls.wat -o "$embedded"
wasm-tools component new "$embedded" --adapt "wasi_snapshot_preview1=$ADAPTER" -o calls.wasm
wasm-tools strip --all calls.wasm -o calls.wasm
