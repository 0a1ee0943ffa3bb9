import { useSignal } from '@preact/signals';
import { sentence } from '../trouble-box.tsx';
import type { ComponentType } from 'preact';
import type { PayoutFace } from '../../participant/payout-face.ts';
import type { ContributionDesk } from '../contribute/contribution-desk.ts';

interface Opened {
  readonly Panel: ComponentType<{ face: PayoutFace; own: string }>;
  readonly face: PayoutFace;
}

/** Behind it: where this worker is paid. Its code is fetched when somebody looks. */
export function PayoutDoor({ desk, own }: { desk: ContributionDesk; own: string }) {
  const opened = useSignal<(Opened & { readonly own: string }) | undefined>(undefined);
  const said = useSignal('');
  const open = async () => {
    if (opened.value?.own === own) return;
    said.value = 'Looking …';
    try {
      const [{ PayoutPanel }, face] = await Promise.all([import('./payout-panel.tsx'), desk.openPayout()]);
      opened.value = { Panel: PayoutPanel, face, own };
      said.value = '';
    } catch (error) {
      said.value = sentence(error instanceof Error ? error.message : String(error));
    }
  };
  const there = opened.value;
  return (
    <details class="backup" onToggle={(event) => event.currentTarget.open && void open()}>
      <summary>Payout account and wallet</summary>
      <div class="backup-forms">{there === undefined ? <p class="aside">{said.value}</p> : <there.Panel key={there.own} face={there.face} own={there.own} />}</div>
    </details>
  );
}
