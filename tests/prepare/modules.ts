import wabt from "wabt";
import type { ModuleDescription } from "../../src/prepare/format/describe.ts";
import { readLayout } from "../../src/prepare/format/layout.ts";

/** Folders with committed modules. */
export const wasmFolders = ["examples", "tests/testdata"].map((path) =>
  new URL(`../../${path}`, import.meta.url)
);

const watFolder = new URL("../testdata/wat/", import.meta.url);

const features = {
  exceptions: true,
  tail_call: true,
  relaxed_simd: true,
  multi_memory: true,
  memory64: true,
  threads: true,
  gc: true,
  function_references: true,
  annotations: true,
  code_metadata: true,
};

const compiler = await wabt();

/** Compiles a module from its text, with its names. */
export function compileWat(text: string, name = "test.wat"): Uint8Array<ArrayBuffer> {
  const module = compiler.parseWat(name, new TextEncoder().encode(text), features);
  try {
    return new Uint8Array(module.toBinary({ write_debug_names: true }).buffer);
  } finally {
    module.destroy();
  }
}

/** Returns every `.wat` in `tests/testdata/wat`, compiled. */
export function watModules(): { name: string; bytes: Uint8Array<ArrayBuffer> }[] {
  return [...Deno.readDirSync(watFolder)]
    .filter(({ name }) => name.endsWith(".wat"))
    .map(({ name }) => ({
      name,
      bytes: compileWat(Deno.readTextFileSync(new URL(name, watFolder)), name),
    }))
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Returns every core module below `examples` and `tests/testdata`. */
export function committedModules(): { name: string; bytes: Uint8Array<ArrayBuffer> }[] {
  const found: { name: string; bytes: Uint8Array<ArrayBuffer> }[] = [];
  const walk = (folder: URL) => {
    for (const entry of Deno.readDirSync(folder)) {
      if (entry.isDirectory) walk(new URL(`${folder.href}/${entry.name}`));
      if (!entry.isFile || !entry.name.endsWith(".wasm")) continue;
      const bytes = Deno.readFileSync(new URL(`${folder.href}/${entry.name}`));
      const isComponent = bytes[6] === 1;
      if (!isComponent) found.push({ name: entry.name, bytes });
    }
  };
  for (const folder of wasmFolders) walk(folder);
  return found;
}

/** Describes a module without its code. */
export function describeModule(bytes: Uint8Array): ModuleDescription {
  return readLayout(bytes).description;
}

/** Returns the bytes of a section with less than 128 bytes of content. */
export function section(id: number, ...content: number[]): number[] {
  return [id, content.length, ...content];
}

/** Returns a module of these sections. */
export function moduleOf(...sections: number[][]): Uint8Array<ArrayBuffer> {
  return new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...sections.flat()]);
}

/** Returns the imports of a host that never stops the guest. */
export function patientHost(budget = () => 1_000_000): { step: () => number; pause: () => number } {
  return { step: budget, pause: budget };
}
