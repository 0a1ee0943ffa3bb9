import { useSignal } from '@preact/signals';
import { sentence } from '../trouble-box.tsx';
import type { Signal } from '@preact/signals';

/** What a panel shows of something that it looks at and acts on. */
export interface Acts<Status> {
  /** As the last act left it; undefined before the first. */
  readonly status: Signal<Status | undefined>;
  /** What is being done, or why the last act failed; empty otherwise. */
  readonly said: Signal<string>;
  readonly busy: Signal<boolean>;
  /** Does `task` and shows what it gives; true when it did not fail. */
  act(what: string, task: () => Promise<Status>): Promise<boolean>;
}

/** For a panel whose every act gives how things stand afterwards. */
export function useAct<Status>(): Acts<Status> {
  const status = useSignal<Status | undefined>(undefined);
  const said = useSignal('');
  const busy = useSignal(false);
  const act = async (what: string, task: () => Promise<Status>): Promise<boolean> => {
    busy.value = true;
    said.value = what;
    try {
      status.value = await task();
      said.value = '';
      return true;
    } catch (error) {
      said.value = sentence(error instanceof Error ? error.message : String(error));
      return false;
    } finally {
      busy.value = false;
    }
  };
  return { status, said, busy, act };
}
