import { fieldRows } from './schema-fields.ts';
import type { OpenApiDocument } from './document.ts';

/** An operation as the document has it. */
interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly object[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean; readonly description: string }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: { readonly $ref: string } }>>;

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (sign) => HTML[sign] ?? sign);
/** Escaped, with `code` where back quotes are. */
const prose = (text: string): string => escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);
const linkTo = (ref: string): string => `<a href="#schema-${nameOf(ref)}">${nameOf(ref)}</a>`;

/** The document as one page to read: no script, and no style of its own. */
export function referencePage({ info, paths, components }: OpenApiDocument): string {
  const all = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation: operation as Operation })));
  const tags = [...new Set(all.flatMap(({ operation }) => operation.tags))];
  const ofTag = (tag: string) => all.filter(({ operation }) => operation.tags.includes(tag));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ciro API</title>
<link rel="stylesheet" href="/docs.css">
</head>
<body>
<header><h1>Ciro API <small>${escaped(info.version)}</small></h1>
<p>${prose(info.description)}</p>
<p>The same for programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p></header>
<nav aria-label="Routes">${tags.map((tag) => `<section><h2>${escaped(tag)}</h2><ul>${ofTag(tag).map(({ path, method, operation }) => `<li><a href="#${operation.operationId}"><code>${method.toUpperCase()} ${escaped(path)}</code></a> ${prose(operation.summary)}</li>`).join('')}</ul></section>`).join('\n')}</nav>
<main>
${all.map(articleOf).join('\n')}
<h2 id="schemas">Schemas</h2>
${Object.entries(components.schemas).map(([name, schema]) => schemaOf(name, schema)).join('\n')}
</main>
</body>
</html>
`;
}

function articleOf({ path, method, operation }: { readonly path: string; readonly method: string; readonly operation: Operation }): string {
  const { operationId, summary, description, security, parameters, requestBody, responses } = operation;
  const body = requestBody?.content['application/json'];
  return `<article id="${operationId}">
<h3><code>${method.toUpperCase()} ${escaped(path)}</code></h3>
<p>${prose(summary)}.${security.length === 0 ? ' Public.' : ' Needs a key.'}</p>
${description === undefined ? '' : `<p>${prose(description)}</p>`}
${parameters.length === 0 ? '' : table(['Parameter', 'In', 'What'], parameters.map((each) => [`<code>${escaped(each.name)}</code>${each.required ? ' *' : ''}`, each.in, prose(each.description)]))}
${body === undefined ? '' : `<p>Body: ${linkTo(body.schema.$ref)}</p>`}
${table(['Status', 'What', 'Content'], Object.entries(responses).map(([status, { description: what, content }]) => [status, prose(what), Object.entries(content).map(([type, { schema }]) => `${linkTo(schema.$ref)} <small>${type}</small>`).join('<br>')]))}
</article>`;
}

function schemaOf(name: string, schema: unknown): string {
  const rows = fieldRows(schema);
  return `<article id="schema-${name}"><h3>${name}</h3>
${rows.length === 0 ? '<p>Any JSON object.</p>' : table(['Field', 'Type', 'What'], rows.map(({ field, type, what, required }) => [`<code>${escaped(field)}</code>${required ? ' *' : ''}`, escaped(type), prose(what)]))}
</article>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return `<div class="scroll"><table><thead><tr>${head.map((title) => `<th scope="col">${title}</th>`).join('')}</tr></thead><tbody>${rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')}</tbody></table></div>`;
}

export const REFERENCE_STYLE = `:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 20%,transparent);--soft:color-mix(in srgb,currentColor 7%,transparent)}
body{margin:0 auto;max-width:60rem;padding:1.5rem;font:1rem/1.6 system-ui,sans-serif}
h1{font-size:1.8rem;margin:0}h1 small{font-size:1rem;opacity:.7}h2{font-size:1.2rem;margin:1.5rem 0 .5rem}h3{font-size:1rem;margin:0 0 .5rem}
nav{columns:2 24rem;column-gap:2rem}nav section{break-inside:avoid}nav ul{list-style:none;margin:0;padding:0}nav li{padding:.2rem 0}
article{border-top:1px solid var(--line);padding:1.25rem 0;scroll-margin-top:1rem}article:target{background:var(--soft)}
code{font-family:ui-monospace,monospace;font-size:.9em;background:var(--soft);padding:.1em .3em;border-radius:.25em;overflow-wrap:anywhere}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.5rem 0}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
a{color:inherit}small{opacity:.75}
`;
