import assert from "node:assert/strict";
import { loadComponent } from "../../../src/function/component/load_component.ts";
import { serveComponentBytes } from "../../testing/component.ts";

const file = new URL("../../testdata/rust/adapted/adapted.wasm", import.meta.url);

for (const adapter of ["capsule", "component", undefined] as const) {
  Deno.test(
    `load component: with adapter ${adapter} ${
      adapter === "component" ? "the adapter runs" : "Capsule's preview1 runs"
    }`,
    async () => {
      const { plan } = await loadComponent(await Deno.readFile(file), {
        name: "adapted.wasm",
        mode: "http",
        maxMemoryBytes: 64 << 20,
        steps: true,
        manyCalls: true,
        reuse: false,
        adapter,
        warn: assert.fail,
      });
      assert.equal(plan.preview1 === undefined, adapter === "component");
    },
  );
}

for (const adapter of ["capsule", "component"]) {
  Deno.test(`-adapter=${adapter}: an instance is used again after calls of preview1`, async () => {
    const bytes = await Deno.readFile(file);
    await using served = await serveComponentBytes(bytes, [`-adapter=${adapter}`]);
    for (const path of ["/map", "/print", "/clocks", "/env", "/count"]) {
      const response = await served.handle(new Request(`http://test${path}`));
      assert.equal(response.status, 200);
      await response.body?.cancel();
      assert.equal(served.called.figures.instances, 1, path);
    }
  });
}
