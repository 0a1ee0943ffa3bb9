import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as v from 'valibot';
import { environment } from '../doctor/config-checks.ts';
import { metricSet } from '../metrics/metric-set.ts';
import { CHECKOUT } from './checkout.ts';

const DEPLOY = join(CHECKOUT, 'signaling', 'deploy');
const text = (path: string): string => readFileSync(join(DEPLOY, path), 'utf8');
const yaml = (path: string): unknown => parse(text(path));

const Rules = v.object({ groups: v.array(v.object({ name: v.string(), rules: v.array(v.object({ expr: v.string(), record: v.optional(v.string()), alert: v.optional(v.string()), labels: v.optional(v.record(v.string(), v.string())), annotations: v.optional(v.object({ summary: v.string(), action: v.string() })) })) })) });
const Dashboard = v.object({ uid: v.string(), title: v.string(), panels: v.array(v.object({ id: v.number(), title: v.string(), targets: v.array(v.object({ expr: v.string(), legendFormat: v.string() })) })) });
const Service = v.looseObject({ image: v.optional(v.string()), build: v.optional(v.object({ context: v.string(), dockerfile: v.string() })), environment: v.optional(v.record(v.string(), v.string())), volumes: v.optional(v.array(v.string())), profiles: v.optional(v.array(v.string())), stop_grace_period: v.optional(v.string()) });
const Compose = v.object({ services: v.record(v.string(), Service), volumes: v.record(v.string(), v.unknown()), networks: v.unknown(), secrets: v.unknown(), name: v.string() });

const rules = [v.parse(Rules, yaml('prometheus/objectives.yml')), v.parse(Rules, yaml('prometheus/alerts.yml'))].flatMap(({ groups }) => groups.flatMap((group) => group.rules));
const dashboards = globSync('grafana/dashboards/*.json', { cwd: DEPLOY }).map((path) => v.parse(Dashboard, JSON.parse(text(path))));
const compose = v.parse(Compose, yaml('compose.yaml'));

const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
/** Metrics of a coordinator with the labels that each may have. */
const metrics = new Map(
  metricSet().registry.getMetricsAsArray().flatMap((metric) => {
    const { name, type, labelNames = [] } = metric as unknown as { name: string; type: string; labelNames?: string[] };
    const series = type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
    return series.map((each): [string, Set<string>] => [each, new Set(each.endsWith('_bucket') ? [...labelNames, 'le'] : labelNames)]);
  }),
);

/** Names and label matchers in an expression that are neither a coordinator's, nor recorded, nor Prometheus' own. */
function unknownIn(expr: string): string[] {
  const names = expr.match(/\b(?:ciro|process|nodejs)_[a-z_0-9]+|\bciro:[a-z_0-9:]+/g) ?? [];
  const wrong = names.filter((name) => !metrics.has(name) && !recorded.has(name));
  for (const [, name = '', matchers = ''] of expr.matchAll(/\b((?:ciro|process|nodejs)_[a-z_0-9]+)\{([^}]*)\}/g)) {
    for (const [, label = ''] of matchers.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)) if (metrics.get(name)?.has(label) === false) wrong.push(`${name}{${label}}`);
  }
  // What a legend or a sum names has to be a label of some metric in it.
  for (const [, labels = ''] of expr.matchAll(/\bby \(([^)]*)\)/g)) for (const label of labels.split(/,\s*/)) if (!names.some((name) => metrics.get(name)?.has(label))) wrong.push(`by ${label}`);
  return wrong;
}

it('the check itself finds what is not there', () => {
  expect(unknownIn('sum by (colour) (rate(ciro_jobs_total{outcom="x"}[5m])) / ciro_nothing')).toEqual(['ciro_nothing', 'ciro_jobs_total{outcom}', 'by colour']);
});

it('alerts and objectives use metrics and labels that exist, and say what to do', () => {
  for (const { expr } of rules) expect(unknownIn(expr), expr).toEqual([]);
  const alerts = rules.filter(({ alert }) => alert !== undefined);
  expect(alerts.length).toBeGreaterThan(10);
  for (const { alert, annotations, labels } of alerts) expect([alert, annotations?.action.length, labels?.['severity']]).toEqual([alert, expect.any(Number), expect.stringMatching(/^(page|warn)$/)]);
  expect(new Set(rules.map(({ alert, record }) => alert ?? record)).size).toBe(rules.length);
});

it('limits of the objectives are edges of buckets', () => {
  const buckets = new Map(metricSet().registry.getMetricsAsArray().flatMap((metric) => ('upperBounds' in metric ? [[(metric as { name: string }).name, metric.upperBounds as number[]] as const] : [])));
  const limits = rules.flatMap(({ expr }) => [...expr.matchAll(/([a-z_]+)_bucket\{le="([\d.]+)"/g)].map(([, name = '', le = '']) => [name, Number(le)] as const));
  expect(limits.length).toBeGreaterThanOrEqual(4);
  for (const [name, le] of limits) expect(buckets.get(name), name).toContain(le);
});

describe('dashboards', () => {
  it('there are some, each under a name of its own, and the parts that operators look for are in them', () => {
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(3);
    const titles = dashboards.flatMap(({ panels }) => panels.map(({ title }) => title)).join('\n');
    for (const part of ['Live queue', 'Workers', 'first token', 'Credits of workers', 'Stages decided', 'Availability']) expect(titles).toContain(part);
  });
  it.each(dashboards)('$title draws metrics that exist', ({ panels }) => {
    for (const { title, targets } of panels) for (const { expr, legendFormat } of targets) {
      expect(unknownIn(expr), title).toEqual([]);
      const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
      for (const label of labels) expect([...metrics].some(([name, known]) => expr.includes(name.replace(/_bucket$/, '')) && known.has(label)), `${title}: {{${label}}}`).toBe(true);
    }
  });
  it('every metric is drawn or watched, so that nothing is counted for nobody', () => {
    const used = [...rules.map(({ expr }) => expr), ...dashboards.flatMap(({ panels }) => panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)))].join('\n');
    const names = metricSet().registry.getMetricsAsArray().map(({ name }) => name);
    expect(names.filter((name) => !used.includes(name))).toEqual(['process_start_time_seconds']);
  });
});

describe('compose file and images', () => {
  it('has every service, each image with a version, and mounts files that are there', () => {
    expect(Object.keys(compose.services).sort()).toEqual(['alertmanager', 'coordinator', 'grafana', 'postgres', 'prometheus', 'proxy', 'redis', 'turn', 'worker']);
    for (const [name, { image, build, volumes = [] }] of Object.entries(compose.services)) {
      if (image !== undefined) expect(image, name).toMatch(/^docker\.io\/[\w./-]+:v?\d+[\w.-]*$/);
      if (build !== undefined) expect(existsSync(join(CHECKOUT, build.dockerfile)), build.dockerfile).toBe(true);
      expect((image === undefined) !== (build === undefined), name).toBe(true);
      for (const volume of volumes) {
        const [from = ''] = volume.split(':');
        if (from.startsWith('.')) expect(existsSync(join(DEPLOY, from)), volume).toBe(true);
        else expect(Object.keys(compose.volumes), volume).toContain(from);
      }
    }
  });
  it('sets what a coordinator reads, all of it valid, waits longer than a drain, and asks nothing of what it does not start', () => {
    const { coordinator } = compose.services;
    const given = (value: string): string => value.replace(/\$\{CIRO_DOMAIN[^}]*\}/g, 'ciro.example.org').replace(/\$\{[^}]*\}/g, 'ab'.repeat(24));
    const env = Object.fromEntries(Object.entries(coordinator?.environment ?? {}).map(([name, value]) => [name, given(value)]));
    expect(environment(env)).toMatchObject({ state: 'ok', found: expect.stringContaining('CIRO_TURN_URLS') });
    const read = ['main.ts', 'coordinator-options.ts', 'relay/ice-servers.ts'].map((path) => readFileSync(join(CHECKOUT, 'signaling/src', path), 'utf8')).join('\n');
    for (const name of Object.keys(env)) expect(read, name).toContain(name);
    expect(Number.parseInt(coordinator?.stop_grace_period ?? '', 10)).toBeGreaterThan(30);
    expect(Object.entries(compose.services).filter(([, { profiles }]) => profiles !== undefined).map(([name]) => name).sort()).toEqual(['redis', 'worker']);
  });
  it('every value that it needs is in the example', () => {
    const wanted = new Set([...text('compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name));
    const named = new Set([...text('example.env').matchAll(/^(\w+)=/gm)].map(([, name = '']) => name));
    expect(named).toEqual(wanted);
  });
  it.each(['coordinator', 'worker'])('the image %s starts a command that is there, as another user than root, and stops by SIGTERM', (name) => {
    const lines = text(`${name}.Containerfile`);
    const [, script = ''] = /^ENTRYPOINT \["node", "([^"]+)"/m.exec(lines) ?? [];
    expect(existsSync(join(CHECKOUT, script)), script).toBe(true);
    expect(lines).toMatch(/^USER node$/m);
    expect(lines).toMatch(/^STOPSIGNAL SIGTERM$/m);
    expect(text(`${name}.Containerfile.dockerignore`)).toContain('**/node_modules');
  });
});

/** Runs a tool that checks files by its own rules; gives what it complained of. Where it is missing the test is skipped and says so. */
function complaints(tool: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { cwd: DEPLOY, encoding: 'utf8', timeout: 20_000, env: { ...process.env, ...env } });
  return status === 0 ? '' : `${stdout}${stderr}` || `${tool} does not run`;
}
const has = (tool: string, args: readonly string[] = ['--version']): boolean => complaints(tool, args) === '';
const EXAMPLE = { CIRO_DOMAIN: 'ciro.example.org', CIRO_DATABASE_PASSWORD: 'a', CIRO_METRICS_TOKEN: 'a', CIRO_TURN_SECRET: 'a', GRAFANA_PASSWORD: 'a' };

describe('checked by their own tools, where they are installed', () => {
  it.skipIf(!has('promtool'))('Prometheus (to run it: promtool on PATH)', () => {
    expect(complaints('promtool', ['check', 'rules', 'prometheus/objectives.yml', 'prometheus/alerts.yml'])).toBe('');
    expect(complaints('promtool', ['check', 'config', '--syntax-only', 'prometheus/prometheus.yml'])).toBe('');
  });
  it.skipIf(!has('caddy', ['version']))('Caddy (to run it: caddy on PATH)', () => {
    expect(complaints('caddy', ['validate', '--adapter', 'caddyfile', '--config', 'Caddyfile'], EXAMPLE)).toBe('');
  });
  it.skipIf(!has('docker', ['compose', 'version']))('Compose (to run it: docker with compose)', () => {
    expect(complaints('docker', ['compose', '--env-file', '/dev/null', 'config', '--quiet'], EXAMPLE)).toBe('');
  });
});
