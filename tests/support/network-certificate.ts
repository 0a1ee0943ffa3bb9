import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Files of a certificate that its own key signed. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Makes a certificate for an IP address with the openssl program; undefined where there is none. */
export async function selfSignedCertificate(folder: string, address: string): Promise<Certificate | undefined> {
  const certFile = join(folder, 'cert.pem');
  const keyFile = join(folder, 'key.pem');
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=ciro-test', '-addext', `subjectAltName=IP:${address}`, '-keyout', keyFile, '-out', certFile];
  try {
    await run('openssl', args);
    return { certFile, keyFile };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
