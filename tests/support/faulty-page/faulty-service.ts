/** Takes the place of `ComputeService` in the compute worker of a tab that is to fail: the same service, whose engine fails once a test says so. */
import { ComputeService as StockService } from '@ciro/web/worker/compute-service.ts';
import { FAULT_FLAG } from './fault-flag.ts';
import type { ComputePlatform, LoadedStage } from '@ciro/web/worker/compute-platform.ts';
import type { PageFault } from './fault-flag.ts';

interface Device {
  destroy(): void;
}
interface Adapter {
  requestDevice(...args: unknown[]): Promise<Device>;
}
interface FaultyGlobal {
  [FAULT_FLAG]?: PageFault;
  readonly GPUAdapter?: { readonly prototype: Adapter };
}

/** The largest memory that WASM has, 4 GiB: of these a browser gives a worker some dozens. */
const MOST_PAGES = 65_536;
const faulty = globalThis as FaultyGlobal;
const devices: Device[] = [];

const adapter = faulty.GPUAdapter?.prototype;
if (adapter !== undefined) {
  const requestDevice = adapter.requestDevice;
  adapter.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    devices.push(device);
    return device;
  };
}

export class ComputeService extends StockService {
  constructor(platform: ComputePlatform) {
    super({ ...platform, loadStage: async (order) => failing(await platform.loadStage(order)) });
  }
}

/** The stage with another `run`; everything else is its own. */
function failing(stage: LoadedStage): LoadedStage {
  const run = stage.run.bind(stage);
  stage.run = async (...args) => {
    const fault = faulty[FAULT_FLAG];
    delete faulty[FAULT_FLAG];
    switch (fault) {
      case 'hang':
        for (;;);
      case 'stand':
        return new Promise(() => undefined);
      case 'out-of-memory':
        for (const memories: WebAssembly.Memory[] = []; ; ) memories.push(new WebAssembly.Memory({ initial: MOST_PAGES }));
      case 'device-lost':
        for (const device of devices) device.destroy();
        break;
      case undefined:
        break;
    }
    return run(...args);
  };
  return stage;
}
