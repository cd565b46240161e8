/** Makes a file's new name in the folder survive a power cut; where a folder cannot be opened, the system sees to it. */
export async function syncFolder(path: string): Promise<void> {
  try {
    using folder = await Deno.open(path);
    await folder.sync();
  } catch (error) {
    if (Deno.build.os !== "windows") throw error;
  }
}
