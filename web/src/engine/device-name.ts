/** Longest part of a name that is kept; drivers' own descriptions have about 100 characters. */
const MAX_PART_CHARACTERS = 200;

/** The browser as far as its name needs it; `navigator` is one, in windows and workers. */
export interface NamedBrowser {
  readonly userAgent: string;
  readonly gpu?: { requestAdapter(): Promise<{ readonly info: { readonly vendor: string; readonly architecture: string; readonly device: string; readonly description: string } } | null> };
}

/**
 * Browser version and graphics adapter, as far as the browser tells. Another name means that kernels may be others: what an
 * engine was found fit for under the old one is not known any more.
 */
export async function deviceName({ userAgent, gpu }: NamedBrowser): Promise<string> {
  const adapter = await gpu?.requestAdapter().catch(() => null);
  const { vendor, architecture, device, description } = adapter?.info ?? { vendor: 'no GPU', architecture: '', device: '', description: '' };
  return [userAgent, vendor, architecture, device, description].map((part) => part.slice(0, MAX_PART_CHARACTERS)).join(' | ');
}
