/**
 * The globals of Node that npm packages have in Deno and a bundle of them lacks. Each is created on
 * first use, since loading parts of Node would show in every start (bench: `start`).
 */

// CommonJS packages call `require` for parts of Node and for native code. The bundler keeps those
// calls, and an ES module has no `require`.
Object.defineProperty(globalThis, "require", {
  configurable: true,
  get() {
    const value = process.getBuiltinModule("node:module").createRequire(import.meta.url);
    Object.defineProperty(globalThis, "require", { value });
    return value;
  },
});

// The timers of Node, which are objects: undici calls their methods. Since Deno 2.9 the global
// timers are those. Remove this when `compile_base.sh` has a newer base than 2.7.11.
for (const name of ["setTimeout", "setInterval"] as const) {
  Object.defineProperty(globalThis, name, {
    configurable: true,
    writable: true,
    value(...args: Parameters<typeof setTimeout>) {
      const { setTimeout, clearTimeout, setInterval, clearInterval } = process.getBuiltinModule(
        "node:timers",
      );
      Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
      return globalThis[name](...args);
    },
  });
}
