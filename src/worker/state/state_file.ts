import { dirname } from "node:path";
import * as z from "zod";
import { CapsuleError, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { syncFolder } from "../../base/atomic_file.ts";
import { encodeOwnRoutes, type OwnRoutes, ownRoutesSchema } from "../routes/routes.ts";
import { type DesiredState, desiredStateSchema, encodeDesiredState } from "./desired_state.ts";

/** What a worker knows over a restart. */
export interface WorkerState {
  readonly wanted: DesiredState;
  /** What may be registered with the proxy as this worker's; more than that is not its business. */
  readonly routes: OwnRoutes;
}

const schema = z.strictObject({
  version: z.literal(1),
  functions: desiredStateSchema,
  routes: ownRoutesSchema,
});

/**
 * The file in which a worker's state lies, and beside it (`.previous`) the state before the last change: whatever a crash leaves of the one, the other is
 * whole. Only its owner reads it, for a deployment's variables may hold passwords.
 */
export class StateFile {
  readonly #path: string;
  #last: Promise<void> = Promise.resolve();
  #newest: WorkerState = { wanted: new Map(), routes: new Map() };

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * The state as it was last written, or the one before where that is damaged.
   *
   * @throws CapsuleError `STATE` when neither can be read.
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
        `-state=${this.#path} ${newest.why}: going on with the state before the last change`,
      );
      // Out of the way, so that it does not take the place of the good one at the next change.
      await Deno.rename(this.#path, `${this.#path}.damaged`);
    }
    if (previous.kind === "whole") return previous.state;
    if (previous.kind === "damaged") {
      throw new CapsuleError("STATE", `cannot read -state: ${this.#path}.previous ${previous.why}`);
    }
    if (newest.kind === "damaged" && !newest.isCut) {
      throw new CapsuleError("STATE", `cannot read -state: ${this.#path} ${newest.why}`);
    }
    return { wanted: new Map(), routes: new Map() };
  }

  /**
   * Changes a part of the state, or all of it, and resolves when that is on the disk. Changes are written in the order of the calls, each with all that
   * were asked for before.
   *
   * @throws CapsuleError `STATE`; then the file has the state before.
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
    const aside = `${path}.new`;
    try {
      await Deno.mkdir(dirname(path), { recursive: true });
      using file = await Deno.open(aside, {
        write: true,
        create: true,
        truncate: true,
        mode: 0o600,
      });
      const bytes = new TextEncoder().encode(text);
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
      await file.sync();
      await keepPrevious(path);
      await Deno.rename(aside, path);
      await syncFolder(dirname(path));
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
    return { kind: "damaged", why: `is no JSON: ${messageOf(error)}`, isCut: true };
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const why = `is no worker's state: ${issue?.path.join(".")} ${issue?.message}`;
    return { kind: "damaged", why, isCut: false };
  }
  const { functions: wanted, routes } = parsed.data;
  return { kind: "whole", state: { wanted, routes } };
}

function encode({ wanted, routes }: WorkerState): string {
  const value = {
    version: 1,
    functions: encodeDesiredState(wanted),
    routes: encodeOwnRoutes(routes),
  };
  return JSON.stringify(value, null, 2) + "\n";
}
