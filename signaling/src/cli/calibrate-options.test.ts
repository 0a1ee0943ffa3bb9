import { expect, test } from 'vitest';
import { UsageError } from './job-options.ts';
import { parseCalibrateOptions } from './calibrate-options.ts';

test('a model alone is calibrated over the default cut', () => {
  expect(parseCalibrateOptions(['model.gguf'])).toEqual({ model: 'model.gguf', json: undefined, stages: undefined, publish: false });
  expect(parseCalibrateOptions(['default', '--json', 'out.json', '--stages', '30'])).toEqual({ model: 'default', json: 'out.json', stages: 30, publish: false });
});

test.each([[[]], [['a.gguf', 'b.gguf']], [['a.gguf', '--stages', '0']], [['a.gguf', '--stages', 'many']], [['a.gguf', '--publish', '--stages', '2']], [['a.gguf', '--what']]])('%j is refused with the usage', (args) => {
  expect(() => parseCalibrateOptions(args)).toThrow(UsageError);
  expect(() => parseCalibrateOptions(args)).toThrow('usage: npm run calibrate');
});
