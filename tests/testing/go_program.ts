import { isInstalled } from "./is_installed.ts";

const installed = await isInstalled("go", "version");

/** A test that builds with standard Go. It is skipped where there is none, except with `CI` set, where it fails. */
export function goTest(name: string, fn: () => Promise<void>): void {
  if (installed || Deno.env.get("CI")) return Deno.test({ name, fn });
  Deno.test({ name: `${name} (skipped: go is not installed here)`, ignore: true, fn });
}

/** Builds a program of a folder, with the packages that are on this machine, for WASI unless another system is named. */
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
