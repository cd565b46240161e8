import { AutocannonLoad } from "./autocannon.ts";
import { WrkLoad } from "./wrk.ts";

/** The request that each connection repeats as soon as the previous response is complete. */
export interface Requests {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly method: "GET" | "POST";
  readonly body?: string;
}

/** The result of a load. */
export interface Loaded {
  readonly requests: number;
  readonly perSecond: number;
  /** Median and 99th percentile of the response time. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Failed connections, missing responses, and responses with status 400 or higher. */
  readonly errors: number;
}

export interface LoadGenerator {
  readonly name: string;
  /** A caveat about its figures. */
  readonly caution?: string;
  run(requests: Requests): Promise<Loaded>;
}

/** Returns `wrk` if it is on the PATH, else autocannon from npm. */
export async function findLoadGenerator(): Promise<LoadGenerator> {
  return await WrkLoad.isHere() ? new WrkLoad() : new AutocannonLoad();
}
