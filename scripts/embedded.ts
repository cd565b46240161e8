/**
 * The files that `scripts/compile.ts` puts into the compiled program beside its own modules, where `Deno.readFile` finds
 * them by the same URL as in a checkout. Nothing calls this. A module of WebAssembly must be imported as bytes:
 * `deno compile --include` would take it for a module of the program's own and look for its imports.
 */
export const embedded = [
  () => import("../examples/hello/hello.wasm", { with: { type: "bytes" } }),
];
