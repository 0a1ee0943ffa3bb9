import { CiroError } from '@ciro/core/errors.ts';

/**
 * - `no-such-browser`: `CIRO_BROWSER` names a file that is not there or does not run.
 * - `npm-chromium-failed`: the headless Chromium of npm could not be fetched, unpacked or started.
 * - `browser-failed`: a browser that was found did not start.
 * - `page-unreachable`: the volunteers' page did not load.
 */
export class VolunteersError extends CiroError<'no-such-browser' | 'npm-chromium-failed' | 'browser-failed' | 'page-unreachable'> {}
