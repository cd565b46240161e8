/** A system that programs are compiled for. */
export interface Target {
  /** The target of `deno compile --target`. */
  readonly triple: string;
  /** The name of the program in `dist/`. */
  readonly file: string;
  /** The platform in the name of the addon's package: `@couchbase/couchbase-linux-x64-napi`. */
  readonly platform: string;
}

export const targets: readonly Target[] = [
  { triple: "x86_64-unknown-linux-gnu", file: "capsule-linux-x64", platform: "linux-x64" },
  { triple: "aarch64-unknown-linux-gnu", file: "capsule-linux-arm64", platform: "linux-arm64" },
  { triple: "x86_64-apple-darwin", file: "capsule-macos-x64", platform: "darwin-x64" },
  { triple: "aarch64-apple-darwin", file: "capsule-macos-arm64", platform: "darwin-arm64" },
  { triple: "x86_64-pc-windows-msvc", file: "capsule-windows-x64.exe", platform: "win32-x64" },
];

/** The number of bytes of a program that `tripleOf` needs. */
export const headerBytes = 4096;

/**
 * Returns the target of a program from its header; `undefined` for an unknown one. `deno compile`
 * with `DENORT_BIN` does not check that the base is for the target.
 */
export function tripleOf(header: Uint8Array<ArrayBuffer>): string | undefined {
  if (header.length < 64) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  switch (view.getUint32(0, true)) {
    case 0x464c457f: // \x7fELF; then 2 for 64 bits, 1 for little-endian
      return view.getUint16(4, true) === 0x0102 ? elfMachines[view.getUint16(18, true)] : undefined;
    case 0xfeedfacf:
      return machMachines[view.getUint32(4, true)];
  }
  if (view.getUint16(0, true) !== 0x5a4d) return undefined; // MZ
  const at = view.getUint32(60, true);
  if (at + 6 > header.length || view.getUint32(at, true) !== 0x4550) return undefined; // PE\0\0
  return view.getUint16(at + 4, true) === 0x8664 ? "x86_64-pc-windows-msvc" : undefined;
}

const elfMachines: Readonly<Record<number, string>> = {
  62: "x86_64-unknown-linux-gnu",
  183: "aarch64-unknown-linux-gnu",
};
const machMachines: Readonly<Record<number, string>> = {
  0x01000007: "x86_64-apple-darwin",
  0x0100000c: "aarch64-apple-darwin",
};
