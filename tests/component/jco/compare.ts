import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { codecOf, type CoreValue, type Value } from "../../../src/component/abi/codec.ts";
import type { AbiContext } from "../../../src/component/abi/context.ts";
import { layoutOf } from "../../../src/component/abi/layout.ts";
import { decodeComponent } from "../../../src/component/format/decode.ts";
import type { StringEncoding } from "../../../src/component/format/syntax.ts";
import { LiveComponent } from "../../../src/component/instance/live_component.ts";
import { linkComponent } from "../../../src/component/link/evaluate.ts";
import type { ComponentValueType } from "../../../src/component/types/types.ts";
import { quietGuest } from "../../testing/quiet_guest.ts";
import { inFolder } from "../../testing/temporary_folder.ts";
import { runProgram } from "../../testing/system_program.ts";
import { buildText, componentTest } from "../../testing/wasm_tools.ts";
import {
  componentText,
  imageAt,
  isPassedInMemory,
  isReturnedInMemory,
  maxImage,
  maxResult,
  memoryPages,
} from "./component_text.ts";
import { fromJco, toJco } from "./jco_values.ts";
import { jcoFault, type Outcome } from "./jco_faults.ts";
import { randomType, randomValue } from "./random_types.ts";

/** A component that was instantiated, and the value that its imports received last. */
interface Instantiated {
  call(name: string, type: ComponentValueType, argument: Value): Outcome;
}

interface Sample {
  readonly type: ComponentValueType;
  readonly value: Value;
  /** Changes to the image of the value: a place and 32 bits. */
  readonly changes: readonly (readonly [place: number, bits: number])[];
}

/** Numbers that end up in pointers, lengths, discriminants and characters. */
const bits = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.nat(300),
  fc.constantFrom(0xffff_ffff, 0x8000_0000, 0x8000_0004, 0x1000_0000, 0x0fff_ffff, 0xd800),
  fc.constantFrom(-1, 0, 1, 2).map((by) => memoryPages * 65_536 + by),
  fc.nat(4000).map((by) => imageAt + by),
);
const changes = fc.oneof(
  fc.constant([]),
  fc.array(fc.tuple(fc.nat(), bits), { minLength: 1, maxLength: 2 }),
);

// A call that traps rejects a promise of jco that nothing handles, also after the last comparison.
globalThis.addEventListener("unhandledrejection", (event) => event.preventDefault());

/** Numbers of components, of types in each, and of values of each type. */
export interface Comparison {
  readonly seed: number;
  readonly components: number;
  readonly typesEach: number;
  readonly valuesEach: number;
}

/** The number of compared values, the rules that jco did not keep, and calls that differ. */
interface Compared {
  readonly values: number;
  readonly faults: ReadonlySet<string>;
  readonly differences: readonly string[];
}

/** Calls functions of random types with random values here and in jco. */
export function compare(
  { seed, components, typesEach, valuesEach }: Comparison,
): Promise<Compared> {
  const isSmall = (type: ComponentValueType) => layoutOf(type).size <= maxResult;
  const types = fc.sample(
    // jco throws the error of a result that a function returns.
    randomType.filter(isSmall).map((type): ComponentValueType =>
      type.kind === "result" ? { kind: "tuple", types: [type] } : type
    ),
    { seed, numRuns: components * typesEach },
  );
  const all = Array.from({ length: components }, (_, at): TypesOfComponent => ({
    types: types.slice(at * typesEach, (at + 1) * typesEach),
    // jco has no code for latin1+utf16.
    encoding: at % 2 === 0 ? "utf8" : "utf16",
  }));
  return inFolder(async (folder) => {
    for (const [at, { types, encoding }] of all.entries()) {
      await Deno.writeFile(
        `${folder}/${at}.wasm`,
        await buildText(componentText(types, encoding)),
      );
    }
    const transpile = new URL("transpile.mjs", import.meta.url).pathname;
    const { code, stderr } = await runProgram(["node", transpile, folder]);
    assert.equal(code, 0, stderr);
    const faults = new Set<string>();
    const differences: string[] = [];
    for (const [at, one] of all.entries()) {
      const bytes = await Deno.readFile(`${folder}/${at}.wasm`);
      const makers = {
        here: () => instantiateHere(bytes),
        jco: await jcoComponent(`${folder}/${at}`),
      };
      for (const call of randomCalls(one, { seed, valuesEach }, makers)) {
        if (isSame(call.here, call.jco)) continue;
        const fault = jcoFault(call, call.here, call.jco);
        if (fault) faults.add(fault);
        else differences.push(JSON.stringify(call, toText));
      }
    }
    return { values: types.length * valuesEach, faults, differences };
  });
}

interface TypesOfComponent {
  readonly types: readonly ComponentValueType[];
  readonly encoding: StringEncoding;
}

/** A call that was made here and in jco. */
interface ComparedCall {
  readonly name: string;
  readonly type: ComponentValueType;
  readonly argument: Value;
  readonly here: Outcome;
  readonly jco: Outcome;
}

function* randomCalls(
  { types, encoding }: TypesOfComponent,
  { seed, valuesEach }: Pick<Comparison, "seed" | "valuesEach">,
  makers: { readonly here: () => Instantiated; readonly jco: () => Instantiated },
): Generator<ComparedCall> {
  let [ours, theirs] = [makers.here(), makers.jco()];
  for (const [index, type] of types.entries()) {
    const samples = fc.tuple(randomValue(type), changes)
      .map(([value, changes]): Sample => ({ type, value, changes }));
    for (const sample of fc.sample(samples, { seed: seed + index, numRuns: valuesEach })) {
      for (const { name, argument } of callsOf(sample, encoding)) {
        const here = ours.call(`${name}-${index}`, type, argument);
        const jco = theirs.call(`${name}-${index}`, type, argument);
        // A trap ends an instance.
        if ("trap" in here) ours = makers.here();
        if ("trap" in jco) theirs = makers.jco();
        yield { name, type, argument, here, jco };
      }
    }
  }
}

const toText = (_: string, value: unknown) =>
  typeof value === "bigint"
    ? `${value}n`
    : value instanceof Uint8Array
    ? `bytes ${Array.from(value).join(" ")}`
    : value;

function isSame(here: Outcome, there: Outcome): boolean {
  return ("trap" in here && "trap" in there) || isDeepStrictEqual(here, there);
}

/** Returns the calls with a value. Changes are made to its images alone. */
function callsOf({ type, value, changes }: Sample, encoding: StringEncoding) {
  const images = [
    { name: "load", image: imageOf(type, value, encoding, isReturnedInMemory(type)) },
    { name: "pass", image: imageOf(type, value, encoding, isPassedInMemory(type)) },
  ];
  return [
    { name: "echo", argument: value },
    ...images.flatMap(({ name, image }) => {
      if (image.length > maxImage) return [];
      for (const [place, bits] of changes) {
        const at = place % Math.max(1, image.length - 3) & ~3;
        if (at + 4 <= image.length) new DataView(image.buffer).setUint32(at, bits >>> 0, true);
      }
      return [{ name, argument: image }];
    }),
  ];
}

/** Returns the bytes of a value as a guest has it in memory at `imageAt`. */
function imageOf(
  type: ComponentValueType,
  value: Value,
  encoding: StringEncoding,
  inMemory: boolean,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(memoryPages * 65_536);
  const view = new DataView(bytes.buffer);
  let top = imageAt;
  const unused = () => {
    throw new Error("no handles here");
  };
  const cx: AbiContext = {
    memory: { bytes, view },
    encoding,
    countLifted: () => {},
    realloc(_old, _oldSize, alignment, size) {
      const pointer = Math.ceil(top / alignment) * alignment;
      top = pointer + size;
      return pointer;
    },
    ...{ liftOwn: unused, liftBorrow: unused, lowerOwn: unused, lowerBorrow: unused },
    ...{ liftCopy: unused, lowerCopy: unused, liftError: unused, lowerError: unused },
  };
  const { size, alignment, flat } = layoutOf(type);
  if (inMemory) codecOf(type).store(cx, value, cx.realloc(0, 0, alignment, size));
  else {
    cx.realloc(0, 0, 8, 8 * flat.length);
    const values: CoreValue[] = [];
    codecOf(type).lower(cx, value, values);
    for (const [index, core] of flat.entries()) {
      const at = imageAt + 8 * index;
      const found = values[index] ?? 0;
      if (core === "i32") view.setInt32(at, Number(found), true);
      else if (core === "i64") view.setBigInt64(at, BigInt(found), true);
      else if (core === "f32") view.setFloat32(at, Number(found), true);
      else view.setFloat64(at, Number(found), true);
    }
  }
  return bytes.slice(imageAt, top);
}

function instantiateHere(bytes: Uint8Array<ArrayBuffer>): Instantiated {
  const plan = linkComponent(decodeComponent(bytes));
  const modules = plan.modules.map((bytes) => new WebAssembly.Module(bytes));
  let received: Value;
  const host = {
    function: () => ({ call: (value: Value) => received = value }),
    drop: () => {},
  };
  const live = new LiveComponent(plan, { modules, host, guest: quietGuest() });
  return {
    call: (name, _, argument) =>
      outcome(() => {
        live.func("reset")?.call([]);
        const returned = live.func(name)?.call([argument]);
        return name.startsWith("pass") ? received : returned;
      }),
  };
}

/** Returns a function that instantiates what jco has made of a component. */
async function jcoComponent(folder: string): Promise<() => Instantiated> {
  const modules = new Map<string, WebAssembly.Module>();
  for (const { name } of Deno.readDirSync(folder)) {
    if (!name.endsWith(".wasm")) continue;
    modules.set(name, new WebAssembly.Module(await Deno.readFile(`${folder}/${name}`)));
  }
  const { instantiate } = await import(`file://${folder}/c.js`);
  return () => {
    let received: unknown;
    const imports = new Proxy({}, {
      get: () => ({ default: (value: unknown) => received = value }),
    });
    const exports = instantiate((name: string) => modules.get(name), imports);
    return {
      call: (name, type, argument) =>
        outcome(() => {
          exports.reset();
          const func = exports[name.replace("-", "")];
          const isEcho = name.startsWith("echo");
          const returned = func(isEcho ? toJco(type, argument) : argument);
          return fromJco(type, name.startsWith("pass") ? received : returned);
        }),
    };
  };
}

function outcome(call: () => Value): Outcome {
  try {
    return { value: call() };
  } catch (error) {
    return { trap: (error as Error).message };
  }
}

/** Declares a test that needs jco (`scripts/install_jco.sh`), as `componentTest` does. */
export function jcoTest(name: string, fn: () => Promise<void>): void {
  if (Deno.env.has("CAPSULE_JCO") || Deno.env.has("CI")) return componentTest(name, fn);
  Deno.test({ name: `${name} (skipped: CAPSULE_JCO is not set)`, ignore: true, fn });
}
