/** Outcome of each test of a Go package, by name. */
export type Outcomes = Map<string, "passed" | "failed" | "skipped">;

const words = { PASS: "passed", FAIL: "failed", SKIP: "skipped" } as const;

/** Most starts: after a crash or a timeout, the program is started again without that test. */
const mostStarts = 60;
const mostLate = 3;

/**
 * Runs all tests of a Go package. When the program ends early, the test that was running has
 * failed.
 *
 * @param run starts the program, and returns its output and whether it was killed for its time.
 */
export async function runGoTests(
  run: (args: string[]) => Promise<{ output: string; late: boolean }>,
): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  let timesLate = 0;
  for (let start = 0; start < mostStarts && timesLate < mostLate; start++) {
    const done = [...outcomes.keys()].map((name) => `^${name}$`).join("|");
    const { output, late } = await run(["-test.v", ...(done === "" ? [] : [`-test.skip=${done}`])]);
    for (const [, word, name] of output.matchAll(/^--- (PASS|FAIL|SKIP): (\S+)/gm)) {
      if (name !== undefined) outcomes.set(name, words[word as keyof typeof words]);
    }
    if (/^(PASS|FAIL)$/m.test(output)) return outcomes;
    const crashed = [...output.matchAll(/^=== (?:RUN|CONT|NAME) +([^\s/]+)/gm)].at(-1)?.[1];
    if (crashed === undefined || outcomes.get(crashed) === "failed") {
      throw new Error(`it does not run its tests:\n${output.slice(-2_000)}`);
    }
    outcomes.set(crashed, "failed");
    if (late) timesLate++;
  }
  return outcomes;
}

/** Returns the names of the tests with that outcome, sorted. */
export function named(outcomes: Outcomes, outcome: "passed" | "failed" | "skipped"): string[] {
  return [...outcomes].filter(([, found]) => found === outcome).map(([name]) => name).sort();
}
