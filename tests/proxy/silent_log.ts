import type { Log } from "../../src/base/log.ts";

const nothing = () => {};

/** A log that nobody reads. */
export const silentLog: Log = { event: nothing, info: nothing, warn: nothing, error: nothing };
