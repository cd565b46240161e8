import { dirname } from "node:path";

/** Runs `work` with the path of a new temporary folder, and removes the folder afterwards. */
export async function inFolder(
  work: (folder: string) => Promise<void>,
  prefix = "capsule-test-",
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A folder of a test's own, with `inside` (granted to the guest) and `outside` (where nothing may happen). */
export class TemporaryFolder implements Disposable {
  readonly path: string;

  /** `dir`: where it is made. Default: where the system has temporary files. */
  constructor(dir?: string) {
    this.path = Deno.realPathSync(
      Deno.makeTempDirSync({ prefix: "capsule-files-", ...(dir && { dir }) }),
    );
    Deno.mkdirSync(this.inside);
    Deno.mkdirSync(this.at("outside"));
  }

  get inside(): string {
    return this.at("inside");
  }

  at(path: string): string {
    return `${this.path}/${path}`;
  }

  /** Writes a file, with the folders it lies in. */
  write(path: string, content: string | Uint8Array): void {
    Deno.mkdirSync(dirname(this.at(path)), { recursive: true });
    Deno.writeFileSync(
      this.at(path),
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
  }

  read(path: string): string {
    return Deno.readTextFileSync(this.at(path));
  }

  exists(path: string): boolean {
    try {
      Deno.lstatSync(this.at(path));
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  link(target: string, path: string): void {
    Deno.symlinkSync(target, this.at(path));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Descriptors that this process has open in and below a folder. */
export function openBelow(folder: string): string[] {
  const open: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (target === folder || target.startsWith(`${folder}/`)) open.push(target);
    } catch {
      // The one that lists them is gone by now.
    }
  }
  return open;
}
