import type { Row } from "./row.ts";
import { cli } from "./rows/cli.ts";
import { deadline } from "./rows/deadline.ts";
import { fairness } from "./rows/fairness.ts";
import { inProcess } from "./rows/in_process.ts";
import { latency } from "./rows/latency.ts";
import { memory } from "./rows/memory.ts";
import { proxy } from "./rows/proxy.ts";
import { steps } from "./rows/steps.ts";
import { throughput } from "./rows/throughput.ts";
import { waiting } from "./rows/waiting.ts";

/** Every row, in the order in which they run. */
export const rows: readonly Row[] = [
  throughput,
  latency,
  inProcess,
  steps,
  fairness,
  deadline,
  waiting,
  memory,
  cli,
  proxy,
];
