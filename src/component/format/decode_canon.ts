import { hex, malformed, type Reader } from "../../prepare/format/reader.ts";
import { decodeCoreValueType } from "./decode_core_type.ts";
import { decodeResult } from "./decode_type.ts";
import type {
  BuiltInName,
  BuiltInSyntax,
  CanonOptionsSyntax,
  CanonSyntax,
  CoreValueType,
  StringEncoding,
  ValueTypeSyntax,
} from "./syntax.ts";

const encodings: readonly StringEncoding[] = ["utf8", "utf16", "latin1+utf16"];

function decodeOptions(reader: Reader): CanonOptionsSyntax {
  let encoding: StringEncoding | undefined;
  const indices: Partial<Record<"memory" | "realloc" | "postReturn" | "callback", number>> = {};
  let isAsync = false;
  for (let left = reader.count("canonical options"); left > 0; left--) {
    const at = reader.at;
    const code = reader.byte("canonical option");
    const twice = () => malformed("a canonical option is given twice", at);
    const index = (name: keyof typeof indices) => {
      if (indices[name] !== undefined) throw twice();
      indices[name] = reader.u32("index of a canonical option");
    };
    if (code <= 2) {
      if (encoding !== undefined) throw twice();
      encoding = encodings[code];
    } else if (code === 3) index("memory");
    else if (code === 4) index("realloc");
    else if (code === 5) index("postReturn");
    else if (code === 6) {
      if (isAsync) throw twice();
      isAsync = true;
    } else if (code === 7) index("callback");
    else throw malformed(`${hex(code)} is not a canonical option`, at);
  }
  return {
    encoding: encoding ?? "utf8",
    memory: indices.memory,
    realloc: indices.realloc,
    postReturn: indices.postReturn,
    callback: indices.callback,
    isAsync,
  };
}

/** The built-ins of the asynchronous ABI by opcode: their names and operands. */
const builtIns: Readonly<
  Record<number, readonly [name: BuiltInName, ...operands: Operand[]]>
> = {
  0x05: ["task.cancel"],
  0x06: ["subtask.cancel", "flag"],
  0x09: ["task.return", "results", "options"],
  0x0a: ["context.get", "core type", "index"],
  0x0b: ["context.set", "core type", "index"],
  0x0c: ["thread.yield", "flag"],
  0x0d: ["subtask.drop"],
  0x0e: ["stream.new", "index"],
  0x0f: ["stream.read", "index", "options"],
  0x10: ["stream.write", "index", "options"],
  0x11: ["stream.cancel-read", "index", "flag"],
  0x12: ["stream.cancel-write", "index", "flag"],
  0x13: ["stream.drop-readable", "index"],
  0x14: ["stream.drop-writable", "index"],
  0x15: ["future.new", "index"],
  0x16: ["future.read", "index", "options"],
  0x17: ["future.write", "index", "options"],
  0x18: ["future.cancel-read", "index", "flag"],
  0x19: ["future.cancel-write", "index", "flag"],
  0x1a: ["future.drop-readable", "index"],
  0x1b: ["future.drop-writable", "index"],
  0x1c: ["error-context.new", "options"],
  0x1d: ["error-context.debug-message", "options"],
  0x1e: ["error-context.drop"],
  0x1f: ["waitable-set.new"],
  0x20: ["waitable-set.wait", "flag", "index"],
  0x21: ["waitable-set.poll", "flag", "index"],
  0x22: ["waitable-set.drop"],
  0x23: ["waitable.join"],
  0x24: ["backpressure.inc"],
  0x25: ["backpressure.dec"],
  0x26: ["thread.index"],
  0x27: ["thread.new-indirect", "index", "index"],
  0x28: ["thread.resume-later"],
  0x29: ["thread.suspend", "flag"],
  0x2a: ["thread.suspend-then-resume", "flag"],
  0x2b: ["thread.yield-then-resume", "flag"],
  0x2c: ["thread.suspend-then-promote", "flag"],
  0x2d: ["thread.yield-then-promote", "flag"],
};

type Operand = "flag" | "index" | "options" | "results" | "core type";

/** Decodes a canonical definition. */
export function decodeCanon(reader: Reader): CanonSyntax {
  const at = reader.at;
  const code = reader.byte("canonical definition");
  switch (code) {
    case 0: {
      expectFuncSort(reader);
      const func = reader.u32("core function index");
      const options = decodeOptions(reader);
      return { kind: "lift", func, options, type: reader.u32("type index") };
    }
    case 1: {
      expectFuncSort(reader);
      const func = reader.u32("function index");
      return { kind: "lower", func, options: decodeOptions(reader) };
    }
    case 2:
      return { kind: "resource.new", resource: reader.u32("type index") };
    case 3:
      return { kind: "resource.drop", resource: reader.u32("type index") };
    case 4:
      return { kind: "resource.rep", resource: reader.u32("type index") };
  }
  const [name, ...operands] = builtIns[code] ?? [];
  if (name === undefined) throw malformed(`${hex(code)} is not a canonical definition`, at);
  return decodeBuiltIn(reader, name, operands);
}

function decodeBuiltIn(
  reader: Reader,
  name: BuiltInName,
  operands: readonly Operand[],
): BuiltInSyntax {
  let flag = false;
  let options: CanonOptionsSyntax | undefined;
  let result: ValueTypeSyntax | undefined;
  let coreType: CoreValueType | undefined;
  const indices: number[] = [];
  for (const operand of operands) {
    if (operand === "flag") flag = decodeFlag(reader);
    else if (operand === "index") indices.push(reader.u32("index"));
    else if (operand === "options") options = decodeOptions(reader);
    else if (operand === "core type") coreType = decodeCoreValueType(reader);
    else result = decodeResult(reader);
  }
  return { kind: "built-in", name, flag, indices, options, result, coreType };
}

function decodeFlag(reader: Reader): boolean {
  const at = reader.at;
  const flag = reader.byte("flag");
  if (flag > 1) throw malformed(`${hex(flag)} is not a flag`, at);
  return flag === 1;
}

function expectFuncSort(reader: Reader): void {
  const at = reader.at;
  if (reader.byte("sort of a canonical definition") !== 0) {
    throw malformed("a canonical definition is not of sort func", at);
  }
}
