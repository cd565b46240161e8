/**
 * Returns a random number generator with a fixed sequence, so that failures repeat
 * (https://en.wikipedia.org/wiki/Linear_congruential_generator).
 */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    return (state >>> 8) % below;
  };
}

/** Changes, removes or doubles a few bytes, or cuts everything off after one. */
export function mutate(
  bytes: Uint8Array,
  random: (below: number) => number,
): Uint8Array<ArrayBuffer> {
  const list = [...bytes];
  for (let left = 1 + random(3); left > 0; left--) {
    const at = 8 + random(Math.max(1, list.length - 8));
    switch (random(8)) {
      case 0:
        list.splice(at, 1);
        break;
      case 1:
        list.splice(at, 0, random(256));
        break;
      case 2:
        list.splice(at, 0, ...list.slice(at, at + random(20)));
        break;
      case 3:
        if (random(8) === 0) list.length = at;
        break;
      case 4:
        // Bytes of numbers, ends and prefixes.
        list[at] = [0x00, 0x0b, 0x40, 0x7f, 0x80, 0xff, 0xfc, 0xfd, 0xfb, 0xfe][random(10)] ?? 0;
        break;
      default:
        list[at] = random(256);
    }
  }
  return new Uint8Array(list);
}
