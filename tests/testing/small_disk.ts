/**
 * A small file system in memory, mounted on a folder in a mount namespace: only programs started
 * `under` it see it.
 */
export class SmallDisk implements AsyncDisposable {
  /** The command that starts a program in the namespace. */
  readonly under: readonly string[];
  /** The path of the folder for the test. */
  readonly path: string;
  readonly #holder: Deno.ChildProcess;

  private constructor(holder: Deno.ChildProcess, folder: string, root: boolean) {
    this.#holder = holder;
    this.path = `/proc/${holder.pid}/root${folder}`;
    const namespaces = root ? ["--mount"] : ["--user", "--preserve-credentials", "--mount"];
    this.under = ["nsenter", `--target=${holder.pid}`, ...namespaces];
  }

  /**
   * @param bounds mount options of tmpfs, such as `size=256k` or `size=1m,nr_inodes=100`.
   * @throws Error without the right to mount, or outside of Linux.
   */
  static async mount(folder: string, bounds: string): Promise<SmallDisk> {
    const root = Deno.uid() === 0;
    const script = 'mount -t tmpfs -o "$1" capsule-test "$2" && echo mounted && exec cat >&2';
    const holder = new Deno.Command("unshare", {
      args: [
        ...(root ? [] : ["--map-root-user"]),
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
        bounds,
        folder,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const said = holder.stdout.getReader();
    const { value } = await said.read();
    await said.cancel();
    if (value !== undefined) return new SmallDisk(holder, folder, root);
    await holder.stdin.close();
    throw new Error(
      `a file system cannot be mounted here (unshare ends with ${(await holder.status).code})`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.stdin.close();
    await this.#holder.status;
  }
}

async function whyNone(): Promise<string | undefined> {
  const folder = await Deno.makeTempDir({ prefix: "capsule-small-disk-" });
  try {
    await using _ = await SmallDisk.mount(folder, "size=4k");
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await Deno.remove(folder);
  }
}

const lacks = await whyNone();

/**
 * Declares a test that needs a small disk: Linux, and the right to mount. Without them it is
 * skipped with its reason; with CI set it fails.
 */
export function smallDiskTest(name: string, fn: () => Promise<void>): void {
  if (lacks === undefined || Deno.env.get("CI")) return Deno.test(name, fn);
  Deno.test({ name: `${name} (skipped: ${lacks})`, ignore: true, fn });
}
