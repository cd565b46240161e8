/**
 * `deno run -A prepare_once.ts MODULE TIMES`: prepares a module whose functions are repeated TIMES
 * times, in a process that has prepared nothing before, as when a function is loaded. Prints the
 * number of bytes and the milliseconds as a JSON array.
 */
import { readLayout } from "../../../src/prepare/format/layout.ts";
import { prepareModule } from "../../../src/prepare/prepare.ts";
import { Reader } from "../../../src/prepare/format/reader.ts";
import { SectionId } from "../../../src/prepare/format/sections.ts";
import { Writer } from "../../../src/prepare/format/writer.ts";

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

const [module = "", times = "1"] = Deno.args;
const bytes = multiply(Deno.readFileSync(module), Number(times));
const start = performance.now();
prepareModule(bytes, { exportGlobals: true, quietExit: true, steps: true });
console.log(JSON.stringify([bytes.length, performance.now() - start]));
