// Transpiles components with jco: node transpile.mjs FOLDER writes FOLDER/NAME/c.js and its core
// modules for each FOLDER/NAME.wasm. CAPSULE_JCO is the folder of `scripts/install_jco.sh`.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const [, , folder] = process.argv;
const jco = `${process.env.CAPSULE_JCO}/node_modules/@bytecodealliance/jco`;
const { $init, generate } = await import(`${jco}/obj/js-component-bindgen-component.js`);
await $init;
for (const file of readdirSync(folder)) {
  if (!file.endsWith(".wasm")) continue;
  const name = file.slice(0, -".wasm".length);
  mkdirSync(`${folder}/${name}`);
  const { files } = generate(new Uint8Array(readFileSync(`${folder}/${file}`)), {
    name: "c",
    noTypescript: true,
    noNodejsCompat: true,
    instantiation: { tag: "sync" },
    map: [],
  });
  for (const [path, bytes] of files) writeFileSync(`${folder}/${name}/${path}`, bytes);
}
