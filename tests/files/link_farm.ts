import assert from "node:assert/strict";
import fc from "fast-check";
import { type FileBackend, OpenFlags } from "../../src/files/file_backend.ts";
import { FileError } from "../../src/files/file_error.ts";
import { openBeneath } from "../../src/files/walk.ts";
import { backends } from "./backends.ts";
import { TemporaryFolder } from "../testing/temporary_folder.ts";

/** An entry of a farm, at most three folders deep, with few names so that paths meet them. */
type Entry =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

const mostLinks = 10;
const mostSteps = 5;

const name = fc.constantFrom("a", "b", "c", "👋");
const step = fc.oneof(
  { weight: 6, arbitrary: name },
  { weight: 3, arbitrary: fc.constant("..") },
  { weight: 1, arbitrary: fc.constantFrom(".", "") },
);

/**
 * A path of a guest or a link; `@` at its start stands for the farm's absolute path. There are no
 * other absolute paths: even a broken walk must find nothing but decoys.
 */
const path = fc.tuple(
  fc.oneof(
    { weight: 12, arbitrary: fc.constant("") },
    fc.constantFrom("@/", "@/inside/", "/@/inside/"),
  ),
  fc.array(step, { minLength: 1, maxLength: mostSteps }),
  fc.oneof({ weight: 5, arbitrary: fc.constant("") }, fc.constantFrom("/", "/.", "//")),
).map(([start, steps, end]) => (start + steps.join("/") + end).replace(/^\/+(?!@|\/)/, ""))
  .filter((text) => text !== "");

const entryPath = fc.array(name, { minLength: 1, maxLength: 3 }).map((steps) => steps.join("/"));
const entry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("folder" as const), path: entryPath }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("file" as const), path: entryPath }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("link" as const), path: entryPath, target: path }),
  },
);

const flags = fc.constantFrom(
  OpenFlags.nameOnly | OpenFlags.follow,
  OpenFlags.nameOnly | OpenFlags.follow | OpenFlags.directory,
  OpenFlags.nameOnly | OpenFlags.directory,
  OpenFlags.read | OpenFlags.follow,
  OpenFlags.read,
  OpenFlags.read | OpenFlags.directory | OpenFlags.follow,
  OpenFlags.write | OpenFlags.follow,
  OpenFlags.write | OpenFlags.create | OpenFlags.follow,
  OpenFlags.write | OpenFlags.create,
  OpenFlags.write | OpenFlags.create | OpenFlags.exclusive | OpenFlags.follow,
);

/** A farm and the paths that are opened in it. */
const farm = fc.record({
  entries: fc.array(entry, { minLength: 1, maxLength: mostLinks }),
  opens: fc.array(fc.record({ path, flags }), { minLength: 10, maxLength: 10 }),
});
type Farm = typeof farm extends fc.Arbitrary<infer T> ? T : never;

/** More than all `..` of a farm and a path together, so that none leaves the test's folder. */
const depth = (mostLinks + 1) * mostSteps + 3;

/** Builds farms one after the other, in memory if the system has a folder there. */
class Ground implements Disposable {
  readonly #folder = new TemporaryFolder(memoryFolder());
  readonly #below: string;
  #farms = 0;

  constructor() {
    this.#below = this.#folder.at(`outside${"/d".repeat(depth)}`);
    Deno.mkdirSync(this.#below, { recursive: true });
  }

  /** Builds a farm below `inside`; entries that contradict earlier ones are left out. */
  build(entries: readonly Entry[]): FarmFolder {
    const farm = new FarmFolder(`${this.#below}/${this.#farms++}`);
    // Decoys outside have the names that paths look for.
    for (const decoy of ["inside", "a", "outside/a", "outside/b"]) farm.makeFolder(decoy);
    Deno.writeTextFileSync(farm.at("b"), "decoy");
    // Only below folders that this loop made: nothing is created through a link.
    const made = new Map<string, Entry["kind"]>();
    for (const entry of entries) {
      const steps = entry.path.split("/");
      const parents = steps.slice(0, -1).map((_, index) => steps.slice(0, index + 1).join("/"));
      if (
        made.has(entry.path) ||
        parents.some((parent) => (made.get(parent) ?? "folder") !== "folder")
      ) {
        continue;
      }
      for (const parent of parents) {
        if (!made.has(parent)) Deno.mkdirSync(farm.at(`inside/${parent}`));
        made.set(parent, "folder");
      }
      made.set(entry.path, entry.kind);
      const at = farm.at(`inside/${entry.path}`);
      if (entry.kind === "folder") Deno.mkdirSync(at);
      else if (entry.kind === "file") {
        Deno.writeFileSync(at, new Uint8Array(1), { createNew: true });
      } else Deno.symlinkSync(farm.absolute(entry.target), at);
    }
    return farm;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

function memoryFolder(): string | undefined {
  try {
    return Deno.statSync("/dev/shm").isDirectory ? "/dev/shm" : undefined;
  } catch {
    return undefined;
  }
}

class FarmFolder implements Disposable {
  constructor(readonly path: string) {}

  at(path: string): string {
    return `${this.path}/${path}`;
  }

  absolute(path: string): string {
    const absolute = path.replace("@", this.path);
    // Guard: the system never gets an absolute path but the farm's.
    if (
      absolute.startsWith("/") && !absolute.startsWith(`/${this.path}`) &&
      !absolute.startsWith(this.path)
    ) {
      throw new Error(`${absolute} lies outside the test's folder`);
    }
    return absolute;
  }

  makeFolder(path: string): void {
    Deno.mkdirSync(this.at(path), { recursive: true });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Returns every path of a folder's tree by inode. */
function tree(folder: FarmFolder): Map<number | null, string> {
  const found = new Map<number | null, string>([[Deno.statSync(folder.path).ino, "."]]);
  const visit = (at: string) => {
    for (const entry of Deno.readDirSync(folder.at(at))) {
      const path = `${at}/${entry.name}`;
      found.set(Deno.lstatSync(folder.at(path)).ino, path);
      if (entry.isDirectory) visit(path);
    }
  };
  visit(".");
  return found;
}

/** Opens all paths and returns the file or error of each, then the whole tree. */
function openAll(backend: FileBackend, ground: Ground, farm: Farm): string[] {
  using folder = ground.build(farm.entries);
  const root = backend.openRoot(folder.at("inside"));
  try {
    const results = farm.opens.map(({ path, flags }) => {
      try {
        const handle = openBeneath(backend, root, folder.absolute(path), flags, 0o600);
        const { inode } = backend.identity(handle);
        backend.close(handle);
        return { path, flags, inode: Number(inode) };
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        return { path, flags, code: error.code };
      }
    });
    // Nothing is removed, so the final tree has all opened files.
    const paths = tree(folder);
    return [
      ...results.map(({ path, flags, inode, code }) =>
        `${path} ${flags}: ${code ?? paths.get(inode ?? 0) ?? "outside the whole farm"}`
      ),
      ...[...paths.values()].sort(),
    ];
  } finally {
    backend.close(root);
  }
}

/**
 * Opens paths through random farms with every backend: each must lead where `openat2` leads, and
 * nothing may be opened or created outside.
 */
export function compareFarms(farms: number): void {
  using ground = new Ground();
  const [openat2, ...others] = backends.map(({ name, make }) => ({ name, backend: make() }));
  assert.ok(openat2?.name === "openat2" && others.length > 0, "no backend to compare");
  fc.assert(
    fc.property(farm, (farm) => {
      const seen = openAll(openat2.backend, ground, farm);
      for (const line of seen.slice(0, farm.opens.length)) {
        assert.match(line, /: (\.\/inside(\/.*)?|E[A-Z]+)$/);
      }
      const outside = seen.slice(farm.opens.length).filter((path) =>
        !/^\.\/inside(\/|$)/.test(path)
      );
      assert.deepEqual(outside, [".", "./a", "./b", "./outside", "./outside/a", "./outside/b"]);
      for (const { name, backend } of others) {
        assert.deepEqual(openAll(backend, ground, farm), seen, name);
      }
    }),
    { numRuns: farms },
  );
}
