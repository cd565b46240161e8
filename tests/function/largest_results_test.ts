/** Results as large as the memory, of every kind that a handler or a program returns. */
import assert from "node:assert/strict";
import { compileWat } from "../prepare/modules.ts";
import { serveModule } from "../testing/function.ts";
import { serveProgramBytes } from "../testing/program.ts";

const pages = 1024;
const size = pages * 65_536;
const timeoutMs = 250;
/**
 * A result is read before this many times a call that computes until its timeout. Reading it as
 * text, splitting or comparing all of it takes ten times and more.
 */
const maxLoops = 4;

/** What fills the memory: separators, names that are invalid and different, text, other bytes. */
const fills = ["a", "|", "a:b|", "\\ff:|", "[HEADERS]", "\n"];
/** How a result begins. */
const beginnings = ["", "[BODY][HEADERS]", "[ERR][7]:", "[ERR]["];
/** How it ends. */
const endings = ["", "[HEADERS]a:b"];

/** How a program's response begins. */
const heads = ["", "Status: 200\n\n", "X: ", "X-", "Location: /", "Content-Length: 9"];

/** Returns code that fills the memory with `fill` over and over, between a beginning and an end. */
function filled(fill: string, beginning: string, ending: string): string {
  const lengthOf = (text: string) => text.replace(/\\../g, "x").length;
  const escaped = (text: string) => text.replaceAll("\n", "\\n");
  const endAt = size - lengthOf(ending);
  return `
    (memory (export "memory") ${pages})
    (data $fill "${escaped(fill)}")
    (data $beginning "${escaped(beginning)}")
    (data $ending "${escaped(ending)}")
    (func $fill (local $at i32)
      (memory.init $fill (i32.const 0) (i32.const 0) (i32.const ${lengthOf(fill)}))
      (local.set $at (i32.const ${lengthOf(fill)}))
      (loop $double
        (memory.copy (local.get $at) (i32.const 0)
          (select (local.get $at) (i32.sub (i32.const ${size}) (local.get $at))
            (i32.lt_u (local.get $at) (i32.sub (i32.const ${size}) (local.get $at)))))
        (local.set $at (i32.shl (local.get $at) (i32.const 1)))
        (br_if $double (i32.lt_u (local.get $at) (i32.const ${size}))))
      (memory.init $beginning (i32.const 0) (i32.const 0) (i32.const ${lengthOf(beginning)}))
      (memory.init $ending (i32.const ${endAt}) (i32.const 0) (i32.const ${lengthOf(ending)})))`;
}

/** A function that returns its whole memory, or computes without end if the request has a body. */
const handler = (fill: string, beginning: string, ending: string) =>
  compileWat(`(module ${filled(fill, beginning, ending)}
    (func (export "allocateBuffer") (param i32) (result i32) (i32.const 0))
    (func (export "callHandleHttp") (param i32 i32 i32 i32) (result i64)
      (if (local.get 1) (then (loop $endless (br $endless))))
      (call $fill)
      (i64.const ${size})))`);

/** A program that writes its whole memory. */
const program = (fill: string, beginning: string) =>
  compileWat(`(module
    (import "wasi_snapshot_preview1" "fd_write"
      (func $write (param i32 i32 i32 i32) (result i32)))
    ${filled(fill, beginning, "")}
    (func (export "_start")
      (call $fill)
      (i32.store (i32.const ${size - 16}) (i32.const 0))
      (i32.store (i32.const ${size - 12}) (i32.const ${size - 16}))
      (drop (call $write (i32.const 1) (i32.const ${size - 16}) (i32.const 1)
        (i32.const ${size - 8})))))`);

const flags = [`-timeout=${timeoutMs}ms`, "-maxMemory=256MiB"];

/** Fails if `call` takes longer than allowed three times, each beside a loop until the timeout. */
async function assertQuick(call: () => Promise<unknown>, loop: () => Promise<unknown>) {
  const durationMs = async (work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  const loops: number[] = [];
  do {
    const tookMs = await durationMs(call);
    const isQuick = tookMs <= maxLoops * timeoutMs;
    loops.push(tookMs / (isQuick ? timeoutMs : await durationMs(loop)));
  } while (loops.length < 3 && Math.min(...loops) > maxLoops);
  assert.ok(Math.min(...loops) <= maxLoops, `${loops.join(", ")} times a loop`);
}

/** Reads a response to its end, which it may not reach. */
async function read(response: Response): Promise<void> {
  try {
    for await (const _ of response.body ?? []);
  } catch (error) {
    assert.ok(error instanceof Error);
  }
}

Deno.test("largest results: none of a handler holds the thread past its deadline", async (t) => {
  for (const fill of fills) {
    for (const beginning of beginnings) {
      for (const ending of endings) {
        await t.step(JSON.stringify([fill, beginning, ending]), async () => {
          await using served = await serveModule(handler(fill, beginning, ending), flags);
          const send = async (init?: RequestInit) =>
            await read(await served.handle(new Request("http://test/", init)));
          await assertQuick(send, () => send({ method: "POST", body: "x" }));
        });
      }
    }
  }
});

Deno.test("largest results: none of a program holds the thread past its deadline", async (t) => {
  await using looping = await serveModule(handler("a", "", ""), flags);
  for (const fill of fills) {
    for (const head of heads) {
      await t.step(JSON.stringify([fill, head]), async () => {
        await using served = await serveProgramBytes("large", program(fill, head), flags);
        await assertQuick(async () => await read(await served.get("/")), () => looping.post("x"));
      });
    }
  }
});
