/**
 * `deno run -A scripts/bench/prepare.ts`: measures the preparation of modules. The cost of step
 * metering to a guest is the row `steps` of `deno task bench`.
 *
 * Each measurement is a process of its own, which has prepared nothing before, as when a function
 * is loaded.
 */
import { readLayout } from "../../src/prepare/format/layout.ts";
import { prepareModule } from "../../src/prepare/prepare.ts";
import { Reader } from "../../src/prepare/format/reader.ts";
import { SectionId } from "../../src/prepare/format/sections.ts";
import { Writer } from "../../src/prepare/format/writer.ts";
import { median } from "./statistics.ts";

const hello = new URL("../../examples/hello-http/hello.wasm", import.meta.url);
const compute = new URL("../../tests/testdata/go/compute/compute.wasm", import.meta.url);
const rounds = 15;

/** Measured modules: a file, the number of times that its functions are in it, the limit. */
const rows = [
  { name: "hello-http", file: hello, times: 1, limitMs: 15 },
  { name: "compute", file: compute, times: 1, limitMs: undefined },
  { name: "compute, all functions 4 times", file: compute, times: 4, limitMs: undefined },
  { name: "compute, all functions 12 times", file: compute, times: 12, limitMs: 400 },
];

/** Returns a valid module with the defined functions of `bytes` repeated `times` times. */
function multiply(bytes: Uint8Array<ArrayBuffer>, times: number): Uint8Array<ArrayBuffer> {
  const out = new Writer(bytes.length * times);
  out.span(bytes, 0, 8);
  for (const { id, start, end } of readLayout(bytes).sections) {
    out.byte(id);
    const content = out.begin(1);
    if (id === SectionId.function || id === SectionId.code) {
      const reader = new Reader(bytes, start, end);
      out.u32(reader.u32("count") * times);
      for (let left = times; left > 0; left--) out.span(bytes, reader.at, end);
    } else out.span(bytes, start, end);
    out.end(content, 1);
  }
  return out.finish();
}

function measure(row: typeof rows[number]): { bytes: number; ms: number } {
  const bytes = multiply(Deno.readFileSync(row.file), row.times);
  const start = performance.now();
  prepareModule(bytes, { exportGlobals: true, quietExit: true, maxMemoryPages: 4096, steps: true });
  return { bytes: bytes.length, ms: performance.now() - start };
}

async function measureApart(index: number): Promise<{ bytes: number; ms: number }> {
  const args = ["run", "-A", import.meta.filename ?? "", String(index)];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

if (import.meta.main) {
  const [index] = Deno.args;
  const row = rows[Number(index)];
  if (index !== undefined && row) {
    console.log(JSON.stringify(measure(row)));
  } else {
    console.log(
      "module                            bytes    median ms  lowest  ns a byte  promised",
    );
    for (const [index, { name, limitMs }] of rows.entries()) {
      const seen = [];
      for (let round = 0; round < rounds; round++) seen.push(await measureApart(index));
      const times = seen.map(({ ms }) => ms);
      const middle = median(times);
      const bytes = seen[0]?.bytes ?? 0;
      const cells = [
        name.padEnd(32),
        String(bytes).padStart(8),
        middle.toFixed(1).padStart(10),
        Math.min(...times).toFixed(1).padStart(7),
        (middle * 1e6 / bytes).toFixed(0).padStart(10),
        limitMs === undefined ? "" : `  under ${limitMs} ms: ${middle < limitMs ? "yes" : "NO"}`,
      ];
      console.log(cells.join(" "));
    }
  }
}
