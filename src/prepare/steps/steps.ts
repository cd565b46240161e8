import { readCallGraph } from "../scan/call_graph.ts";
import { COUNTER_EXPORT, pauseImport, stepImport, waitImport } from "../contract.ts";
import { EMPTY_BLOCK, Op } from "../format/instructions.ts";
import type { Layout } from "../format/layout.ts";
import { bytesOf } from "../format/writer.ts";
import {
  bulkShift,
  CHARGE,
  CHARGE_ARRAY,
  CHARGE_LONG,
  maxArrayLength,
  TICK,
  WAIT,
} from "../plan/added_names.ts";
import type { AddedFunction, Edits } from "../plan/edits.ts";
import { type CodePlan, Mark } from "../plan/marks.ts";
import { BULK_IS_64, BULK_MAKES_ARRAY, Kind } from "../scan/events.ts";
import type { Code } from "../scan/code.ts";
import { CheckPlacer } from "./place_checks.ts";
import { CheckWeigher } from "./weigh_checks.ts";

/** Places and weighs the checks; see `place_checks.ts` and `weigh_checks.ts`. */
export function placeSteps(layout: Layout, code: Code): CodePlan {
  const graph = readCallGraph(layout, code);
  const placer = new CheckPlacer(layout, code, graph.cut);
  placer.place();
  const weigher = new CheckWeigher(layout, code, graph, placer);
  weigher.weigh();
  return { marks: placer.marks, weights: weigher.weights };
}

/**
 * Adds the counter and the functions that the checks of the plan use. Returns the name of the
 * counter, or undefined when there are no checks.
 */
export function addSteps(edits: Edits, { events }: Code): string | undefined {
  const { marks } = edits.code;
  if (!marks.some(Boolean)) return undefined;
  let hasLongBulk = false;
  let hasArray = false;
  let hasWait = false;
  for (let event = 0; event < events.length; event++) {
    if (((marks[event] ?? 0) & Mark.chargeBulk) === 0) continue;
    if (events.kind(event) === Kind.wait) hasWait = true;
    else if ((events.argument(event) & BULK_IS_64) !== 0) hasLongBulk = true;
    else if ((events.argument(event) & BULK_MAKES_ARRAY) !== 0) hasArray = true;
  }
  edits.globals.push({ name: COUNTER_EXPORT, initial: 0 });
  edits.imports.push(stepImport, pauseImport);
  edits.functions.push(tick, charge);
  if (hasLongBulk) edits.functions.push(chargeLong);
  if (hasArray) edits.functions.push(chargeArray);
  if (hasWait) {
    edits.imports.push(waitImport);
    edits.functions.push(wait);
  }
  return COUNTER_EXPORT;
}

/** counter = step() || pause(); if (counter < 0) trap(). */
const tick: AddedFunction = {
  name: TICK,
  type: { params: [], results: [] },
  body: ({ functions, globals }) => {
    const counter = globals.get(COUNTER_EXPORT) ?? 0;
    const step = functions.get(stepImport.name) ?? 0;
    const pause = functions.get(pauseImport.name) ?? 0;
    // deno-fmt-ignore
    return bytesOf(
      1, 1, 0x7f,
      Op.call, step, Op.localTee, 0, Op.i32Eqz,
      Op.if, EMPTY_BLOCK, Op.call, pause, Op.localSet, 0, Op.end,
      Op.localGet, 0, Op.i32Const, 0, Op.i32LessSigned,
      Op.if, EMPTY_BLOCK, Op.unreachable, Op.end,
      Op.localGet, 0, Op.globalSet, counter,
      Op.end,
    );
  },
};

/** counter -= length >>> 6; if (counter < 0) tick(). */
const charge: AddedFunction = {
  name: CHARGE,
  type: { params: ["i32"], results: [] },
  body: ({ functions, globals }) => {
    const counter = globals.get(COUNTER_EXPORT) ?? 0;
    const tick = functions.get(TICK) ?? 0;
    // deno-fmt-ignore
    return bytesOf(
      0,
      Op.globalGet, counter, Op.localGet, 0, Op.i32Const, bulkShift, Op.i32ShiftRightUnsigned,
      Op.i32Sub, Op.globalSet, counter,
      Op.globalGet, counter, Op.i32Const, 0, Op.i32LessSigned,
      Op.if, EMPTY_BLOCK, Op.call, tick, Op.end,
      Op.end,
    );
  },
};

/** charge(length < 2^32 ? length : 2^32 - 1). */
const chargeLong: AddedFunction = {
  name: CHARGE_LONG,
  type: { params: ["i64"], results: [] },
  body: ({ functions }) =>
    // deno-fmt-ignore
    bytesOf(
      0,
      Op.localGet, 0, [Op.i32WrapI64], Op.i32Const, 0x7f,
      Op.localGet, 0, Op.i64Const, [0x80, 0x80, 0x80, 0x80, 0x10], Op.i64LessUnsigned,
      Op.select, Op.call, functions.get(CHARGE) ?? 0,
      Op.end,
    ),
};

/** if (length > maxArrayLength) trap(); charge(length). */
const chargeArray: AddedFunction = {
  name: CHARGE_ARRAY,
  type: { params: ["i32"], results: [] },
  body: ({ functions }) =>
    // deno-fmt-ignore
    bytesOf(
      0,
      Op.localGet, 0, Op.i32Const, maxArrayLength, Op.i32GreaterUnsigned,
      Op.if, EMPTY_BLOCK, Op.unreachable, Op.end,
      Op.localGet, 0, Op.call, functions.get(CHARGE) ?? 0,
      Op.end,
    ),
};

/**
 * The result of a wait without a timeout, and the timeout:
 *
 *     if (result != timedOut || timeout == 0) return result;
 *     counter = host.wait(timeout); if (counter < 0) trap(); return timedOut
 */
const wait: AddedFunction = {
  name: WAIT,
  type: { params: ["i32", "i64"], results: ["i32"] },
  body: ({ functions, globals }) => {
    const [result, timeout, steps, timedOut] = [0, 1, 2, 2];
    const counter = globals.get(COUNTER_EXPORT) ?? 0;
    // deno-fmt-ignore
    return bytesOf(
      1, 1, 0x7f,
      Op.localGet, result, Op.i32Const, timedOut, Op.i32NotEqual,
      Op.if, EMPTY_BLOCK, Op.localGet, result, Op.return, Op.end,
      Op.localGet, timeout, Op.i64Eqz,
      Op.if, EMPTY_BLOCK, Op.localGet, result, Op.return, Op.end,
      Op.localGet, timeout, Op.call, functions.get(waitImport.name) ?? 0, Op.localTee, steps,
      Op.i32Const, 0, Op.i32LessSigned, Op.if, EMPTY_BLOCK, Op.unreachable, Op.end,
      Op.localGet, steps, Op.globalSet, counter,
      Op.i32Const, timedOut,
      Op.end,
    );
  },
};
