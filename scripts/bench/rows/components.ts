import { componentContenders, outputOf } from "../components/contenders.ts";
import type { Line, Row } from "../row.ts";
import { echo } from "../components/echo.ts";
import { fairness } from "../components/fairness.ts";
import { firstAnswer } from "../components/first_answer.ts";
import { leak } from "../components/leak.ts";
import { requests } from "../components/requests.ts";
import { services } from "../components/services.ts";

/** Components beside `wasmtime serve`, each server on one processor. */
export const components: Row = {
  name: "components",
  about: "components of wasi:http beside `wasmtime serve`, each server on one processor",
  async run(bench) {
    const contenders = await componentContenders(bench.say);
    if (!contenders) return [];
    const folder = await outputOf("build_components.sh", bench.say);
    const javascript = folder && `${folder}/component_javascript.wasm`;
    const lines: Line[] = await requests(contenders, bench, javascript);
    if (javascript) lines.push(...await firstAnswer(contenders, bench, javascript));
    lines.push(...await services(contenders, bench));
    lines.push(...await echo(contenders, bench));
    lines.push(...await fairness(contenders, bench));
    lines.push(...await leak(contenders, bench));
    return lines;
  },
};
