import assert from "node:assert/strict";
import type { Value } from "../../src/component/abi/codec.ts";
import { decodeComponent } from "../../src/component/format/decode.ts";
import type { Host } from "../../src/component/instance/host.ts";
import { LiveComponent } from "../../src/component/instance/live_component.ts";
import { linkComponent } from "../../src/component/link/evaluate.ts";
import { isComponentHeader } from "../../src/source/read_module.ts";
import { inFolder } from "../testing/temporary_folder.ts";
import { quietGuest } from "../testing/quiet_guest.ts";
import { runProgram } from "../testing/system_program.ts";

/**
 * The reference tests of the component model: `CAPSULE_COMPONENT_SUITE` names the folder `test` of
 * a clone of https://github.com/WebAssembly/component-model. They need wasm-tools on the PATH.
 */
const suite = Deno.env.get("CAPSULE_COMPONENT_SUITE");

const folders = ["async", "binary", "linking", "resources", "validation", "values"];

/** Files whose tests cannot pass, with the reason. */
const notRun: Readonly<Record<string, string>> = {
  "async/cancellable.wast": "wasm-tools no longer parses the option `cancellable`",
  "async/during-sync-call-no-exclusive-resume.wast":
    "it calls an instance whose earlier call has threads left; here a call ends with its threads",
  "async/during-sync-call-no-sibling-resume.wast": "as during-sync-call-no-exclusive-resume.wast",
  "async/sync-streams.wast": "it expects an order of events that wasmtime 49 does not have either",
  "async/trap-on-reenter.wast": "it expects traps that wasmtime 49 does not make either",
};

/** A command of `wasm-tools json-from-wast`. */
interface Command {
  readonly type: string;
  readonly line: number;
  readonly filename?: string;
  readonly module_type?: "binary" | "text";
  readonly name?: string;
  readonly module?: string;
  readonly instance?: string;
  readonly text?: string;
  readonly action?: { readonly module?: string; readonly field: string; readonly args: Constant[] };
  readonly expected?: readonly Constant[];
}

type Constant = { readonly type: string; readonly value: unknown };

const host: Host = { function: () => ({ call: () => undefined }), drop: () => {} };

for (const folder of suite ? folders : []) {
  for (const { name } of Deno.readDirSync(`${suite}/${folder}`)) {
    const reason = notRun[`${folder}/${name}`];
    Deno.test({
      name: `component suite: ${folder}/${name}${reason ? ` (${reason})` : ""}`,
      ignore: reason !== undefined,
      fn: () =>
        inFolder(async (work) => {
          const json = `${work}/commands.json`;
          const { code, stderr } = await runProgram([
            ...["wasm-tools", "json-from-wast", `${suite}/${folder}/${name}`],
            ...["--wasm-dir", work, "-o", json],
          ]);
          assert.equal(code, 0, stderr);
          const { commands } = JSON.parse(await Deno.readTextFile(json));
          assert.deepEqual(await failures(commands, work), []);
        }),
    });
  }
}

if (!suite) {
  Deno.test({
    name: "component suite (skipped: CAPSULE_COMPONENT_SUITE is not set)",
    ignore: true,
    fn: () => {},
  });
}

async function failures(commands: readonly Command[], work: string): Promise<string[]> {
  const failed: string[] = [];
  const definitions = new Map<string | undefined, Uint8Array<ArrayBuffer>>();
  const instances = new Map<string | undefined, LiveComponent | undefined>();
  for (const command of commands) {
    const { type, line, filename, module_type, name, module, instance, text } = command;
    const fail = (what: string) => failed.push(`line ${line}: ${type}: ${what} (${text ?? ""})`);
    // Text that does not parse never reaches a decoder.
    if (module_type === "text") continue;
    const bytes = filename === undefined
      ? undefined
      : (await Deno.readFile(`${work}/${filename}`)).slice();
    if (bytes && !isComponentHeader(bytes) && type !== "assert_malformed") continue;
    try {
      switch (type) {
        case "module":
          instances.set(undefined, undefined);
          if (bytes) instances.set(undefined, instantiate(bytes));
          if (name !== undefined) instances.set(name, instances.get(undefined));
          break;
        case "module_definition":
          if (!bytes) break;
          linkComponent(decodeComponent(bytes));
          definitions.set(name, bytes);
          break;
        case "module_instance": {
          const definition = definitions.get(module);
          if (!definition) break;
          instances.set(undefined, instantiate(definition));
          if (instance !== undefined) instances.set(instance, instances.get(undefined));
          break;
        }
        case "assert_invalid":
        case "assert_malformed":
          if (bytes && !refusal(() => linkComponent(decodeComponent(bytes)))) fail("was accepted");
          break;
        case "assert_unlinkable":
        case "assert_uninstantiable":
          if (bytes && !refusal(() => instantiate(bytes))) fail("was instantiated");
          break;
        case "assert_return":
        case "assert_trap": {
          const { action } = command;
          const target = instances.get(action?.module);
          const func = action && target?.func(action.field);
          // The component exports an instance.
          if (!func) break;
          const trapped = await rejection(async () => {
            target?.begin(true, performance.now());
            const result = await func.callAwaitable(action.args.map(toValue));
            if (type === "assert_trap") return;
            assert.deepEqual(result, command.expected?.[0] && toValue(command.expected[0]));
          });
          if (type === "assert_trap" ? !trapped : trapped) fail(trapped ?? "did not trap");
        }
      }
    } catch (error) {
      fail(String(error));
    }
  }
  return failed;
}

function instantiate(bytes: Uint8Array<ArrayBuffer>): LiveComponent {
  const plan = linkComponent(decodeComponent(bytes));
  const modules = plan.modules.map((bytes) => new WebAssembly.Module(bytes));
  return new LiveComponent(plan, { modules, host, guest: quietGuest() });
}

function refusal(work: () => void): string | undefined {
  try {
    work();
  } catch (error) {
    return String(error);
  }
}

async function rejection(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
  } catch (error) {
    return String(error);
  }
}

function toValue({ type, value }: Constant): Value {
  const constants = value as Constant[];
  switch (type) {
    case "bool":
      return value === true || value === "true";
    case "u64":
    case "s64":
      return BigInt(value as string);
    case "f32":
      return String(value).startsWith("nan") ? NaN : reinterpret(4, BigInt(value as string));
    case "f64":
      return String(value).startsWith("nan") ? NaN : reinterpret(8, BigInt(value as string));
    case "char":
    case "string":
    case "enum":
      return value as string;
    case "list": {
      const values = constants.map(toValue);
      return constants[0]?.type === "u8" ? new Uint8Array(values as number[]) : values;
    }
    case "tuple":
      return constants.map(toValue);
    case "record":
      return Object.fromEntries(
        (value as [string, Constant][]).map(([label, part]) => [label, toValue(part)]),
      );
    case "variant": {
      const { case: tag, payload } = value as { case: string; payload?: Constant };
      return { tag, value: payload && toValue(payload) };
    }
    case "option":
      return value === null ? undefined : toValue(value as Constant);
    case "result": {
      const { Ok, Err } = value as { Ok?: Constant | null; Err?: Constant | null };
      return Err === undefined
        ? { tag: "ok", value: Ok ? toValue(Ok) : undefined }
        : { tag: "error", value: Err ? toValue(Err) : undefined };
    }
    case "flags":
      return (value as string[]).reduce((bits, label) => bits | 1 << flagIndex(label), 0);
    default:
      return Number(value);
  }
}

/** The suite's flags are labelled a, b, c or f1, f2, f3. */
function flagIndex(label: string): number {
  return label.length > 1 ? Number(label.slice(1)) - 1 : label.charCodeAt(0) - 97;
}

function reinterpret(size: 4 | 8, bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits, true);
  return size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
}
