import { builtComponentTest, guestLanguages, guestPath } from "../../testing/built_components.ts";
import { assertFreshCalls } from "./guest_state.ts";

for (const language of guestLanguages) {
  builtComponentTest(`component in ${language}: no call sees a second visit`, async (folder) => {
    const bytes = await Deno.readFile(guestPath(folder, language));
    await assertFreshCalls(bytes, { calls: 300, endless: 1 });
  });
}
