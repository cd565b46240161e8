/** (module (func (export "trap") unreachable)) */
const trapModule = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
  ...[7, 8, 1, 4, 0x74, 0x72, 0x61, 0x70, 0, 0, 10, 5, 1, 3, 0, 0x00, 0x0b],
]);

/** Compiled with the first error: most calls need none. */
let trap: (() => void) | undefined;

/**
 * Returns a new error that passes through every guest: no `catch_all` catches it. It is the error
 * of a trap, which V8 marks for good, also when JavaScript throws it again; others are caught.
 */
export function makeUncatchable(): WebAssembly.RuntimeError {
  trap ??= new WebAssembly.Instance(new WebAssembly.Module(trapModule)).exports.trap as () => void;
  try {
    trap();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return error;
    throw error;
  }
  throw new Error("`unreachable` does not trap");
}
