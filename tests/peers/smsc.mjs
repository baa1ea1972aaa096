// an SMSC that nobody here wrote (npm smpp) for the gateway's tests, driven by lines of json
//   node smsc.mjs [--tls CERT.pem KEY.pem] [--password WORD] [--receipts none|early|auto] [--ids dec|hex|padded]
// listens on 127.0.0.1 at a free port. lines in and out, and what the options mean: tests/README.md.
// the bytes of a pdu are those that the library took from the socket. what has no bound receiver waits for one. a message is
// handed to a phone's side once: a deliver_sm that is not answered is not sent again.
import fs from 'node:fs'
import { parseArgs } from 'node:util'
import smpp from 'smpp'

const fail = why => { fs.writeSync(2, `smsc.mjs: ${why}\n`); process.exit(2) }
// parseArgs has no option with two values
const args = process.argv.slice(2)
const at = args.indexOf('--tls')
const files = at < 0 ? [] : args.splice(at, 3).slice(1)
if (at >= 0 && files.length !== 2) fail('--tls needs CERT.pem KEY.pem')
const { values: options } = parseArgs({ args, options: {
  password: { type: 'string', default: 'secret' },
  receipts: { type: 'string', default: 'none' },
  ids: { type: 'string', default: 'dec' },
} })
if (!['none', 'early', 'auto'].includes(options.receipts)) fail('--receipts none|early|auto')
if (!['dec', 'hex', 'padded'].includes(options.ids)) fail('--ids dec|hex|padded')

const STATUS = { ok: 0, throttle: 0x58, queue_full: 0x14, refuse: 0x0b, silent: null, cut_before: null, cut_after: null }
const MODES = { bind_transmitter: 'send', bind_receiver: 'receive', bind_transceiver: 'both' }
// the library would turn a text into a string and a validity period into a date: here they stay as they came
for (const field of ['short_message', 'schedule_delivery_time', 'validity_period']) delete smpp.commands.submit_sm.params[field].filter

const sessions = new Set()    // in the order of their connecting
const answers = []            // for the next messages
const messages = new Map()    // taken ones, by the id that was given
const waiting = []            // for a receiver: { owner, send }
let lastId = 16               // the first is 17: spelled otherwise in hexadecimal

const say = event => fs.writeSync(1, JSON.stringify(event) + '\n')
const spelled = id => !/^\d+$/.test(id) ? id : { dec: id, hex: BigInt(id).toString(16), padded: id.padStart(10, '0') }[options.ids]
const minute = date => date.toISOString().replace(/\D/g, '').slice(2, 12)      // YYMMDDhhmm
const receives = session => session.mode === 'receive' || session.mode === 'both'

// hands over at once or as soon as somebody is bound to receive: the session that sent it, one of the same system_id, or (no owner) any
function hand(owner, send) {
  const able = [...sessions].filter(s => receives(s) && (!owner || s === owner.session || s.system_id === owner.system_id))
  const to = able.includes(owner?.session) ? owner.session : able.at(-1)
  if (to) send(to)
  else waiting.push({ owner, send })
}

function receipt(id, stat, err) {
  const message = messages.get(id)
  const now = minute(new Date())
  const text = `id:${spelled(id)} sub:001 dlvrd:001 submit date:${message?.minute ?? now} done date:${now} stat:${stat} err:${err} text:`
  deliver('receipt', id, message, {
    source_addr: message?.to ?? '', destination_addr: message?.from ?? '', esm_class: 0x04, data_coding: 0, short_message: Buffer.from(text, 'ascii'),
  })
}

function inbound(from, to, text) {
  // only what ASCII and the GSM alphabet spell alike goes in the default alphabet; the rest would be read differently by different clients
  const plain = /^[\n\r !"#%&'()*+,\-./0-9:;<=>?A-Za-z]*$/.test(text)
  const short_message = plain ? Buffer.from(text, 'ascii') : Buffer.from(text, 'utf16le').swap16()
  if (short_message.length > 254) fail('inbound: longer than one short_message holds')
  deliver('inbound', null, null, { source_addr: from, destination_addr: to, esm_class: 0, data_coding: plain ? 0 : 8, short_message })
}

function deliver(what, message_id, owner, fields) {
  hand(owner, session => session.deliver_sm({ source_addr_ton: 1, source_addr_npi: 1, dest_addr_ton: 0, dest_addr_npi: 1, ...fields },
    answer => say({ event: 'deliver_resp', what, message_id, status: answer.command_status })))
}

function cut(session) {
  session.mode = null
  session.gone = true       // the library still hands out what it has read before
  session.destroy()
}

function bind(session, pdu) {
  const already = session.mode
  const ok = !already && pdu.password === options.password
  say({ event: 'bind', command: pdu.command, system_id: pdu.system_id, ok })
  if (!ok) return session.send(pdu.response({ command_status: already ? smpp.ESME_RALYBND : smpp.ESME_RINVPASWD }))
  session.mode = MODES[pdu.command]
  session.system_id = pdu.system_id
  session.send(pdu.response({ system_id: 'peer', sc_interface_version: 0x34 }))
  for (const { owner, send } of waiting.splice(0)) hand(owner, send)
}

// the library leaves fields out when a pdu ends before them, and takes any sm_length and any rest
function whole(pdu, bytes) {
  const { short_message } = pdu
  if (!short_message) return false
  let end = 16
  for (const [name, { type }] of Object.entries(smpp.commands.submit_sm.params)) end += type.size(pdu[name])
  if (bytes[end - short_message.length - 1] !== short_message.length) return false
  while (end + 4 <= bytes.length) end += 4 + bytes.readUInt16BE(end + 2)
  return end === bytes.length
}

function submit(session, pdu, bytes) {
  if (!whole(pdu, bytes)) { fs.writeSync(2, 'smsc.mjs: not a pdu: its lengths do not fit\n'); return cut(session) }
  if (session.mode !== 'send' && session.mode !== 'both') return session.send(pdu.response({ command_status: smpp.ESME_RINVBNDSTS }))
  const answer = answers.shift() ?? 'ok'
  if (answer === 'cut_before') return cut(session)
  const status = STATUS[answer]
  const taken = !status
  const message_id = taken ? String(++lastId) : null
  const { source_addr, destination_addr, esm_class, data_coding, registered_delivery, validity_period } = pdu
  say({
    event: 'submit', message_id, source_addr, destination_addr, esm_class, data_coding, registered_delivery, validity_period,
    short_message: pdu.short_message.toString('hex'), status, pdu: bytes.toString('hex'),
  })
  if (taken) messages.set(message_id, { session, system_id: session.system_id, from: source_addr, to: destination_addr, minute: minute(new Date()) })
  if (answer === 'silent') return
  if (answer === 'cut_after') return cut(session)
  if (status) return session.send(pdu.response({ command_status: status }))
  const wanted = (registered_delivery & 3) === 1
  if (wanted && options.receipts === 'early') receipt(message_id, 'DELIVRD', '000')
  session.send(pdu.response({ message_id }))
  if (wanted && options.receipts === 'auto') receipt(message_id, 'DELIVRD', '000')
}

function accept(session) {
  sessions.add(session)
  session.mode = null
  let read = []
  // the library reads by `readable`; the same chunks come here, and all of one pdu before it is handed out
  session.socket.on('data', chunk => read.push(chunk))
  session.on('error', error => {
    // the library reports here what it can not decode, too
    if (!session.socket.errored) fs.writeSync(2, `smsc.mjs: not a pdu: ${error.message}\n`)
    cut(session)
  })
  session.on('close', () => { session.mode = null; sessions.delete(session); say({ event: 'close' }) })
  session.on('pdu', pdu => {
    const bytes = Buffer.concat(read)
    read = []
    drain()
    if (session.gone || pdu.isResponse()) return
    if (pdu.command in MODES) return bind(session, pdu)
    if (pdu.command === 'submit_sm') return submit(session, pdu, bytes)
    if (pdu.command === 'enquire_link') { say({ event: 'enquire_link' }); return session.send(pdu.response()) }
    if (pdu.command === 'unbind') {
      say({ event: 'unbind' })
      session.mode = null
      session.send(pdu.response())
      return session.socket.destroySoon()
    }
    const nack = new smpp.PDU('generic_nack', { command_status: smpp.ESME_RINVCMDID, sequence_number: pdu.sequence_number })
    session.send(nack)
  })
}

const commands = {
  next: ({ answers: more }) => {
    for (const answer of more) if (!(answer in STATUS)) fail(`no such answer: ${answer}`)
    answers.push(...more)
  },
  receipt: ({ message_id, stat, err }) => receipt(String(message_id), stat, err),
  inbound: ({ from, to, text }) => inbound(from, to, text),
  unbind: () => {
    for (const session of sessions) {
      if (session.mode) session.unbind(() => session.socket.destroySoon())
      else session.socket.destroySoon()
      session.mode = null
    }
  },
  cut: () => { for (const session of [...sessions]) cut(session) },
  enquire_link: () => { for (const session of sessions) if (session.mode) session.enquire_link(() => say({ event: 'enquire_link_resp' })) },
  quit: () => process.exit(0),
}

// not by readline, which would break a line at U+2028
let rest = Buffer.alloc(0)
function take(chunk) {
  rest = Buffer.concat([rest, chunk])
  for (let end; (end = rest.indexOf(10)) >= 0;) {
    const line = rest.toString('utf8', 0, end)
    rest = rest.subarray(end + 1)
    if (line.trim()) obey(line)
  }
}

// what a test wrote before it made the client send is done before that pdu is looked at; the pipe does not block once it is opened
function drain() {
  const chunk = Buffer.alloc(64 * 1024)
  try {
    for (let n; (n = fs.readSync(process.stdin.fd, chunk)) > 0;) take(Buffer.from(chunk.subarray(0, n)))
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error
  }
}

function obey(line) {
  let order
  try { order = JSON.parse(line) } catch { fail('a line that is not json') }
  if (!Object.hasOwn(commands, order.do)) fail(`no such thing to do: ${order.do}`)
  commands[order.do](order)
}

const server = smpp.createServer(files.length ? { cert: fs.readFileSync(files[0]), key: fs.readFileSync(files[1]) } : {}, accept)
server.on('tlsClientError', () => {})     // a client that does not trust the certificate: no session, no event
server.listen(0, '127.0.0.1', () => {
  say({ event: 'listening', port: server.address().port })
  process.stdin.on('data', take).on('end', () => process.exit(0))
})
