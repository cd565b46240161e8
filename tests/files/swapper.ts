/**
 * Swaps the folder `inside/swap` for a link that leads out, and back, until its standard input
 * ends. Prints a line when it begins. Argument: the folder that contains `inside`.
 */
const folder = Deno.args[0];
if (folder === undefined) throw new Error("which folder?");
const [swap, spareFolder, spareLink] = [
  `${folder}/inside/swap`,
  `${folder}/spare-folder`,
  `${folder}/spare-link`,
];
let ended = false;
Deno.stdin.read(new Uint8Array(1)).finally(() => ended = true);
console.log("swapping");
while (!ended) {
  for (let turn = 0; turn < 200; turn++) {
    Deno.renameSync(swap, spareFolder);
    Deno.renameSync(spareLink, swap);
    Deno.renameSync(swap, spareLink);
    Deno.renameSync(spareFolder, swap);
  }
  await new Promise((resolve) => setTimeout(resolve, 0));
}
