import { posix, win32 } from 'node:path';

/** Names on PATH, best first. Debian's `chromium` before Ubuntu's `chromium-browser`, which only points at a snap. */
const LINUX_NAMES = [
  'google-chrome-stable',
  'google-chrome',
  'chromium',
  'chromium-browser',
  'microsoft-edge-stable',
  'microsoft-edge',
] as const;
const LINUX_PATHS = ['/opt/google/chrome/chrome', '/opt/microsoft/msedge/msedge', '/usr/lib/chromium/chromium', '/snap/bin/chromium'] as const;
const MAC_APPS = ['Google Chrome', 'Chromium', 'Microsoft Edge'] as const;
const WINDOWS_PATHS = ['Google\\Chrome\\Application\\chrome.exe', 'Chromium\\Application\\chrome.exe', 'Microsoft\\Edge\\Application\\msedge.exe'] as const;
const WINDOWS_ROOTS = ['ProgramFiles', 'ProgramFiles(x86)', 'LocalAppData'] as const;

/** What decides where browsers are looked for. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** Absolute paths at which an installed Chrome, Chromium or Edge would be, best first; nothing is looked up. */
export function installedBrowserPaths({ platform, env, home }: Surroundings): string[] {
  if (platform === 'darwin') {
    return ['/Applications', posix.join(home, 'Applications')].flatMap((folder) => MAC_APPS.map((app) => `${folder}/${app}.app/Contents/MacOS/${app}`));
  }
  if (platform === 'win32') {
    const roots = WINDOWS_ROOTS.map((name) => env[name] ?? '').filter((root) => root !== '');
    return WINDOWS_PATHS.flatMap((path) => roots.map((root) => win32.join(root, path)));
  }
  const folders = (env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  return [...LINUX_NAMES.flatMap((name) => folders.map((folder) => posix.join(folder, name))), ...LINUX_PATHS];
}
