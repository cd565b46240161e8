import type { HostTasks } from "../../component/instance/host.ts";
import type { P2Preopen } from "../p2/filesystem.ts";
import type { P2State } from "../p2/state.ts";

/** State that the functions of WASI 0.3 of one guest share. */
export interface P3Context {
  readonly state: P2State;
  readonly preopens: readonly P2Preopen[];
  readonly tasks: HostTasks;
}
