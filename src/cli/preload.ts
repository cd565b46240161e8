// Written by scripts/preload.ts.
import "../base/errors.ts";
import "../base/io.ts";
import "../base/log.ts";
import "../base/printable.ts";
import "../base/units.ts";
import "../cli/mistyped.ts";
import "../cli/parse.ts";
import "../cli/refusals.ts";
import "../cli/run.ts";
import "../cli/split.ts";
import "../options/flag.ts";
import "../options/flags.ts";
import "../options/modes.ts";
