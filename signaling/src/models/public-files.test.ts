import { expect, it } from 'vitest';
import { publicFileOf, publicFilesOf } from './public-files.ts';

const file = (name: string) => ({ file: { name, sha256: '00'.repeat(32), bytes: 1 } });

it('addresses come separated by spaces or commas, and none is undefined', () => {
  expect(publicFilesOf(undefined)).toBeUndefined();
  expect(publicFilesOf(' , ')).toBeUndefined();
  expect(publicFilesOf('https://a.test/x.gguf, http://b.test/y.gguf')).toEqual(['https://a.test/x.gguf', 'http://b.test/y.gguf']);
});

it.each(['ftp://a.test/x', 'x.gguf', 'https://'])('%s is refused by name', (url) => {
  expect(() => publicFilesOf(url)).toThrow(expect.objectContaining({ code: 'bad-public-file', fault: 'user' }));
});

it('an address is of the model whose file it names', () => {
  const urls = ['https://a.test/r/main/x.gguf?download=true', 'https://a.test/%', 'https://a.test/a%20b.gguf'];
  expect(publicFileOf(file('x.gguf'), urls)).toBe(urls[0]);
  expect(publicFileOf(file('a b.gguf'), urls)).toBe(urls[2]);
  expect(publicFileOf(file('z.gguf'), urls)).toBeUndefined();
});
