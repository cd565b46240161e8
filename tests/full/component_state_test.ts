import { assertFreshCalls } from "../function/component/guest_state.ts";
import { builtComponentTest, guestLanguages, guestPath } from "../testing/built_components.ts";

const isFull = Deno.env.has("CAPSULE_TEST_FULL");

for (const language of isFull ? guestLanguages : []) {
  builtComponentTest(
    `component in ${language}: 10,000 calls are each the first`,
    async (folder) => {
      const bytes = await Deno.readFile(guestPath(folder, language));
      await assertFreshCalls(bytes, { calls: 10_000, endless: 4 });
    },
  );
}
