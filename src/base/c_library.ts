/**
 * Loads functions of the C library of this process (glibc or musl).
 *
 * The library is closed again, since tests would report it as a leak. It stays mapped, for the
 * process itself uses it.
 *
 * @throws Error if the system has no such library or it lacks a function, or without `--allow-ffi`.
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
