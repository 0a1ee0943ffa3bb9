import { expect, test } from 'vitest';
import { deviceName } from './device-name.ts';

const adapter = (description: string) => ({ requestAdapter: async () => ({ info: { vendor: 'acme', architecture: 'gen-1', device: '', description } }) });

test('another browser, adapter or driver is another name; the same one is the same', async () => {
  const names = await Promise.all([
    deviceName({ userAgent: 'Browser 1' }),
    deviceName({ userAgent: 'Browser 2' }),
    deviceName({ userAgent: 'Browser 1', gpu: adapter('driver 7') }),
    deviceName({ userAgent: 'Browser 1', gpu: adapter('driver 8') }),
    deviceName({ userAgent: 'Browser 1', gpu: { requestAdapter: async () => null } }),
    deviceName({ userAgent: 'Browser 1', gpu: { requestAdapter: () => Promise.reject(new Error('the GPU process is gone')) } }),
  ]);
  expect(new Set(names.slice(0, 4)).size).toBe(4);
  expect(names.slice(4)).toEqual([names[0], names[0]]);
  expect(await deviceName({ userAgent: 'Browser 1', gpu: adapter('driver 7') })).toBe(names[2]);
});
