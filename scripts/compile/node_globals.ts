/**
 * What packages of npm find around them in Deno, and a bundle of them does not. All of it is made when it is first asked for, since parts
 * of Node take a start some milliseconds.
 */

// What packages in CommonJS load a part of Node with, or native code: the bundler leaves those calls as they are, and a
// module of JavaScript has no `require`.
Object.defineProperty(globalThis, "require", {
  configurable: true,
  get() {
    const value = process.getBuiltinModule("node:module").createRequire(import.meta.url);
    Object.defineProperty(globalThis, "require", { value });
    return value;
  },
});

// Node's timers, which are objects: undici calls their methods. In newer Denos they are everybody's.
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
