/**
 * Functions of the C library that this process runs on (glibc or musl).
 *
 * The library is closed at once: it stays where it is all the same, and an open one would count as a leak in every test that
 * comes to it.
 *
 * @throws Error when it cannot be loaded: another system, no permission (`--allow-ffi`), a function that it lacks.
 */
export function loadCLibrary<const Symbols extends Deno.ForeignLibraryInterface>(
  symbols: Symbols,
): Deno.DynamicLibrary<Symbols>["symbols"] {
  let failure: unknown;
  for (const name of ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`, "libc.so"]) {
    try {
      const library = Deno.dlopen(name, symbols);
      const functions = library.symbols;
      library.close();
      return functions;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
