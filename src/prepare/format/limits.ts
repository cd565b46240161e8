/**
 * Flags before the limits of a memory or table: it has a maximum, is shared, has 64-bit addresses.
 */
export const LimitFlag = { maximum: 1, shared: 2, is64: 4 } as const;
