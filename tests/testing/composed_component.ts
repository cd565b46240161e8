import assert from "node:assert/strict";
import { importTimer } from "./component_timer.ts";
import { runProgram } from "./system_program.ts";
import { inFolder } from "./temporary_folder.ts";
import { buildText } from "./wasm_tools.ts";

/** A component that exports `acme:back/work`: it counts, computes, grows, traps and waits. */
const back = `(component
  ${importTimer}
  (core func $drop (canon resource.drop $pollable))
  (core module $m
    (import "h" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "h" "block" (func $block (param i32)))
    (import "h" "drop" (func $drop (param i32)))
    (memory 1)
    (global $visits (mut i32) (i32.const 0))
    (func (export "visit") (result i32)
      (global.set $visits (i32.add (global.get $visits) (i32.const 1)))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (i32.add (global.get $visits) (i32.load (i32.const 0))))
    (func (export "spin") (loop (br 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "fail") (unreachable))
    (func (export "rest") (local $pollable i32)
      (local.set $pollable (call $subscribe (i64.const 5000000)))
      (call $block (local.get $pollable))
      (call $drop (local.get $pollable))))
  (core instance $m (instantiate $m (with "h" (instance (export "drop" (func $drop))
    (export "subscribe" (func $subscribe)) (export "block" (func $block))))))
  (func $visit (result u32) (canon lift (core func $m "visit")))
  (func $spin (canon lift (core func $m "spin")))
  (func $grow (param "pages" u32) (result s32) (canon lift (core func $m "grow")))
  (func $fail (canon lift (core func $m "fail")))
  (func $rest (canon lift (core func $m "rest")))
  (instance $work
    (export "visit" (func $visit)) (export "spin" (func $spin)) (export "grow" (func $grow))
    (export "fail" (func $fail)) (export "rest" (func $rest)))
  (export "acme:back/work@1.0.0" (instance $work)))`;

/** The import of it, and a core instance with its functions. */
const importWork = `
  (import "acme:back/work@1.0.0" (instance $work
    (export "visit" (func (result u32))) (export "spin" (func))
    (export "grow" (func (param "pages" u32) (result s32)))
    (export "fail" (func)) (export "rest" (func))))
  (core func $visit (canon lower (func $work "visit")))
  (core func $spin (canon lower (func $work "spin")))
  (core func $grow (canon lower (func $work "grow")))
  (core func $fail (canon lower (func $work "fail")))
  (core func $rest (canon lower (func $work "rest")))
  (core instance $back
    (export "visit" (func $visit)) (export "spin" (func $spin)) (export "grow" (func $grow))
    (export "fail" (func $fail)) (export "rest" (func $rest)))`;

const coreImports = `
    (import "back" "visit" (func $visit (result i32)))
    (import "back" "spin" (func $spin))
    (import "back" "grow" (func $grow (param i32) (result i32)))
    (import "back" "fail" (func $fail))
    (import "back" "rest" (func $rest))`;

/** The same functions in a core module that shares the memory of the front. */
const sharedWork = `
  (core module $lib
    (import "libc" "memory" (memory 1))
    (global $visits (mut i32) (i32.const 0))
    (func (export "visit") (result i32)
      (global.set $visits (i32.add (global.get $visits) (i32.const 1)))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (i32.add (global.get $visits) (i32.load (i32.const 0))))
    (func (export "spin") (loop (br 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "fail") (unreachable))
    (func (export "rest")))
  (core instance $back (instantiate $lib (with "libc" (instance $libc))))`;

/**
 * A component that answers requests with what `acme:back/work` does, by the first letter of the
 * path, as a status: `/visit` 200 and the number of all visits, `/grow…` 200, 201 if its own memory
 * cannot grow by as many pages as the path is long, and 2 more if the other one cannot.
 */
const httpFront = (work: string) =>
  `(component
  (import "wasi:http/types@0.2.0" (instance $http
    (export "fields" (type $fields (sub resource)))
    (export "incoming-request" (type $request (sub resource)))
    (export "outgoing-response" (type $response (sub resource)))
    (export "response-outparam" (type $outparam (sub resource)))
    (export "[constructor]fields" (func (result (own $fields))))
    (export "[constructor]outgoing-response"
      (func (param "headers" (own $fields)) (result (own $response))))
    (export "[method]outgoing-response.set-status-code"
      (func (param "self" (borrow $response)) (param "status-code" u16) (result (result))))
    (export "[static]response-outparam.set"
      (func (param "param" (own $outparam)) (param "response" (result (own $response)))))
    (export "[method]incoming-request.path-with-query"
      (func (param "self" (borrow $request)) (result (option string))))))
  (alias export $http "incoming-request" (type $request))
  (alias export $http "response-outparam" (type $outparam))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc)) ${work}
  (core func $path (canon lower (func $http "[method]incoming-request.path-with-query")
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core func $fields (canon lower (func $http "[constructor]fields")))
  (core func $response (canon lower (func $http "[constructor]outgoing-response")))
  (core func $status (canon lower (func $http "[method]outgoing-response.set-status-code")))
  (core func $set (canon lower (func $http "[static]response-outparam.set")))
  (core module $m ${coreImports}
    (import "http" "path" (func $path (param i32 i32)))
    (import "http" "fields" (func $fields (result i32)))
    (import "http" "response" (func $response (param i32) (result i32)))
    (import "http" "status" (func $status (param i32 i32) (result i32)))
    (import "http" "set" (func $set (param i32 i32 i32)))
    (import "libc" "memory" (memory 1))
    (global $visits (mut i32) (i32.const 0))
    (func $work (param $letter i32) (param $length i32) (result i32)
      (if (i32.eq (local.get $letter) (i32.const ${code("v")})) (then
        (global.set $visits (i32.add (global.get $visits) (i32.const 1)))
        (return (i32.add (global.get $visits) (call $visit)))))
      (if (i32.eq (local.get $letter) (i32.const ${code("s")})) (then (call $spin)))
      (if (i32.eq (local.get $letter) (i32.const ${code("f")})) (then (call $fail)))
      (if (i32.eq (local.get $letter) (i32.const ${code("r")})) (then (call $rest)))
      (if (i32.eq (local.get $letter) (i32.const ${code("g")})) (then
        (return (i32.add
          (i32.eq (memory.grow (local.get $length)) (i32.const -1))
          (i32.mul (i32.const 2)
            (i32.eq (call $grow (local.get $length)) (i32.const -1)))))))
      (i32.const 0))
    (func (export "handle") (param $request i32) (param $outparam i32) (local $response i32)
      (call $path (local.get $request) (i32.const 64))
      (local.set $response (call $response (call $fields)))
      (drop (call $status (local.get $response) (i32.add (i32.const 200) (call $work
        (i32.load8_u offset=1 (i32.load (i32.const 68))) (i32.load (i32.const 72))))))
      (call $set (local.get $outparam) (i32.const 0) (local.get $response))))
  (core instance $m (instantiate $m (with "back" (instance $back)) (with "libc" (instance $libc))
    (with "http" (instance (export "path" (func $path)) (export "fields" (func $fields))
      (export "response" (func $response)) (export "status" (func $status))
      (export "set" (func $set))))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $m "handle")))
  (instance $handler (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))`;

/** A program that calls one function of \`acme:back/work\`; it fails if it was there before. */
const commandFront = (call: string) =>
  `(component ${importWork}
  (core module $m ${coreImports}
    (func (export "run") (result i32) ${call} (i32.ne (call $visit) (i32.const 2))))
  (core instance $m (instantiate $m (with "back" (instance $back))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run)))`;

function code(letter: string): number {
  return letter.charCodeAt(0);
}

/** Two components of which one's import is the other's export, composed by wasm-tools. */
export function composed(
  front: "http" | { readonly command: "spin" | "fail" | "rest" },
): Promise<Uint8Array<ArrayBuffer>> {
  return inFolder(async (folder) => {
    const text = front === "http"
      ? httpFront(importWork)
      : commandFront(`(call $${front.command})`);
    await Deno.writeFile(`${folder}/front.wasm`, await buildText(text));
    await Deno.writeFile(`${folder}/back.wasm`, await buildText(back));
    const { code, stderr } = await runProgram([
      ...["wasm-tools", "compose", `${folder}/front.wasm`],
      ...["-d", `${folder}/back.wasm`, "-o", `${folder}/composed.wasm`],
    ]);
    assert.equal(code, 0, stderr);
    return await Deno.readFile(`${folder}/composed.wasm`);
  });
}

/** One component of the same functions, of core modules that share a memory. */
export function sharedEverything(): Promise<Uint8Array<ArrayBuffer>> {
  return buildText(httpFront(sharedWork));
}
