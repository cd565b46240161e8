import { dirname } from "node:path";

/** Runs `work` with the path of a new temporary folder, and removes the folder afterwards. */
export async function inFolder<T>(
  work: (folder: string) => Promise<T>,
  prefix = "capsule-test-",
): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix });
  try {
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * A temporary folder with `inside`, which is granted to the guest, and `outside`, which it must not
 * reach.
 */
export class TemporaryFolder implements Disposable {
  readonly path: string;

  /** @param dir its parent; by default the folder of the system for temporary files. */
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

  /** Writes a file and creates its parent folders. */
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

/** Returns the paths in and below a folder that this process has open. */
export function openBelow(folder: string): string[] {
  const open: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (target === folder || target.startsWith(`${folder}/`)) open.push(target);
    } catch {
      // The descriptor of the listing itself is closed already.
    }
  }
  return open;
}
