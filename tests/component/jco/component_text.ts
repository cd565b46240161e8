import { coreFuncType, flatSignature } from "../../../src/component/abi/flatten.ts";
import { layoutOf } from "../../../src/component/abi/layout.ts";
import type { StringEncoding } from "../../../src/component/format/syntax.ts";
import type { ComponentValueType, FuncType } from "../../../src/component/types/types.ts";

/** Offset to which a guest copies an image of a value. */
export const imageAt = 4096;
/** Bytes that an image may have. */
export const maxImage = 61_440;
/** Offset of a guest's result, and the bytes that it may have. */
const resultAt = 16;
export const maxResult = 4080;
/** Offset at which its allocator begins. */
const heapAt = 65_536 + 4096;
/** Pages of its memory. */
export const memoryPages = 5;

/** The function `func(x: T) -> T`. */
export function echoOf(type: ComponentValueType): FuncType {
  return { kind: "func", isAsync: false, params: [{ label: "x", type }], result: type };
}

/** The function `func(x: T)`. */
function sinkOf(type: ComponentValueType): FuncType {
  return { ...echoOf(type), result: undefined };
}

/** Reports whether a value is returned in memory. */
export function isReturnedInMemory(type: ComponentValueType): boolean {
  return flatSignature(echoOf(type), "lower").resultInMemory;
}

/** Reports whether a value is passed in memory. */
export function isPassedInMemory(type: ComponentValueType): boolean {
  return flatSignature(sinkOf(type), "lower").paramsInMemory;
}

/**
 * Returns a component with three functions for each type:
 *
 * - `echo-N: func(x: T) -> T` returns what its import `host-N` does
 * - `load-N: func(image: list<u8>) -> T` returns a value that lies in memory as `image`
 * - `pass-N: func(image: list<u8>)` passes such a value to its import `sink-N`
 *
 * An image of a value that is not passed in memory begins with its core values, 8 bytes each.
 */
export function componentText(
  types: readonly ComponentValueType[],
  encoding: StringEncoding,
): string {
  const definitions: string[] = [];
  const names = new Map<ComponentValueType, string>();
  const named = (type: ComponentValueType, text: string) => {
    const name = `t${names.size}`;
    names.set(type, `$${name}`);
    definitions.push(`(type $d${name} ${text}) (import "${name}" (type $${name} (eq $d${name})))`);
    return `$${name}`;
  };
  const quoted = (labels: readonly string[]) => labels.map((label) => `"${label}"`).join(" ");
  const ref = (type: ComponentValueType): string => {
    const known = names.get(type);
    if (known) return known;
    switch (type.kind) {
      case "flags":
      case "enum":
        return named(type, `(${type.kind} ${quoted(type.labels)})`);
      case "record": {
        const fields = type.fields.map(({ label, type }) => `(field "${label}" ${ref(type)})`);
        return named(type, `(record ${fields.join(" ")})`);
      }
      case "variant": {
        const cases = type.cases.map(({ label, type }) =>
          `(case "${label}" ${type ? ref(type) : ""})`
        );
        return named(type, `(variant ${cases.join(" ")})`);
      }
      case "tuple":
        return `(tuple ${type.types.map(ref).join(" ")})`;
      case "option":
        return `(option ${ref(type.type)})`;
      case "list":
        return `(list ${ref(type.element)})`;
      case "result": {
        const error = type.error ? ` (error ${ref(type.error)})` : "";
        return `(result ${type.ok ? ref(type.ok) : ""}${error})`;
      }
      default:
        return type.kind;
    }
  };
  const options = `(memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))
    string-encoding=${encoding}`;
  const refs = types.map(ref);
  const imports = refs.map((type, at) => `
    (import "host-${at}" (func $host${at} (param "x" ${type}) (result ${type})))
    (import "sink-${at}" (func $sink${at} (param "x" ${type})))
    (core func $host${at} (canon lower (func $host${at}) ${options}))
    (core func $sink${at} (canon lower (func $sink${at}) ${options}))`);
  const exports = refs.map((type, at) => `
    (type $e${at} (func (param "x" ${type}) (result ${type})))
    (type $l${at} (func (param "image" (list u8)) (result ${type})))
    (type $p${at} (func (param "image" (list u8))))
    (func $echo${at} (type $e${at}) (canon lift (core func $m "echo-${at}") ${options}))
    (func $load${at} (type $l${at}) (canon lift (core func $m "load-${at}") ${options}))
    (func $pass${at} (type $p${at}) (canon lift (core func $m "pass-${at}") ${options}))
    (export "echo-${at}" (func $echo${at})) (export "load-${at}" (func $load${at}))
    (export "pass-${at}" (func $pass${at}))`);
  const given = types.map((_, at) =>
    `(export "host-${at}" (func $host${at})) (export "sink-${at}" (func $sink${at}))`
  );
  return `(component
  (core module $libc
    (memory (export "memory") ${memoryPages})
    (global $top (mut i32) (i32.const ${heapAt}))
    (func (export "reset")
      (global.set $top (i32.const ${heapAt}))
      (memory.fill (i32.const 0) (i32.const 0) (i32.const ${memoryPages * 65_536})))
    (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32)
      (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get $new)))
      (memory.copy (local.get $at) (local.get $old) (local.get $size))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  ${definitions.join("\n")} ${imports.join("")}
  (core module $m
    (import "libc" "memory" (memory 1))
    ${types.map(coreImports).join("\n")}
    (func $copy (param i32 i32)
      (memory.copy (i32.const ${imageAt}) (local.get 0) (local.get 1)))
    ${types.map(coreFunctions).join("\n")})
  (core instance $m (instantiate $m (with "libc" (instance $libc)) (with "h" (instance
    ${given.join("\n")}))))
  (func $reset (canon lift (core func $libc "reset"))) (export "reset" (func $reset))
  ${exports.join("")})`;
}

const signature = (
  { params, results }: { params: readonly string[]; results: readonly string[] },
) =>
  `${params.length ? `(param ${params.join(" ")})` : ""} ${
    results.length ? `(result ${results.join(" ")})` : ""
  }`;

function coreImports(type: ComponentValueType, at: number): string {
  return `
    (import "h" "host-${at}" (func $host${at} ${signature(coreFuncType(echoOf(type), "lower"))}))
    (import "h" "sink-${at}" (func $sink${at} ${signature(coreFuncType(sinkOf(type), "lower"))}))`;
}

function coreFunctions(type: ComponentValueType, at: number): string {
  const { flat } = layoutOf(type);
  const echo = coreFuncType(echoOf(type), "lift");
  const passed = echo.params.map((_, index) => `(local.get ${index})`).join(" ");
  const inMemory = isReturnedInMemory(type);
  const host = inMemory
    ? `(call $host${at} ${passed} (i32.const ${resultAt})) (i32.const ${resultAt})`
    : `(call $host${at} ${passed})`;
  const load = (index: number) => `(${flat[index]}.load (i32.const ${imageAt + 8 * index}))`;
  const copied = `(call $copy (local.get 0) (local.get 1))`;
  const values = isPassedInMemory(type)
    ? `(i32.const ${imageAt})`
    : flat.map((_, index) => load(index)).join(" ");
  return `
    (func (export "echo-${at}") ${signature(echo)} ${host})
    (func (export "load-${at}") (param i32 i32) (result ${inMemory ? "i32" : flat[0]})
      ${copied} ${inMemory ? `(i32.const ${imageAt})` : load(0)})
    (func (export "pass-${at}") (param i32 i32) ${copied} (call $sink${at} ${values}))`;
}
