/**
 * Of every page and script: only our own files run, WebAssembly is compiled, and connections go to this coordinator (its
 * origin, and as a socket, which older browsers do not count as 'self'). A worker takes the policy of its own response.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self' ws: wss:",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Where a hub sends on to for the bytes of a file: a browser holds redirects against the policy, too. */
const SENDS_ON: Readonly<Record<string, readonly string[]>> = { 'https://huggingface.co': ['https://*.hf.co', 'https://*.huggingface.co'] };

/** The same, with connections to where public model files lie. */
export function policyWith(publicFiles: readonly string[]): string {
  const origins = [...new Set(publicFiles.map((url) => new URL(url).origin))].flatMap((origin) => [origin, ...(SENDS_ON[origin] ?? [])]);
  return CONTENT_SECURITY_POLICY.replace("connect-src 'self' ws: wss:", (same) => [same, ...origins].join(' '));
}

/** The designed page for insecure origins has its style inside and nothing else. */
export const INSECURE_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Sent with everything. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** Sent with pages besides: no other site opens it in a frame or keeps a handle on it; wallets may open their pop-ups. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin-allow-popups',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=()',
};
