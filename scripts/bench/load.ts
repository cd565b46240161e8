import { AutocannonLoad } from "./autocannon.ts";
import { WrkLoad } from "./wrk.ts";

/** What a load generator sends, over and over, on each connection, as soon as the last answer is there. */
export interface Requests {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly method: "GET" | "POST";
  readonly body?: string;
}

/** What came of it. */
export interface Loaded {
  readonly requests: number;
  readonly perSecond: number;
  /** Half of the answers came within this time, and 99 of 100 within the other. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Connections that failed, answers that did not come, and answers with a status of 400 or more. */
  readonly errors: number;
}

export interface LoadGenerator {
  readonly name: string;
  /** What a reader of the figures has to know about it. */
  readonly caution?: string;
  run(requests: Requests): Promise<Loaded>;
}

/** `wrk` if it is on the PATH, else a load generator from npm, which is loaded when it is first used. */
export async function findLoadGenerator(): Promise<LoadGenerator> {
  return await WrkLoad.isHere() ? new WrkLoad() : new AutocannonLoad();
}
