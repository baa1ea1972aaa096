// an independent tus 1.0.0 client (tus-js-client) against a server of ours: does a client that we did not write finish?
//   node tus.mjs <endpoint> <bearer token> <file> <metadata json> <whole|chunks|resume|cut|terminate>
//   SYNC_PROTO  sent as Sync-Proto on every request     TUS_CHUNK    bytes per patch in mode cut (default: all that is left)
//   TUS_TIMEOUT seconds for the whole run (default 60)
// whole: data in the post.  chunks: empty post, 64 KiB patches.  resume: stop after the first chunk, go on with a new object.
// cut: the connection dies after every 64 KiB upward.  terminate: delete after the first chunk, then it must be gone.
// prints one json line, exits 0 only if all went as it must. plain http only; the file must be larger than 64 KiB, and new to
// the server on every run (one that knows it already may answer so, and then nothing is sent).
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import * as tus from 'tus-js-client'

const KIB64 = 64 * 1024
const [, , endpoint, token, file, metadata, mode] = process.argv
const data = fs.readFileSync(file)
const target = new URL(endpoint)
const responses = []          // every request in order; status 0: no answer came
let sentBytes = 0             // bytes that went up through the proxy, heads included
let cuts = 0

// a tcp proxy that every connection goes through: it counts, and cuts each connection after `limit` bytes upward
const limit = mode === 'cut' ? KIB64 : Infinity
const proxy = net.createServer(down => {
  const up = net.connect(Number(target.port || 80), target.hostname)
  let left = limit
  down.on('error', () => up.destroy()).on('close', () => up.destroy())
  up.on('error', () => down.destroy()).on('close', () => down.destroy())
  up.pipe(down)
  down.on('data', bytes => {
    if (left <= 0) return
    const part = bytes.subarray(0, left)
    left -= part.length
    sentBytes += part.length
    // what counted as sent is handed to the kernel before the cut, so the server can have it
    const cut = left <= 0 && (() => { cuts++; up.destroy(); down.destroy() })
    if (!up.write(part, cut || undefined)) { down.pause(); up.once('drain', () => down.resume()) }
  })
})
await new Promise(done => proxy.listen(0, '127.0.0.1', done))

// connections go to the proxy, urls and Host stay those of the server
const agent = new http.Agent({ keepAlive: true })
agent.createConnection = () => net.connect(proxy.address().port, '127.0.0.1')

const headers = {}
if (token) headers.Authorization = `Bearer ${token}`
if (process.env.SYNC_PROTO) headers['Sync-Proto'] = process.env.SYNC_PROTO

const storage = fs.mkdtempSync(path.join(os.tmpdir(), 'tus-'))
const options = {
  endpoint, headers,
  metadata: JSON.parse(metadata || '{}'),
  httpStack: new tus.DefaultHttpStack({ agent }),
  urlStorage: new tus.FileUrlStorage(path.join(storage, 'urls.json')),
  // the client starts counting again whenever the offset has moved; the pauses are for a server that says 423 for a moment
  retryDelays: mode === 'cut' ? [...Array(20).fill(0), ...Array(20).fill(100)] : null,
  chunkSize: { chunks: KIB64, resume: KIB64, terminate: KIB64, cut: Number(process.env.TUS_CHUNK || Infinity) }[mode] ?? Infinity,
  uploadDataDuringCreation: mode === 'whole',
  onBeforeRequest: req => { responses.push(req.entry = { method: req.getMethod(), status: 0, offset: null }) },
  onAfterResponse: (req, res) => {
    const offset = res.getHeader('Upload-Offset')
    Object.assign(req.entry, { status: res.getStatus(), offset: offset === undefined ? null : Number(offset) })
    if (res.getHeader('Tus-Resumable') !== '1.0.0') req.entry.noTusResumable = true     // the standard wants it, this client does not
  },
}

// runs one upload to its end; afterChunk may stop it: it gets the upload, and its answer ends the run
const run = (afterChunk, previous) => new Promise((done, fail) => {
  const upload = new tus.Upload(data, {
    ...options,
    onError: fail,
    onSuccess: () => done(upload),
    onChunkComplete: afterChunk && (() => Promise.resolve(afterChunk(upload)).then(() => done(upload), fail)),
  })
  if (previous) upload.resumeFromPreviousUpload(previous)
  upload.start()
})
const head = async url => {
  const req = options.httpStack.createRequest('HEAD', url)
  for (const [name, value] of Object.entries({ 'Tus-Resumable': '1.0.0', ...headers })) req.setHeader(name, value)
  const answer = await req.send()
  return { status: answer.getStatus(), offset: Number(answer.getHeader('Upload-Offset') ?? NaN), length: Number(answer.getHeader('Upload-Length') ?? NaN) }
}
const must = (so, what) => { if (!so) throw new Error(what) }
const count = method => responses.filter(r => r.method === method).length

async function work() {
  must(data.length > KIB64, 'the file must be larger than 64 KiB')
  if (mode === 'whole') {
    const upload = await run()
    must(responses.length === 1, 'data in the post must need no second request')
    return upload
  }
  if (mode === 'chunks') {
    const upload = await run()
    must(count('PATCH') === Math.ceil(data.length / KIB64), 'one patch for each chunk')
    return upload
  }
  if (mode === 'cut') {
    const upload = await run()
    must(cuts > 0, 'nothing was cut')
    must(count('POST') === 1, 'the client lost the upload and made another')
    return upload
  }
  if (mode === 'resume') {
    await run(upload => upload.abort())
    const before = responses.length
    const found = await new tus.Upload(data, options).findPreviousUploads()
    must(found.length === 1, 'the stored upload was not found')
    const upload = await run(null, found[0])
    must(responses[before].method === 'HEAD' && responses[before].offset === KIB64, 'resumed at another offset than the first chunk\'s end')
    must(count('POST') === 1, 'the client made a second upload')
    return upload
  }
  if (mode === 'terminate') {
    const upload = await run(upload => upload.abort(true))
    must(responses.at(-1).method === 'DELETE' && responses.at(-1).status === 204, 'delete must answer 204')
    return upload
  }
  throw new Error(`no such mode: ${mode}`)
}

let timer
const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error('took too long')), 1000 * (process.env.TUS_TIMEOUT || 60)) })
const out = { mode, ok: false }
try {
  const upload = await Promise.race([work(), late])
  Object.assign(out, { url: upload.url, requests: responses.length, sentBytes, cuts, responses: [...responses] })
  out.head = await Promise.race([head(upload.url), late])
  if (mode === 'terminate') must([404, 410].includes(out.head.status), 'still there after delete')
  else must(out.head.status >= 400 || (out.head.offset === data.length && out.head.length === data.length), 'head after the end shows another offset')
  out.ok = true
} catch (error) {
  Object.assign(out, { requests: responses.length, sentBytes, cuts, responses, error: String(error.message ?? error).slice(0, 400) })
}
clearTimeout(timer)
fs.writeSync(1, JSON.stringify(out) + '\n')
// A write of the client's own storage may still be under way.
fs.rmSync(storage, { recursive: true, force: true, maxRetries: 10 })
process.exit(out.ok ? 0 : 1)
