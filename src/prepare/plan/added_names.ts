import { PREPARE_MODULE } from "../contract.ts";

/** Renews the step counter; see `steps/steps.ts`, as for the next three. */
export const TICK = `${PREPARE_MODULE}.tick`;

/** Charges the step counter for a long bulk instruction. */
export const CHARGE = `${PREPARE_MODULE}.charge`;

/** Charges the step counter for a bulk instruction whose length is an i64. */
export const CHARGE_LONG = `${PREPARE_MODULE}.charge64`;

/** Charges the step counter for a long array that is made; a longer one than allowed traps. */
export const CHARGE_ARRAY = `${PREPARE_MODULE}.chargeArray`;

/** Lets the host wait in place of `memory.atomic.wait`. */
export const WAIT = `${PREPARE_MODULE}.wait`;

/** Replaces `memory.grow`; see `visible_pages.ts`. */
export const GROW = `${PREPARE_MODULE}.grow`;

/**
 * Bulk instructions on at most this many bytes or elements have a fixed cost (`scan/scan.ts`);
 * longer ones are charged by their length when they run.
 */
export const freeBulkLength = 4096;

/**
 * Elements of an array that one instruction may make. A larger one traps, as V8 itself traps above
 * a limit of its own: between two checks of the heap a guest must not fill it.
 */
export const maxArrayLength = 1 << 24;

/** One step stands for 2^6 bytes or elements of a bulk instruction. */
export const bulkShift = 6;
