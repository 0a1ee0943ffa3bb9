import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { sentence } from '../trouble-box.tsx';
import { MIN_PASSPHRASE, type ParticipantView } from '../../participant/participant-view.ts';
import { shortId } from '../figures.ts';
import type { ContributionDesk } from '../contribute/contribution-desk.ts';

type Identity = NonNullable<ParticipantView['identity']>;

/** Takes the key out as a file that only a passphrase opens, or one in. */
export function BackupPanel({ desk, identity, active }: { desk: ContributionDesk; identity: Identity | undefined; active: boolean }) {
  return (
    <details class="backup">
      <summary>{identity === undefined ? 'Bring a key from another browser' : 'Back up or move this key'}</summary>
      <div class="backup-forms">
        {identity !== undefined && <ExportForm desk={desk} identity={identity} />}
        {active ? <p class="aside">To bring another key into this browser, stop contributing first.</p> : <ImportForm desk={desk} />}
      </div>
    </details>
  );
}

function ExportForm({ desk, identity }: { desk: ContributionDesk; identity: Identity }) {
  const passphrase = useSignal('');
  const which = useSignal(identity.identityPublicKey);
  const said = useSignal('');
  const busy = useSignal(false);
  const save = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    said.value = '';
    try {
      const text = await desk.exportIdentity(passphrase.value, which.value);
      download(text, `ciro-key-${shortId(which.value.slice(2))}.json`);
      passphrase.value = '';
      said.value = 'Saved. Keep the file and the passphrase apart: who has both has the account.';
    } catch (error) {
      said.value = sentence(error instanceof Error ? error.message : String(error));
    } finally {
      busy.value = false;
    }
  };
  return (
    <form class="backup-form" aria-label="Back up the key" onSubmit={(event) => void save(event)}>
      <strong>Take a copy of the key</strong>
      {identity.earlier.length > 0 && (
        <label class="field">
          Key
          <select value={which.value} onChange={(event) => (which.value = event.currentTarget.value)}>
            <option value={identity.identityPublicKey}>this one, {shortId(identity.identityPublicKey.slice(2))}</option>
            {identity.earlier.map((key) => (
              <option key={key} value={key}>
                an earlier one, {shortId(key.slice(2))}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="field">
        Passphrase for the backup, at least {MIN_PASSPHRASE} characters
        <input type="password" autocomplete="new-password" minLength={MIN_PASSPHRASE} required value={passphrase.value} onInput={(event) => (passphrase.value = event.currentTarget.value)} />
      </label>
      <button type="submit" class="button" disabled={busy.value}>
        {busy.value ? 'Sealing …' : 'Save backup file'}
      </button>
      <p class="aside" role="status">
        {said.value}
      </p>
    </form>
  );
}

function ImportForm({ desk }: { desk: ContributionDesk }) {
  const passphrase = useSignal('');
  const said = useSignal('');
  const busy = useSignal(false);
  /** The text of a file whose identity is another one than the one here: it is asked first. */
  const waits = useSignal<string | undefined>(undefined);
  const file = useRef<HTMLInputElement>(null);
  const bring = async (text: string, replace: boolean) => {
    busy.value = true;
    said.value = '';
    try {
      await desk.importIdentity(text, passphrase.value, replace);
      passphrase.value = '';
      waits.value = undefined;
      if (file.current !== null) file.current.value = '';
      said.value = 'The key is here now, and contributes from the next start on.';
    } catch (error) {
      const there = error instanceof Error && 'code' in error && error.code === 'identity-exists';
      waits.value = there ? text : undefined;
      said.value = there ? '' : sentence(error instanceof Error ? error.message : String(error));
    } finally {
      busy.value = false;
    }
  };
  const choose = async (event: Event) => {
    event.preventDefault();
    const chosen = file.current?.files?.[0];
    if (chosen !== undefined) await bring(await chosen.text(), false);
  };
  return (
    <form class="backup-form" aria-label="Bring a key" onSubmit={(event) => void choose(event)}>
      <strong>Bring a key from a backup</strong>
      <label class="field">
        Backup file
        <input ref={file} type="file" accept=".json,application/json" required onChange={() => (waits.value = undefined)} />
      </label>
      <label class="field">
        Its passphrase
        <input type="password" autocomplete="current-password" required value={passphrase.value} onInput={(event) => (passphrase.value = event.currentTarget.value)} />
      </label>
      {waits.value === undefined ? (
        <button type="submit" class="button" disabled={busy.value}>
          {busy.value ? 'Opening …' : 'Use this key here'}
        </button>
      ) : (
        <div class="note backup-ask">
          <p>This browser has another key. It is kept, and can still be backed up, but the one of the file takes its place.</p>
          <button type="button" class="button" disabled={busy.value} onClick={() => void bring(waits.value ?? '', true)}>
            Replace the key of this browser
          </button>
          <button type="button" class="button button-quiet" onClick={() => (waits.value = undefined)}>
            Keep the one that is here
          </button>
        </div>
      )}
      <p class="aside" role="status">
        {said.value}
      </p>
    </form>
  );
}

function download(text: string, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = name;
  link.click();
  // The browser has taken it by the next task.
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}
