import type { Row } from "./row.ts";
import { cli } from "./rows/cli.ts";
import { components } from "./rows/components.ts";
import { deadline } from "./rows/deadline.ts";
import { fairness } from "./rows/fairness.ts";
import { files } from "./rows/files.ts";
import { inProcess } from "./rows/in_process.ts";
import { latency } from "./rows/latency.ts";
import { loading } from "./rows/loading.ts";
import { memory } from "./rows/memory.ts";
import { prepare } from "./rows/prepare.ts";
import { proxy } from "./rows/proxy.ts";
import { registry } from "./rows/registry.ts";
import { start } from "./rows/start.ts";
import { steps } from "./rows/steps.ts";
import { store } from "./rows/store.ts";
import { throughput } from "./rows/throughput.ts";
import { waiting } from "./rows/waiting.ts";

/** Every row, in the order in which they run. */
export const rows: readonly Row[] = [
  throughput,
  latency,
  inProcess,
  prepare,
  steps,
  fairness,
  deadline,
  waiting,
  components,
  store,
  loading,
  memory,
  cli,
  start,
  files,
  proxy,
  registry,
];
