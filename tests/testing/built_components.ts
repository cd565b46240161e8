import { fileURLToPath } from "node:url";
import { runProgram } from "./system_program.ts";

const script = fileURLToPath(new URL("../../scripts/build_components.sh", import.meta.url));

const guests = fileURLToPath(new URL("../testdata/components/", import.meta.url));

/** Languages of the guests in `tests/testdata/components`. */
export const guestLanguages = ["javascript", "python", "tinygo"] as const;

/** Returns the path of a guest, of which TinyGo's alone is committed. */
export function guestPath(folder: string, language: (typeof guestLanguages)[number]): string {
  return language === "tinygo" ? `${guests}tinygo/guest.wasm` : `${folder}/guest_${language}.wasm`;
}

/** The folder of the components that `scripts/build_components.sh` builds; it caches them. */
const built = await buildComponents();

async function buildComponents(): Promise<string | undefined> {
  const { code, stdout, stderr } = await runProgram([script]);
  if (code === 0) return stdout.trim();
  if (Deno.env.get("CI")) throw new Error(`${script}: ${stderr}`);
}

/**
 * Declares a test that runs built components, whose folder it receives. It is skipped with its
 * reason where they cannot be built, except with CI set, where it fails.
 */
export function builtComponentTest(name: string, fn: (folder: string) => Promise<void>): void {
  if (built !== undefined) return Deno.test(name, () => fn(built));
  const reason = "skipped: scripts/build_components.sh fails here";
  Deno.test({ name: `${name} (${reason})`, ignore: true, fn() {} });
}
