/**
 * Rows: arrays, rows with names, plain objects, or what a function makes of them; and values that SQLite has no type
 * for, on their way in and out.
 *
 *   npm run build && node dist/examples/rows.js
 *
 * prints
 *
 *   an array: [ 1, 'Utrecht', 376435 ]
 *   a Row: Utrecht, Utrecht, 376435; columns: id, name, people
 *   an object: { id: 1, name: 'Utrecht', people: 376435 }
 *   by a function: Utrecht has 376435 people
 *   a point went in as 52.09;5.12 and came out as Point { lat: 52.09, lng: 5.12 }
 *   its columns: id NUMBER, name STRING, at null
 */
import {
  connect,
  PARSE_COLNAMES,
  Row,
  type RowArray,
  type RowObject,
  registerAdapter,
  registerConverter,
} from 'forklite'

const conn = await connect(':memory:', { detectTypes: PARSE_COLNAMES })
await conn.execute('create table city (id integer primary key, name text, people integer, at text)')
await conn.execute("insert into city (name, people) values ('Utrecht', 376435)")

const sql = 'select id, name, people from city'
console.log('an array:', await conn.execute(sql).fetchone())

// The factory of a cursor is asked for at each fetch; a new cursor takes its connection's.
const named = conn.cursor<Row<{ name: string; people: number }>>()
named.rowFactory = Row
const row = await (await named.execute(sql)).fetchone()
console.log(`a Row: ${row?.name}, ${row?.[1]}, ${row?.get('PEOPLE')}; columns: ${row?.keys().join(', ')}`)

const objects = conn.cursor<RowObject>()
objects.rowFactory = 'object'
console.log('an object:', await (await objects.execute(sql)).fetchone())

const told = conn.cursor<string>()
told.rowFactory = (_, [, name, people]: RowArray) => `${name} has ${people} people`
console.log('by a function:', await (await told.execute(sql)).fetchone())

class Point {
  readonly lat: number
  readonly lng: number
  constructor(lat: number, lng: number) {
    this.lat = lat
    this.lng = lng
  }
}
declare module 'forklite' {
  interface AdaptedTypes {
    city: Point
  }
}
// SQLite stores text. The column's name says what it is to become.
registerAdapter(Point, ({ lat, lng }) => `${lat};${lng}`)
registerConverter('point', (text) => {
  const [lat, lng] = String(text).split(';').map(Number)
  return new Point(lat as number, lng as number)
})
await conn.execute('update city set at = ?', [new Point(52.09, 5.12)])
const points = await conn.execute<[string, Point]>('select at, at as "at [point]" from city').fetchone()
console.log(`a point went in as ${points?.[0]} and came out as`, points?.[1])

const cur = await conn.execute('select id, name, upper(at) as at from city')
console.log(`its columns: ${cur.description?.map(([name, type]) => `${name} ${type}`).join(', ')}`)
await conn.close()
