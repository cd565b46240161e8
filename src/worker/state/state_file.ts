import { dirname } from "node:path";
import * as z from "zod";
import { AtomicFile } from "../../base/atomic_file.ts";
import { CapsuleError, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { encodeOwnRoutes, type OwnRoutes, ownRoutesSchema } from "../routes/routes.ts";
import { type DesiredState, desiredStateSchema, encodeDesiredState } from "./desired_state.ts";

/** State of a worker that survives a restart. */
export interface WorkerState {
  readonly desired: DesiredState;
  /** Routes that the worker may have registered with the proxy. It changes no others. */
  readonly routes: OwnRoutes;
}

const schema = z.strictObject({
  version: z.literal(1),
  functions: desiredStateSchema,
  routes: ownRoutesSchema,
});

/**
 * The file of a worker's state, with the state before the last change beside it (`.previous`):
 * after a crash at least one of them is whole. Only its owner can read it, because the variables of
 * a deployment may hold passwords.
 */
export class StateFile {
  readonly #path: string;
  #last: Promise<void> = Promise.resolve();
  #newest: WorkerState = { desired: new Map(), routes: new Map() };

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads the state that was last saved, or the one before if that is damaged.
   *
   * @throws CapsuleError `STATE` if neither can be read.
   */
  async read(log: Log): Promise<WorkerState> {
    return this.#newest = await this.#read(log);
  }

  async #read(log: Log): Promise<WorkerState> {
    const [newest, previous] = await Promise.all([
      read(this.#path),
      read(`${this.#path}.previous`),
    ]);
    if (newest.kind === "whole") return newest.state;
    if (newest.kind === "damaged" && (previous.kind === "whole" || newest.isCut)) {
      log.warn(
        `-state=${this.#path} ${newest.why}: using the state before the last change`,
      );
      // The next change would otherwise replace the good `.previous` with it.
      await Deno.rename(this.#path, `${this.#path}.damaged`);
    }
    if (previous.kind === "whole") return previous.state;
    if (previous.kind === "damaged") {
      throw new CapsuleError("STATE", `cannot read -state: ${this.#path}.previous ${previous.why}`);
    }
    if (newest.kind === "damaged" && !newest.isCut) {
      throw new CapsuleError("STATE", `cannot read -state: ${this.#path} ${newest.why}`);
    }
    return { desired: new Map(), routes: new Map() };
  }

  /**
   * Changes the state, and resolves when it is on the disk. Changes are written in the order of the
   * calls.
   *
   * @throws CapsuleError `STATE`; then the file keeps the state before.
   */
  save(part: Partial<WorkerState>): Promise<void> {
    this.#newest = { ...this.#newest, ...part };
    const text = encode(this.#newest);
    const saved = this.#last.then(() => this.#write(text));
    this.#last = saved.catch(() => {});
    return saved;
  }

  async #write(text: string): Promise<void> {
    const path = this.#path;
    try {
      await Deno.mkdir(dirname(path), { recursive: true });
      await using file = await AtomicFile.create(path, {
        temporaryPath: `${path}.new`,
        mode: 0o600,
      });
      await file.write(new TextEncoder().encode(text));
      await keepPrevious(path);
      await file.commit();
    } catch (error) {
      throw new CapsuleError("STATE", `cannot write -state=${path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

async function keepPrevious(path: string): Promise<void> {
  try {
    await Deno.rename(path, `${path}.previous`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

type Found =
  | { readonly kind: "whole"; readonly state: WorkerState }
  | { readonly kind: "none" }
  | { readonly kind: "damaged"; readonly why: string; readonly isCut: boolean };

async function read(path: string): Promise<Found> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { kind: "none" };
    throw new CapsuleError("STATE", `cannot read -state=${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: "damaged", why: `is not JSON: ${messageOf(error)}`, isCut: true };
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const why = `is not the state of a worker: ${issue?.path.join(".")} ${issue?.message}`;
    return { kind: "damaged", why, isCut: false };
  }
  const { functions: desired, routes } = parsed.data;
  return { kind: "whole", state: { desired, routes } };
}

function encode({ desired, routes }: WorkerState): string {
  const value = {
    version: 1,
    functions: encodeDesiredState(desired),
    routes: encodeOwnRoutes(routes),
  };
  return JSON.stringify(value, null, 2) + "\n";
}
