import type { Log } from "../../src/base/log.ts";

const nothing = () => {};

/** A log that drops all lines. */
export const silentLog: Log = { event: nothing, info: nothing, warn: nothing, error: nothing };
