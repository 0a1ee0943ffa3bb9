const MIB = 1024 * 1024;

/** Choices offered for the memory that weights and caches may take, in bytes. */
export const MEMORY_CHOICES: readonly number[] = [512 * MIB, 1024 * MIB, 2048 * MIB, 4096 * MIB];

/** Enough for the whole default model (540 MB expanded) with its caches; whoever wants to give more says so. */
const LARGEST_DEFAULT_BYTES = 1024 * MIB;

/**
 * Where the choice starts: a quarter of the device's memory, at most LARGEST_DEFAULT_BYTES. `deviceGib`:
 * navigator.deviceMemory, which only Chromium tells (2 to 32 on desktops, 1 to 8 on phones).
 */
export function defaultMemoryBudget(deviceGib: number | undefined): number {
  const quarter = deviceGib === undefined ? LARGEST_DEFAULT_BYTES : (deviceGib * 1024 * MIB) / 4;
  return MEMORY_CHOICES.findLast((choice) => choice <= Math.min(quarter, LARGEST_DEFAULT_BYTES)) ?? 512 * MIB;
}
