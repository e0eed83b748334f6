/**
 * Questions: what one asks of a table of cities: point reads, prefixes, boxes, joins, groups, scans. Runs in
 * every process of the demo; both contestants get the same ones in the same order.
 */
import { seededRandom } from './random.ts'

/** A statement and its parameters, by place or by name. */
export interface Task {
  readonly sql: string
  readonly params: readonly (string | number)[] | Readonly<Record<string, string | number>>
}

export interface Question {
  /** What it asks, for a reader. */
  readonly text: string
  readonly sql: string
  /** The parameters of the one whose answer is shown. */
  readonly shown: Task['params']
  /** Others like it, from a random number below 1 each. */
  readonly params: (random: () => number) => Task['params']
  /** How often it comes, against the others. */
  readonly weight: number
}

export const CITIES = 171_075

const NEAREST = `
  select name, country, round(111.2 * sqrt(
    (lat - :lat) * (lat - :lat) + (lng - :lng) * (lng - :lng) * :shrink * :shrink), 1) as km
  from city
  where lat between :lat - 1 and :lat + 1 and lng between :lng - 1 / :shrink and :lng + 1 / :shrink
  order by km, id limit 4`

export const QUESTIONS: readonly Question[] = [
  {
    text: 'Which city is number 90,000?',
    sql: 'select name, country from city where id = ?',
    shown: [90_000],
    params: (random) => [1 + Math.floor(random() * CITIES)],
    weight: 50,
  },
  {
    text: "Which names begin with 'Utr'?",
    sql: 'select distinct name from city where name >= :start and name < :start || char(1114111) order by name limit 10',
    shown: { start: 'Utr' },
    params: (random) => ({
      start: pick(['Ab', 'Gro', 'San P', 'Nov', 'Kar', 'Villa', 'Saint-', 'Ub'], random),
    }),
    weight: 15,
  },
  {
    text: 'Which cities are nearest to the Eiffel Tower?',
    sql: NEAREST,
    shown: near(48.8584, 2.2945),
    params: (random) => near(random() * 100 - 40, random() * 300 - 150),
    weight: 15,
  },
  {
    text: 'Which Dutch provinces have most cities?',
    sql: `
      select admin1.name, count(*) as cities
      from city join admin1 on admin1.code = city.country || '.' || city.admin1
      where city.country = ?
      group by admin1.code order by cities desc, admin1.code limit 4`,
    shown: ['NL'],
    params: (random) => [pick(['NL', 'BE', 'DE', 'FR', 'JP', 'BR', 'AU', 'ZA', 'CA', 'PE'], random)],
    weight: 14,
  },
  {
    text: "Where is a 'Springfield'?",
    sql: `
      select admin1.name from city join admin1 on admin1.code = city.country || '.' || city.admin1
      where city.name = ? order by admin1.name limit 6`,
    shown: ['Springfield'],
    params: (random) => [pick(['Springfield', 'San Antonio', 'Victoria', 'Santa Rosa', 'Richmond'], random)],
    weight: 10,
  },
  {
    text: 'Which countries have most cities?',
    sql: `
      select country, count(*) as cities from city where lat > ?
      group by country order by cities desc, country limit 5`,
    shown: [-90],
    params: (random) => [Math.floor(random() * 60)],
    weight: 1,
  },
  {
    text: "Which names hold 'heim' most often, and where?",
    sql: `
      select country, count(*) as cities from city where name like '%' || ? || '%'
      group by country order by cities desc, country limit 4`,
    shown: ['heim'],
    params: (random) => [pick(['heim', 'ville', 'abad', 'grad', 'ton', 'burg'], random)],
    weight: 1,
  },
]

/** So many questions, in the mix of their weights. */
export function askedQuestions(number: number): Task[] {
  const random = seededRandom(number)
  const mix = QUESTIONS.flatMap((question) => new Array<Question>(question.weight).fill(question))
  return Array.from({ length: number }, () => {
    const { sql, params } = pick(mix, random)
    return { sql, params: params(random) }
  })
}

/** A place, and by how much a degree of longitude is shorter there than one of latitude. */
function near(lat: number, lng: number): Record<string, number> {
  return { lat, lng, shrink: Math.cos((lat * Math.PI) / 180) }
}

function pick<T>(choices: readonly T[], random: () => number): T {
  return choices[Math.floor(random() * choices.length)] as T
}
