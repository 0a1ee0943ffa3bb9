/** Shown instead of the page where a browser would give it no secure context. Plain HTML and CSS, nothing is loaded. */
export function insecurePage(host: string, port: number): string {
  const shown = escapeHtml(host.slice(0, 200));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ciro needs a secure address</title>
<style>
  :root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #f7f7f4; --card: #ffffff; --line: #d9d9d2; --mark: #0b6e4f; }
  @media (prefers-color-scheme: dark) { :root { --ink: #ecefec; --soft: #a3aba6; --paper: #121513; --card: #1b201d; --line: #2e3531; --mark: #5fd0a5; } }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; grid-template-columns: minmax(0, 40rem); justify-content: center; align-content: center; padding: 1.5rem; background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; }
  main { background: var(--card); border: 1px solid var(--line); border-radius: 1rem; padding: clamp(1.25rem, 5vw, 2.5rem); }
  p.kicker { margin: 0 0 .25rem; color: var(--mark); font-weight: 600; }
  h1 { margin: 0 0 1rem; font-size: clamp(1.4rem, 4vw, 1.9rem); line-height: 1.25; text-wrap: balance; }
  h2 { margin: 1.75rem 0 .5rem; font-size: 1.05rem; }
  p, ul { margin: 0 0 .75rem; }
  ul { padding-left: 1.2rem; }
  li + li { margin-top: .5rem; }
  code { font: .92em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
  pre { margin: .5rem 0; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; white-space: pre-wrap; }
  .soft { color: var(--soft); }
</style>
</head>
<body>
<main>
<p class="kicker">Ciro</p>
<h1>This address is not secure, so a tab here cannot contribute</h1>
<p>You opened <code>http://${shown}</code>. Over plain HTTP a browser switches off what Ciro runs on: WebGPU, signatures (<code>crypto.subtle</code>) and the cache for model weights. Nothing was downloaded or started.</p>
<h2>If you only want to join</h2>
<p>Ask the person who gave you this link for one that begins with <code>https://</code>.</p>
<h2>If you run this coordinator</h2>
<ul>
<li>On this machine itself, open <code>http://localhost:${port}/</code>: a browser trusts its own machine.</li>
<li>Give the coordinator a certificate, and it serves HTTPS:
<pre><code>CIRO_TLS_CERT=cert.pem CIRO_TLS_KEY=key.pem npm start</code></pre></li>
<li>Or put a proxy with HTTPS in front of it and name the address it is reached at:
<pre><code>PUBLIC_URL=https://ciro.example.org npm start</code></pre></li>
</ul>
<p class="soft">The API at <code>http://${shown}/v1</code> works here as it is.</p>
</main>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
