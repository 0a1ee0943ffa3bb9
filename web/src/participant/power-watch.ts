/** The part of the Battery Status API that is used; only Chromium has it. */
interface Battery extends EventTarget {
  readonly charging: boolean;
}
interface BatteryNavigator {
  getBattery?: () => Promise<Battery>;
}

/** True where the browser can tell whether it runs on battery. */
export const canWatchPower = (): boolean => typeof (navigator as BatteryNavigator).getBattery === 'function';

/** Calls `onPower` with the state now and at each change, until aborted. Does nothing where the browser does not tell. */
export async function watchPower(onPower: (onBattery: boolean) => void, signal: AbortSignal): Promise<void> {
  const battery = await (navigator as BatteryNavigator).getBattery?.();
  if (battery === undefined || signal.aborted) return;
  onPower(!battery.charging);
  battery.addEventListener('chargingchange', () => onPower(!battery.charging), { signal });
}
