import { formatMemory } from '../figures.ts';
import { MEMORY_CHOICES } from '../../participant/memory-budget.ts';
import type { ContributionDesk } from './contribution-desk.ts';

const ENGINES = [
  { value: 'auto', label: 'Fastest that computes right' },
  { value: 'wasm', label: 'Processor (WebAssembly)' },
  { value: 'webgpu', label: 'Graphics processor (WebGPU)' },
] as const;

/** What the person allows. Remembered in this browser; counts from the next start on. */
export function CapsForm({ desk }: { desk: ContributionDesk }) {
  const options = desk.options.value;
  const watchesPower = 'getBattery' in navigator;
  const keepsAwake = 'wakeLock' in navigator;
  return (
    <details class="caps">
      <summary>Limits and engine</summary>
      <div class="caps-fields">
        <label class="field">
          Memory for weights and caches
          <select value={String(options.memoryBudgetBytes)} onChange={(event) => desk.choose({ memoryBudgetBytes: Number(event.currentTarget.value) })}>
            {MEMORY_CHOICES.map((bytes) => (
              <option key={bytes} value={String(bytes)}>
                {formatMemory(bytes)}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          Compute with
          <select value={options.engine} onChange={(event) => desk.choose({ engine: ENGINES.find(({ value }) => value === event.currentTarget.value)?.value ?? 'auto' })}>
            {ENGINES.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input type="checkbox" checked={options.pauseOnBattery && watchesPower} disabled={!watchesPower} onChange={(event) => desk.choose({ pauseOnBattery: event.currentTarget.checked })} />
          <span>{watchesPower ? 'Pause on battery' : 'Pause on battery: this browser does not tell, so please stop by hand'}</span>
        </label>
        <label class="check">
          <input type="checkbox" checked={options.pauseWhenHidden} onChange={(event) => desk.choose({ pauseWhenHidden: event.currentTarget.checked })} />
          <span>Pause while this tab is hidden</span>
        </label>
        <label class="check">
          <input type="checkbox" checked={options.relayOnly} onChange={(event) => desk.choose({ relayOnly: event.currentTarget.checked })} />
          <span>Hide my network address from the tabs beside mine. Everything then goes through a relay, which is slower; the operator still sees the address</span>
          </label>
          <label class="check">
          <input type="checkbox" checked={options.keepAwake && keepsAwake} disabled={!keepsAwake} onChange={(event) => desk.choose({ keepAwake: event.currentTarget.checked })} />
          <span>{keepsAwake ? 'Keep the screen on while this tab is in front' : 'Keep the screen on: this browser cannot'}</span>
        </label>
      </div>
    </details>
  );
}
