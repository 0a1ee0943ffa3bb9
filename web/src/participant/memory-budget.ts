const MIB = 1024 * 1024;

/** Choices offered for the memory that weights and caches may take, in bytes. */
export const MEMORY_CHOICES: readonly number[] = [512 * MIB, 1024 * MIB, 2048 * MIB, 4096 * MIB];

/**
 * Where the choice starts. `deviceGib`: navigator.deviceMemory, which only Chromium tells (2 to 32 on desktops, 1 to 8 on
 * phones). A quarter of it, and 1 GiB where it is not told: the whole default model expands to 540 MB. iOS ends a page near 1.5 GB.
 */
export function defaultMemoryBudget(deviceGib: number | undefined): number {
  const quarter = deviceGib === undefined ? 1024 * MIB : (deviceGib * 1024 * MIB) / 4;
  return MEMORY_CHOICES.findLast((choice) => choice <= quarter) ?? MEMORY_CHOICES[0] ?? 512 * MIB;
}
