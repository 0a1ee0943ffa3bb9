import { CiroError } from '@ciro/core/errors.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

export class PublicFileError extends CiroError<'bad-public-file'> {}

/** Addresses in `CIRO_PUBLIC_FILES`, separated by spaces or commas; undefined where there are none. Throws `bad-public-file`. */
export function publicFilesOf(text: string | undefined): readonly string[] | undefined {
  const urls = (text ?? '').split(/[\s,]+/).filter((url) => url !== '');
  for (const url of urls) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url) || url.length > 2_000) throw new PublicFileError('bad-public-file', `${JSON.stringify(url.slice(0, 200))} in CIRO_PUBLIC_FILES is no http or https address; give the address of a model's file`, { fault: 'user' });
  }
  return urls.length === 0 ? undefined : urls;
}

/** The one of these addresses that ends with the name of the model's file. What lies there is checked chunk by chunk. */
export function publicFileOf({ file }: Pick<ModelManifest, 'file'>, urls: readonly string[]): string | undefined {
  return urls.find((url) => lastName(url) === file.name);
}

function lastName(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '');
  } catch {
    return undefined; // a percent sign that begins no character: no file of ours has that name
  }
}
