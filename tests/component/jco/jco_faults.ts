import { layoutOf } from "../../../src/component/abi/layout.ts";
import { type ComponentValueType, contains } from "../../../src/component/types/types.ts";
import { isPassedInMemory } from "./component_text.ts";

/** A call that returns a value, or traps with a message. */
export type Outcome = { readonly value: unknown } | { readonly trap: string };

/** A rule of the specification that jco 1.24 does not keep, and how that shows. */
interface Fault {
  /** From the definitions of CanonicalABI.md. */
  readonly rule: string;
  /** Our trap, where jco returns a value. */
  readonly here?: RegExp;
  /** The trap of jco, where we return a value. With neither, both return a value. */
  readonly jco?: RegExp;
  /** Default: all types and calls. */
  readonly when?: (call: { name: string; type: ComponentValueType }) => boolean;
}

const isPassedFlat = ({ name, type }: { name: string; type: ComponentValueType }) =>
  name === "pass" && !isPassedInMemory(type);

const hasJoinedFlat = (call: { name: string; type: ComponentValueType }) =>
  isPassedFlat(call) && layoutOf(call.type).flat.includes("i64");

export const jcoFaults: readonly Fault[] = [
  {
    rule: "load_list_from_range: trap_if(ptr + length * elem_size > len(memory))",
    here: /^\d+ bytes at \d+ are out of bounds of memory$/,
  },
  {
    rule: "load_list_from_range: a byte length of more than 2^28 - 1 traps",
    here: /^a list of \d+ bytes is longer than/,
  },
  {
    rule: "load_list_from_range: trap_if(ptr != align_to(ptr, alignment(elem_type)))",
    here: /^pointer \d+ is not aligned to/,
  },
  {
    rule: "load_string_from_range: a UnicodeError of the decoder traps",
    here: /^a string is not valid UTF-/,
  },
  {
    rule: "unpack_flags_from_int: bits without a label are ignored",
    jco: /^flags have extraneous bits set$/,
  },
  {
    rule: "convert_int_to_bool: every number but 0 is true",
    jco: /^invalid variant discriminant for bool$/,
  },
  {
    rule: "one of these rules, where another error of jco takes the place of its trap",
    jco: /^currentSubtask is not defined$/,
    when: (call) =>
      call.name === "pass" &&
      (hasJoinedFlat(call) || contains(call.type, ({ kind }) => partial.has(kind))),
  },
  {
    rule: "lift_flat_signed and lift_flat_unsigned: the upper bits of an i32 are ignored",
    jco: /^must be between -?\d+ and \d+$/,
    when: ({ name, type }) => name === "load" || isPassedFlat({ name, type }),
  },
  {
    rule: "lift_flat_variant: wrap_i64_to_i32 ignores the upper bits of a joined i64",
    jco: /^invalid (variant )?discriminant (specified )?for (expected|option|T\w+)$/,
    when: hasJoinedFlat,
  },
  {
    rule: "lift_flat_variant: wrap_i64_to_i32 keeps the lower bits, which jco rounds in flags",
    when: (call) => hasJoinedFlat(call) && contains(call.type, ({ kind }) => kind === "flags"),
  },
];

/** Types whose core value has unused bits. */
const partial = new Set<string>(["bool", "flags", "u8", "s8", "u16", "s16"]);

/** Returns the rule that jco does not keep, if that is why the outcomes of a call differ. */
export function jcoFault(
  call: { name: string; type: ComponentValueType },
  here: Outcome,
  jco: Outcome,
): string | undefined {
  const isMet = (fault: Fault) => {
    if ("trap" in here) return !("trap" in jco) && fault.here?.test(here.trap);
    return "trap" in jco ? fault.jco?.test(jco.trap) : !fault.here && !fault.jco;
  };
  return jcoFaults.find((fault) => (fault.when?.(call) ?? true) && isMet(fault))?.rule;
}
