import type { Value } from "../../../src/component/abi/codec.ts";
import type { ComponentValueType } from "../../../src/component/types/types.ts";

/** Arrays that jco makes of lists of numbers. */
const arrays: Readonly<Record<string, { from(values: Iterable<never>): unknown }>> = {
  s8: Int8Array,
  u16: Uint16Array,
  s16: Int16Array,
  u32: Uint32Array,
  s32: Int32Array,
  u64: BigUint64Array,
  s64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
};

/** Converts a value to the form that jco's code expects. */
export function toJco(type: ComponentValueType, value: Value): unknown {
  switch (type.kind) {
    case "flags":
      return Object.fromEntries(
        type.labels.map((label, bit) => [camelCase(label), ((value as number) >>> bit & 1) === 1]),
      );
    case "tuple":
      return type.types.map((part, at) => toJco(part, (value as readonly Value[])[at]));
    case "record":
      return Object.fromEntries(type.fields.map(({ label, type }) => [
        camelCase(label),
        toJco(type, (value as Record<string, Value>)[label]),
      ]));
    case "variant":
    case "result": {
      const { tag, value: payload } = value as { tag: string; value: Value };
      const wanted = payloadOf(type, tag);
      return {
        tag: type.kind === "result" && tag === "error" ? "err" : tag,
        val: wanted && toJco(wanted, payload),
      };
    }
    case "option": {
      const isNested = type.type.kind === "option";
      if (!isNested) return value === undefined ? undefined : toJco(type.type, value);
      if (value === undefined) return { tag: "none" };
      return { tag: "some", val: toJco(type.type, (value as { value: Value }).value) };
    }
    case "list": {
      if (type.element.kind === "u8") return value;
      const values = (value as readonly Value[]).map((one) => toJco(type.element, one));
      return arrays[type.element.kind]?.from(values as never[]) ?? values;
    }
    default:
      return value;
  }
}

/** Converts a value of jco to ours. */
export function fromJco(type: ComponentValueType, value: unknown): Value {
  switch (type.kind) {
    case "flags":
      return type.labels.reduce(
        (bits, label, bit) => bits + ((value as never)[camelCase(label)] ? 2 ** bit : 0),
        0,
      );
    case "tuple":
      return type.types.map((part, at) => fromJco(part, (value as readonly unknown[])[at]));
    case "record":
      return Object.fromEntries(
        type.fields.map(({ label, type }) => [
          label,
          fromJco(type, (value as never)[camelCase(label)]),
        ]),
      );
    case "variant":
    case "result": {
      const { tag, val } = value as { tag: string; val: unknown };
      const ours = type.kind === "result" && tag === "err" ? "error" : tag;
      const wanted = payloadOf(type, ours);
      return { tag: ours, value: wanted && fromJco(wanted, val) };
    }
    case "option": {
      const isNested = type.type.kind === "option";
      if (!isNested) return value === undefined ? undefined : fromJco(type.type, value);
      const { tag, val } = value as { tag: string; val: unknown };
      return tag === "none" ? undefined : { value: fromJco(type.type, val) };
    }
    case "list":
      if (type.element.kind === "u8") return value as Uint8Array;
      return Array.from(value as Iterable<unknown>, (one) => fromJco(type.element, one));
    default:
      return value as Value;
  }
}

function payloadOf(
  type: ComponentValueType & { kind: "variant" | "result" },
  tag: string,
): ComponentValueType | undefined {
  if (type.kind === "result") return tag === "ok" ? type.ok : type.error;
  return type.cases.find(({ label }) => label === tag)?.type;
}

/** `case-1` is `case1`, as jco names it. */
function camelCase(label: string): string {
  return label.replace(/-(.)/g, (_, next: string) => next.toUpperCase());
}
