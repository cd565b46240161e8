import assert from "node:assert/strict";
import { dirname } from "node:path";
import { isInstalled } from "../testing/is_installed.ts";
import { outputWithin } from "../testing/output_within.ts";

/** User and group `nobody`. */
const nobody = 65_534;

/**
 * A chroot of copies for programs that get all of `/`. Nothing is mounted in it, and only `/tmp`
 * and `/cache` are writable. Programs run in it as `nobody`, without network, in their own process
 * namespace, and are killed at their time limit.
 */
export class Jail implements Disposable {
  readonly root: string;

  /** Returns what a jail needs and this machine lacks, undefined if nothing. */
  static async missing(): Promise<string | undefined> {
    if (Deno.build.os !== "linux") return "a system with chroot and namespaces (Linux)";
    if (Deno.uid() !== 0) return "root, for chroot";
    for (const program of ["unshare", "setpriv", "chroot", "mknod", "ldd"]) {
      if (!await isInstalled(program)) return program;
    }
    return undefined;
  }

  constructor() {
    this.root = Deno.makeTempDirSync({ prefix: "capsule-jail-" });
    Deno.chmodSync(this.root, 0o755);
    for (const folder of ["dev", "bin", "cache", "tmp"]) Deno.mkdirSync(this.at(`/${folder}`));
    Deno.chmodSync(this.at("/cache"), 0o777);
    // Memory devices only: null and urandom.
    for (const [name, minor] of [["null", "3"], ["urandom", "9"]] as const) {
      run("mknod", "-m", "666", this.at(`/dev/${name}`), "c", "1", minor);
    }
  }

  /** Returns the path outside of a path in the jail. */
  at(path: string): string {
    assert.ok(path.startsWith("/") && !path.includes(".."), path);
    return this.root + path;
  }

  write(path: string, content: string | Uint8Array): void {
    Deno.mkdirSync(dirname(this.at(path)), { recursive: true });
    Deno.writeFileSync(
      this.at(path),
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
  }

  /** Copies a file or a folder, links as links. */
  copy(from: string, path: string): void {
    Deno.mkdirSync(dirname(this.at(path)), { recursive: true });
    run("cp", "-aT", "--no-preserve=ownership", from, this.at(path));
  }

  /** Copies a program to `/bin/<name>`, with its shared libraries. */
  addProgram(from: string, name: string): void {
    Deno.copyFileSync(Deno.realPathSync(from), this.at(`/bin/${name}`));
    for (const [library] of run("ldd", from).matchAll(/\/\S+/g)) {
      if (this.#has(library)) continue;
      Deno.mkdirSync(dirname(this.at(library)), { recursive: true });
      Deno.copyFileSync(Deno.realPathSync(library), this.at(library));
    }
  }

  /** Makes the link by which Deno finds its own path; there is no procfs in the jail. */
  addProcSelfExe(program: string): void {
    Deno.mkdirSync(this.at("/proc/self"), { recursive: true });
    Deno.symlinkSync(program, this.at("/proc/self/exe"));
  }

  /**
   * Runs a program with an empty `/tmp`. Returns its output on both streams, and whether it was
   * killed at the limit.
   */
  async run(
    command: readonly string[],
    options: { limitMs: number },
  ): Promise<{ output: string; late: boolean }> {
    Deno.removeSync(this.at("/tmp"), { recursive: true });
    Deno.mkdirSync(this.at("/tmp"));
    Deno.chmodSync(this.at("/tmp"), 0o777);
    const child = new Deno.Command("unshare", {
      args: [
        ...["--net", "--ipc", "--pid", "--fork", "--kill-child=KILL"],
        ...[
          "setpriv",
          "--no-new-privs",
          "chroot",
          `--userspec=${nobody}:${nobody}`,
          "--groups=",
          this.root,
        ],
        ...command,
      ],
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        ...{
          HOME: "/tmp",
          TMPDIR: "/tmp",
          DENO_DIR: "/cache",
          NO_COLOR: "1",
          DENO_NO_UPDATE_CHECK: "1",
        },
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr, late } = await outputWithin(child, options.limitMs);
    return { output: stdout + stderr, late };
  }

  #has(path: string): boolean {
    try {
      Deno.lstatSync(this.at(path));
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

function run(program: string, ...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command(program, { args }).outputSync();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
