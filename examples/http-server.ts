/**
 * A small HTTP server, the articles' CherryPy case: each request asks the database, some of them for long. In one
 * process with SQLite every request would wait for the long ones; here a reader is busy, and nobody else.
 *
 *   npm run build && node dist/examples/http-server.js
 *
 * prints
 *
 *   POST /notes → 201 {"id":1}
 *   POST /notes → 400 {"error":"a note needs a text"}
 *   GET /notes/1 → 200 {"id":1,"text":"buy milk"}
 *   GET /notes/7 → 404 {"error":"no such note"}
 *   20 requests were answered while GET /primes was at work
 *   GET /primes → 200 {"primes":1438}
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createPool } from 'forklite'

const folder = mkdtempSync(join(tmpdir(), 'forklite-example-'))
const pool = await createPool(join(folder, 'notes.db'), { readers: 2 })
await pool.execute('create table note (id integer primary key, text text not null)')

const PRIMES = `with recursive n(i) as (values (2) union all select i + 1 from n where i < 12000)
  select count(*) from n where not exists
    (select 1 from n as d where d.i * d.i <= n.i and n.i % d.i = 0)`

async function answer(request: IncomingMessage): Promise<[status: number, body: object]> {
  const { method, url = '' } = request
  if (method === 'POST' && url === '/notes') {
    const { note } = JSON.parse(await text(request))
    if (typeof note !== 'string') return [400, { error: 'a note needs a text' }]
    const { lastrowid } = await pool.execute('insert into note (text) values (?)', [note])
    return [201, { id: lastrowid }]
  }
  if (url === '/primes') {
    const [primes] = (await pool.execute(PRIMES).fetchone()) ?? []
    return [200, { primes }]
  }
  const [, wanted] = /^\/notes\/(\d+)$/.exec(url) ?? []
  const row = await pool.execute('select id, text from note where id = ?', [Number(wanted)]).fetchone()
  return row === null ? [404, { error: 'no such note' }] : [200, { id: row[0], text: row[1] }]
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request).catch((error) => [500, { error: String(error) }] as const)
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const { port } = server.address() as AddressInfo

async function ask(method: string, path: string, note?: object): Promise<string> {
  const init = note === undefined ? { method } : { method, body: JSON.stringify(note) }
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
  return `${method} ${path} → ${response.status} ${await response.text()}`
}

console.log(await ask('POST', '/notes', { note: 'buy milk' }))
console.log(await ask('POST', '/notes', {}))
console.log(await ask('GET', '/notes/1'))
console.log(await ask('GET', '/notes/7'))

let working = true
const primes = ask('GET', '/primes').finally(() => {
  working = false
})
let answered = 0
while (working && answered < 20) {
  await ask('GET', '/notes/1')
  if (working) answered++
}
console.log(`${answered} requests were answered while GET /primes was at work`)
console.log(await primes)

server.close()
server.closeAllConnections()
await pool.close()
rmSync(folder, { recursive: true })
