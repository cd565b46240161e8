import { compileWat } from "../prepare/modules.ts";

/** Makes a module with both handlers; one of them, or `_start`, sleeps for an hour. */
export function sleeper(
  where: "_start" | "callHandle" | "callHandleHttp",
): Uint8Array<ArrayBuffer> {
  const body = (name: string) => name === where ? "(call $sleep)" : "";
  return compileWat(`(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "\\01") ;; the monotonic clock
    (data (i32.const 24) "\\00\\a0\\b8\\30\\46\\03\\00\\00") ;; an hour in nanoseconds
    (func $sleep (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))))
    (func (export "allocateBuffer") (param i32) (result i32) (i32.const 4096))
    (func (export "_start") ${body("_start")})
    (func (export "callHandle") (param i32 i32) (result i64) ${body("callHandle")} (i64.const 0))
    (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64) ${
    body("callHandleHttp")
  } (i64.const 0)))`);
}
