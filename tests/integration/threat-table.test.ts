import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
/** A line under a defence: a file, then the name of a test in it; arrows lead to the cases of a table. */
const LINE = /^- `([^`]+)`: (.+)$/;
/** Rows of the threat table, and two more: money that is made of nothing, and a service that dies. */
const ROWS = 17;

const page = await readFile(join(ROOT, 'docs/threats.md'), 'utf8');
const rows = page.split(/^## /m).slice(1).map((text) => {
  const [title = '', ...lines] = text.split('\n');
  return { title, tests: lines.flatMap((line) => (line.startsWith('- ') ? [LINE.exec(line)] : [])) };
});

describe('docs/threats.md', () => {
  it('has every row, each with tests', () => {
    expect(rows).toHaveLength(ROWS);
    for (const { title, tests } of rows) {
      expect(tests.length, title).toBeGreaterThan(0);
      for (const found of tests) expect(found, `${title}: a line is not \`file\`: name`).not.toBeNull();
    }
  });

  it.each(rows)('names tests that are there: $title', async ({ tests }) => {
    for (const found of tests) {
      const [, path = '', name = ''] = found ?? [];
      const source = (await readFile(join(ROOT, path), 'utf8')).replaceAll('\\\'', '\'');
      const [test = '', ...cases] = name.split(' → ');
      const quoted = path.endsWith('.cairo') ? [`fn ${test}(`] : [`('${test}`, `(\`${test}`];
      expect(quoted.some((text) => source.includes(text)), `${path} has no test ${test}`).toBe(true);
      for (const each of cases) expect(source, `${path}: ${test}`).toContain(`'${each}'`);
    }
  });
});
