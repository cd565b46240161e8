import assert from "node:assert/strict";
import { loadComponent } from "../../../src/function/component/load_component.ts";

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
