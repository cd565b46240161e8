import { fileURLToPath } from "node:url";
import { type Running, startCapsule } from "../../testing/capsule.ts";
import { TextCollector } from "../../testing/text_collector.ts";

/** The component that exercises `wasi:http`; its first comment describes it. */
export const reflect = fileURLToPath(
  new URL("../../testdata/rust/reflect/reflect.wasm", import.meta.url),
);

/** The service of WASI 0.3; `reflect.rs` in its sources exercises `wasi:http`. */
export const service = fileURLToPath(
  new URL("../../testdata/rust/service/service.wasm", import.meta.url),
);

/** One component under `wasmtime serve` and under Capsule. */
export interface BothServers extends AsyncDisposable {
  readonly wasmtimePort: number;
  readonly capsulePort: number;
  readonly capsule: Running;
}

/** Lets wasmtime run components of WASI 0.3. */
const asynchronous = ["-W", "component-model-async=y", "-S", "p3=y"] as const;

/** By default a trap ends other calls of the instance, too. */
const singleUse = ["--max-instance-reuse-count", "1"] as const;

/** Starts both, on free ports. */
export async function startBoth(component: string): Promise<BothServers> {
  const wasmtime = new Deno.Command("wasmtime", {
    args: [
      "serve",
      ...asynchronous,
      ...singleUse,
      "-S",
      "cli=y",
      "--addr",
      "127.0.0.1:0",
      component,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = new TextCollector(wasmtime.stdout);
  const stderr = new TextCollector(wasmtime.stderr);
  const stop = async () => {
    wasmtime.kill();
    await Promise.all([wasmtime.status, stdout.done, stderr.done]);
  };
  try {
    const line = await stderr.line((text) => text.includes("Serving HTTP on"));
    const port = Number(/:(\d+)\//.exec(line ?? "")?.[1]);
    if (!port) throw new Error(`wasmtime did not start: ${stderr.text}`);
    const capsule = await startCapsule(["-mode=http", `-wasm=${component}`]);
    return {
      wasmtimePort: port,
      capsulePort: Number(new URL(capsule.url).port),
      capsule,
      async [Symbol.asyncDispose]() {
        await Promise.all([stop(), capsule.stop()]);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
