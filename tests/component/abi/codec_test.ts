import assert from "node:assert/strict";
import fc from "fast-check";
import {
  codecOf,
  type CoreValue,
  FlatReader,
  type Value,
} from "../../../src/component/abi/codec.ts";
import type { AbiContext } from "../../../src/component/abi/context.ts";
import { layoutOf } from "../../../src/component/abi/layout.ts";
import type { StringEncoding } from "../../../src/component/format/syntax.ts";
import type { ComponentValueType } from "../../../src/component/types/types.ts";

/** A guest's memory with an allocator that never frees. */
function guest(encoding: StringEncoding): AbiContext {
  const bytes = new Uint8Array(1 << 20);
  let top = 16;
  const unused = () => {
    throw new Error("no handles here");
  };
  return {
    memory: { bytes, view: new DataView(bytes.buffer) },
    encoding,
    countLifted: () => {},
    realloc(_old, _oldSize, alignment, size) {
      top = Math.ceil(top / alignment) * alignment;
      const pointer = top;
      top += size;
      return pointer;
    },
    liftOwn: unused,
    liftBorrow: unused,
    lowerOwn: unused,
    lowerBorrow: unused,
    liftCopy: unused,
    lowerCopy: unused,
    liftError: unused,
    lowerError: unused,
  };
}

type Sample = { readonly type: ComponentValueType; readonly value: Value };

const text = fc.string({ unit: "grapheme" }).map((text) => text.toWellFormed());
const whole = (kind: "u8" | "s8" | "u16" | "s16" | "u32" | "s32", bits: number) => {
  const range = kind.startsWith("u")
    ? { min: 0, max: 2 ** bits - 1 }
    : { min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 };
  return fc.integer(range).map((value): Sample => ({ type: { kind }, value }));
};
const primitive: fc.Arbitrary<Sample> = fc.oneof(
  fc.boolean().map((value): Sample => ({ type: { kind: "bool" }, value })),
  whole("u8", 8),
  whole("s8", 8),
  whole("u16", 16),
  whole("s16", 16),
  whole("u32", 32),
  whole("s32", 32),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): Sample => ({
    type: { kind: "u64" },
    value,
  })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value): Sample => ({ type: { kind: "s64" }, value })),
  fc.float().map((value): Sample => ({ type: { kind: "f32" }, value })),
  fc.double().map((value): Sample => ({ type: { kind: "f64" }, value })),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 })
    .map((value): Sample => ({ type: { kind: "char" }, value })),
  text.map((value): Sample => ({ type: { kind: "string" }, value })),
  fc.uint8Array().map((value): Sample => ({
    type: { kind: "list", element: { kind: "u8" } },
    value,
  })),
  fc.integer({ min: 1, max: 32 }).chain((count) =>
    fc.integer({ min: 0, max: 2 ** count - 1 }).map((value): Sample => ({
      type: { kind: "flags", labels: Array.from({ length: count }, (_, i) => `l${i}`) },
      value,
    }))
  ),
  fc.integer({ min: 1, max: 300 }).chain((count) =>
    fc.nat(count - 1).map((index): Sample => ({
      type: { kind: "enum", labels: Array.from({ length: count }, (_, i) => `l${i}`) },
      value: `l${index}`,
    }))
  ),
);

const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    primitive,
    fc.array(tie("sample"), { minLength: 1, maxLength: 5 }).map((parts): Sample => ({
      type: { kind: "tuple", types: parts.map(({ type }) => type) },
      value: parts.map(({ value }) => value),
    })),
    fc.array(tie("sample"), { minLength: 1, maxLength: 5 }).map((parts): Sample => ({
      type: { kind: "record", fields: parts.map(({ type }, i) => ({ label: `f${i}`, type })) },
      value: Object.fromEntries(parts.map(({ value }, i) => [`f${i}`, value])),
    })),
    fc.tuple(fc.array(tie("sample"), { minLength: 1, maxLength: 4 }), fc.nat()).map(
      ([parts, pick]): Sample => {
        const cases = parts.map(({ type }, i) => ({ label: `c${i}`, type }));
        const index = pick % (parts.length + 1);
        return {
          type: { kind: "variant", cases: [...cases, { label: "none", type: undefined }] },
          value: index === parts.length
            ? { tag: "none", value: undefined }
            : { tag: `c${index}`, value: parts[index]?.value },
        };
      },
    ),
    fc.tuple(tie("sample"), fc.boolean()).map(([{ type, value }, isSome]): Sample => ({
      type: { kind: "option", type },
      value: !isSome ? undefined : type.kind === "option" ? { value } : value,
    })),
    fc.tuple(tie("sample"), tie("sample"), fc.boolean()).map(([ok, error, isOk]): Sample => ({
      type: { kind: "result", ok: ok.type, error: error.type },
      value: isOk ? { tag: "ok", value: ok.value } : { tag: "error", value: error.value },
    })),
    fc.tuple(tie("sample"), fc.nat(4)).map(([{ type, value }, count]): Sample => ({
      type: { kind: "list", element: type },
      value: type.kind === "u8"
        ? new Uint8Array(count).fill(Number(value))
        : Array.from({ length: count }, () => value),
    })),
  ),
}));

for (const encoding of ["utf8", "utf16", "latin1+utf16"] as const) {
  Deno.test(`codec: values survive memory and flattening in ${encoding}`, () => {
    fc.assert(
      fc.property(sample, ({ type, value }) => {
        const codec = codecOf(type);
        const { size, alignment, flat } = layoutOf(type);
        const stored = guest(encoding);
        const pointer = stored.realloc(0, 0, alignment, size);
        codec.store(stored, value, pointer);
        assert.deepEqual(codec.load(stored, pointer), value);
        // Longer values are never flattened.
        if (flat.length > 16) return;
        const lowered = guest(encoding);
        const values: CoreValue[] = [];
        codec.lower(lowered, value, values);
        assert.equal(values.length, flat.length);
        assert.deepEqual(codec.lift(lowered, new FlatReader(values)), value);
      }),
      { numRuns: 3_500, seed: 1 },
    );
  });
}

const traps:
  readonly (readonly [title: string, type: ComponentValueType, flat: number[], message: RegExp])[] =
    [
      ["a string past the memory", { kind: "string" }, [1 << 20, 1], /out of bounds/],
      ["a string that is not UTF-8", { kind: "string" }, [0, 100], /not valid UTF-8/],
      [
        "a list past the memory",
        { kind: "list", element: { kind: "u64" } },
        [(1 << 20) - 8, 2],
        /out of bounds/,
      ],
      [
        "a list that is not aligned",
        { kind: "list", element: { kind: "u32" } },
        [2, 1],
        /not aligned to 4/,
      ],
      [
        "a list of more bytes than any memory",
        { kind: "list", element: { kind: "u64" } },
        [0, 0xffff_ffff],
        /longer than/,
      ],
      ["a surrogate as a char", { kind: "char" }, [0xd800], /not a Unicode scalar value/],
      ["a char past Unicode", { kind: "char" }, [0x110000], /not a Unicode scalar value/],
      ["an unknown case", { kind: "enum", labels: ["a"] }, [1], /1 is not a case/],
    ];

for (const [title, type, flat, message] of traps) {
  Deno.test(`codec: traps on ${title}`, () => {
    const cx = guest("utf8");
    cx.memory.bytes.fill(0xff, 0, 100);
    assert.throws(() => codecOf(type).lift(cx, new FlatReader(flat)), (error) => {
      assert.ok(error instanceof WebAssembly.RuntimeError, String(error));
      assert.match(error.message, message);
      return true;
    });
  });
}

/** Bits that a guest may leave in a core value, and that lifting ignores. */
const ignored: readonly (readonly [
  title: string,
  type: ComponentValueType,
  flat: readonly CoreValue[],
  value: Value,
])[] = [
  ["of a bool, as every number but 0 is true", { kind: "bool" }, [-2], true],
  ["above a u8", { kind: "u8" }, [0x1_ff], 255],
  ["above an s8", { kind: "s8" }, [0x1_80], -128],
  ["above a u16", { kind: "u16" }, [-1], 0xffff],
  ["above an s16", { kind: "s16" }, [0x1_8000], -0x8000],
  ["of flags without a label", { kind: "flags", labels: ["a", "b"] }, [-1], 3],
  [
    "above a case in a joined i64",
    { kind: "variant", cases: [enumCase("a"), { label: "b", type: { kind: "u64" } }] },
    [0, 0xffff_ffff_0000_0001n],
    { tag: "a", value: "y" },
  ],
];

function enumCase(label: string) {
  return { label, type: { kind: "enum", labels: ["x", "y"] } as const };
}

for (const [title, type, flat, value] of ignored) {
  Deno.test(`codec: lifting ignores bits ${title}`, () => {
    assert.deepEqual(codecOf(type).lift(guest("utf8"), new FlatReader(flat)), value);
  });
}
