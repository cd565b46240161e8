import fc from "fast-check";
import type { Value } from "../../../src/component/abi/codec.ts";
import type { ComponentValueType } from "../../../src/component/types/types.ts";

const labels = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, at) => `${prefix}-${at}`);

const primitive: fc.Arbitrary<ComponentValueType> = fc.oneof(
  fc.constantFrom(
    ...["bool", "u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64"] as const,
    ...["char", "string", "string"] as const,
  ).map((kind): ComponentValueType => ({ kind })),
  fc.integer({ min: 1, max: 32 }).map((count): ComponentValueType => ({
    kind: "flags",
    labels: labels(count, "flag"),
  })),
  fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 1, max: 5 }) }, fc.constantFrom(256, 257))
    .map((count): ComponentValueType => ({ kind: "enum", labels: labels(count, "case") })),
);

/** Value types of any shape without handles; records of up to 20 fields are passed in memory. */
export const { type: randomType } = fc.letrec<{ type: ComponentValueType }>((tie) => {
  const payload = fc.option(tie("type"), { nil: undefined });
  return {
    type: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      primitive,
      fc.array(tie("type"), { minLength: 1, maxLength: 4 })
        .map((types): ComponentValueType => ({ kind: "tuple", types })),
      fc.array(primitive, { minLength: 17, maxLength: 20 })
        .map((types): ComponentValueType => ({ kind: "tuple", types })),
      fc.array(tie("type"), { minLength: 1, maxLength: 4 }).map((types): ComponentValueType => ({
        kind: "record",
        fields: types.map((type, at) => ({ label: `field-${at}`, type })),
      })),
      fc.array(payload, { minLength: 1, maxLength: 4 }).map((types): ComponentValueType => ({
        kind: "variant",
        cases: types.map((type, at) => ({ label: `case-${at}`, type })),
      })),
      tie("type").map((type): ComponentValueType => ({ kind: "option", type })),
      fc.tuple(payload, payload)
        .map(([ok, error]): ComponentValueType => ({ kind: "result", ok, error })),
      tie("type").map((element): ComponentValueType => ({ kind: "list", element })),
    ),
  };
});

const integers: Readonly<Record<string, readonly [min: number, max: number]>> = {
  u8: [0, 0xff],
  s8: [-0x80, 0x7f],
  u16: [0, 0xffff],
  s16: [-0x8000, 0x7fff],
  u32: [0, 0xffff_ffff],
  s32: [-0x8000_0000, 0x7fff_ffff],
};

/** Returns values of a type. */
export function randomValue(type: ComponentValueType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case "bool":
      return fc.boolean();
    case "u64":
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case "s64":
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case "f32":
      return fc.float();
    case "f64":
      return fc.double();
    case "char":
      return fc.string({ unit: "binary", minLength: 1, maxLength: 1 });
    case "string":
      return fc.oneof(
        fc.string({ unit: "grapheme" }),
        fc.string({ unit: "binary" }),
        fc.string({ unit: fc.integer({ min: 0, max: 0xff }).map((n) => String.fromCharCode(n)) }),
      );
    case "flags":
      return fc.integer({ min: 0, max: 2 ** type.labels.length - 1 });
    case "enum":
      return fc.constantFrom(...type.labels);
    case "tuple":
      return fc.tuple(...type.types.map(randomValue));
    case "record":
      return fc.tuple(...type.fields.map(({ type }) => randomValue(type))).map((values) =>
        Object.fromEntries(type.fields.map(({ label }, at) => [label, values[at]]))
      );
    case "variant":
      return fc.oneof(...type.cases.map(({ label, type }) => tagged(label, type)));
    case "result":
      return fc.oneof(tagged("ok", type.ok), tagged("error", type.error));
    case "option":
      return fc.oneof(
        fc.constant(undefined),
        randomValue(type.type).map((value) => type.type.kind === "option" ? { value } : value),
      );
    case "list":
      if (type.element.kind === "u8") return fc.uint8Array();
      return fc.array(randomValue(type.element), { maxLength: 4 });
    default: {
      const [min, max] = integers[type.kind] ?? [0, 0];
      return fc.integer({ min, max });
    }
  }
}

function tagged(tag: string, type: ComponentValueType | undefined): fc.Arbitrary<Value> {
  return (type ? randomValue(type) : fc.constant(undefined)).map((value) => ({ tag, value }));
}
