import { expect, it } from 'vitest';
import { CONTENT_SECURITY_POLICY, policyWith } from './security-headers.ts';

it('pages connect to the coordinator only, unless the operator names public files: then to where those lie, too, and nowhere else', () => {
  expect(policyWith([])).toBe(CONTENT_SECURITY_POLICY);
  const policy = policyWith(['https://files.test/a.gguf', 'https://files.test/b.gguf', 'https://huggingface.co/o/r/resolve/main/c.gguf']);
  expect(policy).toContain("connect-src 'self' ws: wss: https://files.test https://huggingface.co https://*.hf.co https://*.huggingface.co;");
  expect(policy.replace(/connect-src [^;]*/, '')).toBe(CONTENT_SECURITY_POLICY.replace(/connect-src [^;]*/, ''));
});
