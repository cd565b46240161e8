import { PREPARE_MODULE } from "../contract.ts";

/** Renews the step counter; see `steps/steps.ts`. */
export const TICK = `${PREPARE_MODULE}.tick`;

/** Charges the step counter for a long bulk instruction; see `steps/steps.ts`. */
export const CHARGE = `${PREPARE_MODULE}.charge`;

/** Replaces `memory.grow`; see `visible_pages.ts`. */
export const GROW = `${PREPARE_MODULE}.grow`;

/**
 * Bulk instructions on at most this many bytes or elements have a fixed cost (`scan/scan.ts`);
 * longer ones are charged by their length when they run.
 */
export const freeBulkLength = 4096;
