/** A frame of a guest's stack. */
export interface GuestFrame {
  /** The function's name from the name section, demangled; `<anonymous>` without one. */
  readonly name: string;
  /** True for a function of a language's runtime or standard library. */
  readonly isRuntime: boolean;
  /** Offset of the instruction in the module as it was built; undefined if that is unknown. */
  readonly offset: number | undefined;
}

/**
 * Parses the frames of the guest out of an error's stack, innermost first.
 *
 * @param toSource maps an offset in the module that runs to the module as it was built.
 */
export function guestFrames(
  stack: string,
  toSource: (offset: number) => number | undefined = () => undefined,
): GuestFrame[] {
  const frames: GuestFrame[] = [];
  for (const line of stack.split("\n")) {
    const [, mangled = "", offset = "0"] =
      line.match(/^\s+at (?:(.*) \()?wasm:\/\/.*:(0x[0-9a-f]+)\)?$/) ?? [];
    if (offset === "0") continue;
    const name = demangle(mangled) || "<anonymous>";
    frames.push({ name, isRuntime: isRuntime(name), offset: toSource(Number(offset)) });
  }
  return frames;
}

/** Formats a stack for the user: frames of the runtime are counted, unless there are no others. */
export function formatStack(frames: readonly GuestFrame[]): string {
  const own = frames.filter(({ isRuntime }) => !isRuntime);
  const shown = own.length > 0 ? own : frames;
  const lines = shown.map(({ name, offset }) =>
    `    at ${name}${offset === undefined ? "" : ` (0x${offset.toString(16)})`}\n`
  );
  const folded = frames.length - shown.length;
  if (folded > 0) {
    lines.push(`    and ${folded} ${folded === 1 ? "frame" : "frames"} of the runtime\n`);
  }
  return lines.join("");
}

/** Namespaces and functions of the runtimes of Go, Rust, C, C++ and Zig. */
const runtime = new RegExp(
  "^(?:runtime|internal|reflect|std|core|alloc|__rustc|debug|builtin|start)(?:\\.|::)" +
    "|^(?:_start|_initialize|__|abort$|exit$|_Exit$|raise$|rust_|dummy$)" +
    "|^<(?:std|core|alloc)::",
);

function isRuntime(name: string): boolean {
  return runtime.test(name);
}

/** Demangles Rust's symbols as far as their path; other names are returned as they are. */
export function demangle(symbol: string): string {
  const legacy = symbol.match(/^_ZN(.*)17h[0-9a-f]{16}E/);
  if (legacy) return identifiers(legacy[1] ?? "").join("::");
  if (symbol.startsWith("_R")) return identifiers(symbol.slice(2)).join("::") || symbol;
  return symbol;
}

/**
 * Returns the identifiers of a mangled path, each with its length before it. Skips disambiguators
 * and back references, whose base-62 numbers may contain digits.
 *
 * @see https://doc.rust-lang.org/rustc/symbol-mangling/v0.html
 */
function identifiers(path: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < path.length;) {
    const [, digits] = path.slice(at).match(/^(\d+)_?/) ?? [];
    if (digits !== undefined) {
      const start = at + digits.length + (path[at + digits.length] === "_" ? 1 : 0);
      found.push(path.slice(start, start + Number(digits)));
      at = start + Number(digits);
      continue;
    }
    const [number] = path.slice(at).match(/^[sB][0-9a-zA-Z]*_/) ?? [];
    at += number?.length ?? 1;
  }
  return found;
}
