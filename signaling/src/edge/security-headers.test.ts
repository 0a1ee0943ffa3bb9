import { expect, it } from 'vitest';
import { COMMON_HEADERS, CONTENT_SECURITY_POLICY, PAGE_HEADERS, policyWith } from './security-headers.ts';

it('pages connect to the coordinator only, unless the operator names public files: then to where those lie, too, and nowhere else', () => {
  expect(policyWith([])).toBe(CONTENT_SECURITY_POLICY);
  const policy = policyWith(['https://files.test/a.gguf', 'https://files.test/b.gguf', 'https://huggingface.co/o/r/resolve/main/c.gguf']);
  expect(policy).toContain("connect-src 'self' ws: wss: https://files.test https://huggingface.co https://*.hf.co https://*.huggingface.co;");
  expect(policy.replace(/connect-src [^;]*/, '')).toBe(CONTENT_SECURITY_POLICY.replace(/connect-src [^;]*/, ''));
});

it('where there is a public address, sockets go to it and to no other host', () => {
  expect(policyWith([], new URL('https://ciro.example.org'))).toContain("connect-src 'self' wss://ciro.example.org;");
  expect(policyWith(['https://files.test/a.gguf'], new URL('http://localhost:8080'))).toContain("connect-src 'self' ws://localhost:8080 https://files.test;");
});

it('no policy lets a page run text as a program, or a script that is not ours; nothing is guessed, framed or told to others', () => {
  for (const policy of [CONTENT_SECURITY_POLICY, policyWith(['https://files.test/a.gguf'], new URL('https://ciro.example.org')), COMMON_HEADERS['content-security-policy'] ?? '']) {
    expect(policy).toMatch(/^default-src 'none';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/'unsafe-eval'|'unsafe-inline'|script-src[^;]*(https?:|\*|data:|blob:)/);
  }
  expect(COMMON_HEADERS).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
  expect(PAGE_HEADERS).toMatchObject({ 'cross-origin-opener-policy': 'same-origin-allow-popups', 'cross-origin-resource-policy': 'same-origin' });
});
