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

/** The same, with connections to where public model files lie; sockets to the public address only, where there is one. */
export function policyWith(publicFiles: readonly string[], publicUrl?: URL): string {
  const origins = [...new Set(publicFiles.map((url) => new URL(url).origin))].flatMap((origin) => [origin, ...(SENDS_ON[origin] ?? [])]);
  const sockets = publicUrl === undefined ? ['ws:', 'wss:'] : [`${publicUrl.protocol === 'https:' ? 'wss' : 'ws'}://${publicUrl.host}`];
  return CONTENT_SECURITY_POLICY.replace("connect-src 'self' ws: wss:", () => ["connect-src 'self'", ...sockets, ...origins].join(' '));
}

/** The designed page for insecure origins has its style inside and nothing else. */
export const INSECURE_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Sent with everything; pages have a policy of their own. An answer of the API that a browser is made to show as a page runs nothing and is framed nowhere. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** Sent with everything where the public address is HTTPS: a browser that was here comes back by HTTPS for a year. */
export const TRANSPORT_HEADERS: Readonly<Record<string, string>> = { 'strict-transport-security': 'max-age=31536000' };

/** Sent with pages besides: no other site opens it in a frame or keeps a handle on it; wallets may open their pop-ups. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin-allow-popups',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), bluetooth=(), midi=(), display-capture=()',
};
