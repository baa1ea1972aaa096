// the tus project's own node server, to be measured beside ours: node tus-server.mjs <folder>
// first line out: its port on 127.0.0.1 (uploads are created at /files). each line `cpu` in: its cpu time so far, in ms, out.
// ends when its input ends. it does not sync files to disk.
import fs from 'node:fs'
import readline from 'node:readline'
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

const directory = process.argv[2]
fs.mkdirSync(directory, { recursive: true })
const server = new Server({ path: '/files', datastore: new FileStore({ directory }) })
const http = server.listen({ host: '127.0.0.1', port: 0 }, () => console.log(http.address().port))

readline.createInterface({ input: process.stdin })
  .on('line', line => {
    if (line.trim() !== 'cpu') return
    const { user, system } = process.cpuUsage()
    console.log(((user + system) / 1000).toFixed(1))
  })
  .on('close', () => process.exit(0))
