import { isInstalled } from "./is_installed.ts";

const installed = await isInstalled("go", "version");

/**
 * Declares a test that builds with standard Go. Without it the test is skipped with its reason;
 * with CI set it fails.
 */
export function goTest(name: string, fn: () => Promise<void>): void {
  if (installed || Deno.env.get("CI")) return Deno.test({ name, fn });
  Deno.test({ name: `${name} (skipped: go is not installed here)`, ignore: true, fn });
}

/**
 * Builds the program of a folder with the packages of this machine, for WASI or another system.
 */
export async function buildGo(
  folder: string,
  options: { output: string; package?: string; native?: boolean; flags?: readonly string[] },
): Promise<void> {
  const target: Record<string, string> = options.native ? {} : { GOOS: "wasip1", GOARCH: "wasm" };
  const built = await new Deno.Command("go", {
    args: ["build", ...options.flags ?? [], "-o", options.output, options.package ?? "."],
    cwd: folder,
    env: { GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod", ...target },
  }).output();
  if (!built.success) throw new Error(`go build failed: ${new TextDecoder().decode(built.stderr)}`);
}
