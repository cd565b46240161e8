import assert from "node:assert/strict";
import { CapsuleError } from "../../src/base/errors.ts";
import { readLayout } from "../../src/prepare/format/layout.ts";
import type { FunctionType, ValueType } from "../../src/prepare/format/value_types.ts";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { BitCaller } from "./wasm_suite_bits.ts";

/** A value in a script: numbers as decimal bit patterns, vectors as lists of lanes. */
export interface SuiteValue {
  readonly type: string;
  readonly value?: string | null | readonly string[];
  readonly lane_type?: string;
}

interface Action {
  readonly type: "invoke" | "get";
  readonly module?: string;
  readonly field: string;
  readonly args?: readonly SuiteValue[];
}

/** A command of a script, as `wasm-tools json-from-wast` writes it. */
interface Command {
  readonly type: string;
  readonly line: number;
  readonly name?: string;
  readonly as?: string;
  readonly filename?: string;
  readonly binary_filename?: string;
  readonly module_type?: "binary" | "text";
  readonly module?: string;
  readonly instance?: string;
  readonly action?: Action;
}

/** Steps that the host gives at a time; undefined runs the modules as they are. */
export type Budget = number | undefined;

/** Runs a script and returns one line of outcome per command. */
export function runScript(folder: string, name: string, budget: Budget): string[] {
  const script = JSON.parse(Deno.readTextFileSync(`${folder}/${name}`));
  const run = new ScriptRun(folder, budget);
  return (script.commands as Command[]).map((command) =>
    `line ${command.line}, ${command.type}: ${run.outcome(command)}`
  );
}

/** An instance of a script, and the types of its exports. */
interface SuiteInstance {
  readonly exports: WebAssembly.Exports;
  readonly types: ReadonlyMap<string, FunctionType | undefined>;
}

class ScriptRun {
  readonly #folder: string;
  readonly #budget: Budget;
  readonly #imports: Record<string, WebAssembly.ModuleImports> = { spectest: spectest() };
  readonly #instances = new Map<string, SuiteInstance>();
  readonly #definitions = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #bits = new BitCaller();
  readonly #references = new Map<string, object>();
  #last: SuiteInstance | undefined;

  constructor(folder: string, budget: Budget) {
    this.#folder = folder;
    this.#budget = budget;
    if (budget === undefined) return;
    const steps = () => budget;
    this.#imports["capsule:prepare"] = { step: steps, pause: steps, wait: steps, exit: () => {} };
  }

  /** Carries out a command and describes what it did. */
  outcome(command: Command): string {
    try {
      return this.#run(command);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      if (error instanceof WebAssembly.LinkError) return "LinkError";
      if (error instanceof Error) return `${error.name}: ${error.message}`;
      return Object.prototype.toString.call(error);
    }
  }

  #run(command: Command): string {
    switch (command.type) {
      case "module":
        this.#define(command, this.#instantiate(this.#bytes(command)));
        return "instantiated";
      case "module_definition":
        this.#definitions.set(command.name ?? "", this.#bytes(command));
        return "defined";
      case "module_instance": {
        const bytes = this.#definitions.get(command.module ?? "") ?? new Uint8Array();
        this.#define({ ...command, name: command.instance }, this.#instantiate(bytes));
        return "instantiated";
      }
      case "register":
        this.#imports[command.as ?? ""] = this.#instance(command.name)
          .exports as WebAssembly.ModuleImports;
        return "registered";
      case "assert_malformed":
      case "assert_invalid":
        return command.module_type === "text" && !command.binary_filename
          ? "text"
          : `valid: ${this.#validate(this.#bytes(command))}`;
      case "assert_unlinkable":
      case "assert_uninstantiable":
        this.#instantiate(this.#bytes(command));
        return "instantiated";
      default:
        assert(command.action, `the command ${command.type} is unknown`);
        return this.#act(command.action);
    }
  }

  #define({ name }: { name?: string | undefined }, instance: SuiteInstance): void {
    this.#last = instance;
    if (name !== undefined) this.#instances.set(name, instance);
  }

  #instance(name: string | undefined): SuiteInstance {
    const found = name === undefined ? this.#last : this.#instances.get(name);
    assert(found, `the instance ${name} does not exist`);
    return found;
  }

  #bytes({ binary_filename, filename }: Command): Uint8Array<ArrayBuffer> {
    return Deno.readFileSync(`${this.#folder}/${binary_filename ?? filename}`);
  }

  /** Returns the module that runs: prepared, or as it is. A valid module must be prepared. */
  #prepared(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (this.#budget === undefined) return bytes;
    const options = { steps: true, exportGlobals: true, quietExit: true };
    const prepared = prepareModule(bytes, options);
    if (prepared.kind === "prepared") return prepared.bytes;
    assert(!WebAssembly.validate(bytes), `unprepared: ${JSON.stringify(prepared.unknown)}`);
    return bytes;
  }

  #validate(bytes: Uint8Array<ArrayBuffer>): boolean {
    try {
      return WebAssembly.validate(this.#prepared(bytes));
    } catch (error) {
      if (error instanceof CapsuleError) return false;
      throw error;
    }
  }

  #instantiate(bytes: Uint8Array<ArrayBuffer>): SuiteInstance {
    const module = new WebAssembly.Module(this.#prepared(bytes));
    const { exports } = new WebAssembly.Instance(module, this.#imports);
    const types = readLayout(bytes).description.exports.map(({ name, type }) =>
      [name, type] as const
    );
    return { exports, types: new Map(types) };
  }

  #act({ type, module, field, args = [] }: Action): string {
    const { exports, types } = this.#instance(module);
    if (type === "get") return show((exports[field] as WebAssembly.Global).value);
    const call = exports[field] as (...args: unknown[]) => unknown;
    const signature = types.get(field);
    if (signature && needsBits(signature)) return this.#bits.call(call, signature, args);
    const result = call(...args.map((arg) => this.#argument(arg)));
    return [result].flat().map(show).join(" ");
  }

  #argument({ type, value }: SuiteValue): unknown {
    if (value === null || value === "null" || value === undefined) return null;
    const text = String(value);
    switch (type) {
      case "i32":
        return Number(text);
      case "i64":
        return BigInt(text);
      case "f32":
        return new Float32Array(new Uint32Array([Number(text)]).buffer)[0];
      case "f64":
        return new Float64Array(new BigUint64Array([BigInt(text)]).buffer)[0];
      default: {
        const known = this.#references.get(text) ?? { reference: text };
        this.#references.set(text, known);
        return known;
      }
    }
  }
}

/** Types whose values JavaScript cannot carry bit by bit. */
const bitTypes: readonly ValueType[] = ["v128", "f32", "f64"];

function needsBits({ params, results }: FunctionType): boolean {
  const types = [...params, ...results];
  return types.some((type) => bitTypes.includes(type)) &&
    types.every((type) => bitTypes.includes(type) || type === "i32" || type === "i64");
}

function show(value: unknown): string {
  if (value === null || typeof value === "number" || typeof value === "undefined") {
    return Object.is(value, -0) ? "-0" : String(value);
  }
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "object" && "reference" in value) return `reference ${value.reference}`;
  return typeof value;
}

/** Returns the module `spectest` that all scripts may import. */
function spectest(): WebAssembly.ModuleImports {
  const silent = () => {};
  return {
    ...Object.fromEntries(
      ["", "_i32", "_i64", "_f32", "_f64", "_i32_f32", "_f64_f64"].map((type) =>
        [`print${type}`, silent] as const
      ),
    ),
    global_i32: new WebAssembly.Global({ value: "i32" }, 666),
    global_i64: new WebAssembly.Global({ value: "i64" }, 666n),
    global_f32: new WebAssembly.Global({ value: "f32" }, 666.6),
    global_f64: new WebAssembly.Global({ value: "f64" }, 666.6),
    memory: new WebAssembly.Memory({ initial: 1, maximum: 2 }),
    shared_memory: new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }),
    table: new WebAssembly.Table({ element: "anyfunc", initial: 10, maximum: 20 }),
    table64: new WebAssembly.Table(
      { element: "anyfunc", initial: 10n, maximum: 20n, address: "i64" } as never,
    ),
  };
}
