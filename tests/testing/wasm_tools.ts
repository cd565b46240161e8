import { isInstalled } from "./is_installed.ts";

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
  const child = new Deno.Command("wasm-tools", {
    args: ["parse", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout, stderr } = await output;
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return stdout.slice();
}
