// Tokenises the texts of core/vectors/tokenizer.json with llama.cpp, in Chromium, for make_tokenizer.py to
// compare. llama.cpp comes as npm @wllama/wllama 2.4.0 (llama.cpp b8948), the last version whose API offers
// tokenize(); 3.x only completes. Special tokens are parsed, no beginning-of-sequence is added.
// Run:  node llama-cpp-tokens.mjs WLLAMA_PACKAGE_DIRECTORY MODEL.gguf CHROMIUM TOKENIZER.json OUTPUT.json
import { createReadStream, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { chromium } from 'playwright-core'

const [wllama, model, executablePath, vectors, output] = process.argv.slice(2)
const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm' }

function serve(request, response) {
  if (request.url === '/') return response.setHeader('content-type', 'text/html').end('<!doctype html>')
  const file = request.url === '/model.gguf' ? model : join(wllama, normalize(request.url))
  const size = statSync(file, { throwIfNoEntry: false })?.size
  if (size === undefined) return response.writeHead(404).end()
  response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-length': size })
  createReadStream(file).pipe(response)
}

async function tokenise(texts) {
  const { Wllama } = await import('/esm/index.js')
  const engine = new Wllama({ 'single-thread/wllama.wasm': '/esm/single-thread/wllama.wasm' }, { suppressNativeLog: true })
  const blob = await (await fetch('/model.gguf')).blob()
  await engine.loadModel([blob], { n_ctx: 256, n_threads: 1 })
  const cases = []
  for (const text of texts) cases.push({ text, ids: Array.from(await engine.tokenize(text, true)) })
  const build = Wllama.getLibllamaVersion()
  await engine.exit()
  return { build, cases }
}

const { version } = JSON.parse(readFileSync(join(wllama, 'package.json'), 'utf8'))
const texts = JSON.parse(readFileSync(vectors, 'utf8')).cases.map((one) => one.text)
const server = createServer(serve).listen(0, '127.0.0.1')
const browser = await chromium.launch({ executablePath, args: ['--headless=new', '--no-sandbox'] })
try {
  const page = await browser.newPage()
  await page.goto(`http://127.0.0.1:${server.address().port}/`)
  const { build, cases } = await page.evaluate(tokenise, texts)
  const engine = `llama.cpp ${build} (npm @wllama/wllama ${version}, Chromium ${browser.version()})`
  writeFileSync(output, JSON.stringify({ engine, cases }))
  console.log(engine, cases.length)
} finally {
  await browser.close()
  server.close()
}
