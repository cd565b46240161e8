import { readCallGraph } from "../scan/call_graph.ts";
import { COUNTER_EXPORT, pauseImport, stepImport } from "../contract.ts";
import type { AddedFunction, Edits } from "../plan/edits.ts";
import { EMPTY_BLOCK, Op } from "../format/instructions.ts";
import type { Layout } from "../format/layout.ts";
import type { CodePlan } from "../plan/marks.ts";
import { CHARGE, TICK } from "../plan/added_names.ts";
import { CheckPlacer } from "./place_checks.ts";
import type { Code } from "../scan/scan.ts";
import { CheckWeigher } from "./weigh_checks.ts";
import { bytesOf } from "../format/writer.ts";

/** One step stands for 2^6 bytes or elements of a bulk instruction. */
const bulkShift = 6;

/** Decides where the checks go; the rules are in `place_checks.ts` and `weigh_checks.ts`. */
export function placeSteps(layout: Layout, code: Code): CodePlan {
  const graph = readCallGraph(layout, code);
  const placer = new CheckPlacer(layout, code, graph.cut);
  placer.place();
  const weigher = new CheckWeigher(layout, code, graph, placer);
  weigher.weigh();
  return { marks: placer.marks, weights: weigher.weights };
}

/** Adds what the checks of the plan use. Returns the name of the counter, or undefined when there are no checks. */
export function addSteps(edits: Edits): string | undefined {
  if (!edits.code.marks.some(Boolean)) return undefined;
  edits.globals.push({ name: COUNTER_EXPORT, initial: 0 });
  edits.imports.push(stepImport, pauseImport);
  edits.functions.push(tick, charge);
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

/** counter -= length >> 6; if (counter < 0) tick(). */
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
