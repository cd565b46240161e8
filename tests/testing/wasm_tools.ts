import { isInstalled } from "./is_installed.ts";
import { runProgramForBytes } from "./system_program.ts";

const hasWasmTools = await isInstalled("wasm-tools");

/**
 * Declares a test that builds components from text. It is skipped with its reason where wasm-tools
 * is missing (`scripts/install_wasm_tools.sh`), except with CI set, where it fails.
 */
export function componentTest(name: string, fn: () => Promise<void>): void {
  if (hasWasmTools || Deno.env.get("CI")) return Deno.test(name, fn);
  Deno.test({ name: `${name} (skipped: wasm-tools is not installed here)`, ignore: true, fn });
}

/**
 * Builds a component or module from its text without validating it. @throws Error on bad syntax.
 */
export async function buildText(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout, stderr } = await runProgramForBytes(["wasm-tools", "parse", "-"], {
    input: text,
  });
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return stdout.slice();
}
