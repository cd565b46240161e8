import assert from "node:assert/strict";
import { runCapsule, startCapsule } from "../testing/capsule.ts";
import { composed, sharedEverything } from "../testing/composed_component.ts";
import { inFolder } from "../testing/temporary_folder.ts";
import { componentTest } from "../testing/wasm_tools.ts";

/** Serves a component; `status` returns the status of a path. */
async function serve(bytes: Uint8Array<ArrayBuffer>, folder: string, ...flags: string[]) {
  await Deno.writeFile(`${folder}/served.wasm`, bytes);
  const server = await startCapsule(["-mode=http", `-wasm=${folder}/served.wasm`, ...flags]);
  const status = async (path: string) => {
    const response = await fetch(`${server.url}${path}`);
    await response.body?.cancel();
    return response.status;
  };
  return { status, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** The status of a first visit: one of the front, and two of the back. */
const firstVisit = 203;

for (
  const { title, build, grown } of [
    // Each of the two memories may grow to 32 pages.
    { title: "composed component", build: () => composed("http"), grown: [[30, 200], [31, 203]] },
    // Both modules grow one memory, of up to 64 pages.
    {
      title: "modules that share a memory",
      build: sharedEverything,
      grown: [[30, 200], [31, 202]],
    },
  ] as const
) {
  componentTest(`${title}: every part is as new in every call`, () =>
    inFolder(async (folder) => {
      await using server = await serve(await build(), folder, "-timeout=300ms");
      for (const path of ["/visit", "/rest", "/fail", "/spin", "/growth"]) {
        const expected = { "/fail": 500, "/spin": 504, "/visit": firstVisit }[path] ?? 200;
        const statuses = await Promise.all([1, 2, 3].map(() => server.status(path)));
        assert.deepEqual(statuses, [expected, expected, expected], path);
        const visits = await Promise.all(Array.from({ length: 10 }, () => server.status("/visit")));
        assert.deepEqual([...new Set(visits)], [firstVisit], `after ${path}`);
      }
    }));

  componentTest(
    `${title}: other calls run while a module in it computes`,
    () =>
      inFolder(async (folder) => {
        await using server = await serve(await build(), folder, "-timeout=1s");
        let isSpinning = true;
        let visits = 0;
        const spinning = server.status("/spin").finally(() => isSpinning = false);
        while (isSpinning) {
          assert.equal(await server.status("/visit"), firstVisit);
          visits++;
        }
        assert.equal(await spinning, 504);
        assert.ok(visits > 2, `${visits} calls`);
      }),
  );

  componentTest(
    `${title}: -maxMemory is for the memories of all parts`,
    () =>
      inFolder(async (folder) => {
        await using server = await serve(await build(), folder, "-maxMemory=4MiB");
        for (const [pages, status] of grown) {
          const path = `/g${"x".repeat(pages - 1)}`;
          assert.equal(await server.status(path), status, `${pages} pages`);
        }
        assert.equal(await server.status("/visit"), firstVisit);
      }),
  );
}

componentTest(
  "composed component in cli mode: ends as the module in it does",
  () =>
    inFolder(async (folder) => {
      for (const [command, code] of [["rest", 0], ["fail", 134], ["spin", 124]] as const) {
        const path = `${folder}/${command}.wasm`;
        await Deno.writeFile(path, await composed({ command }));
        const run = await runCapsule(["-mode=cli", `-wasm=${path}`, "-timeout=1s"]);
        assert.equal(run.code, code, `${command}: ${run.stderr}`);
      }
    }),
);
