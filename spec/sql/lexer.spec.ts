/** Where tokens begin and end. The cases follow `sqlite3GetToken()` in SQLite's tokenize.c. */
import { expect } from 'chai'
import fc from 'fast-check'
import { Lexer } from '../../lib/sql/lexer.ts'

/** The tokens of a text as they are written. */
function tokens(sql: string): string[] {
  const lexer = new Lexer(sql)
  const texts: string[] = []
  while (lexer.next() !== 'end') texts.push(lexer.text())
  return texts
}

function kinds(sql: string): string[] {
  const lexer = new Lexer(sql)
  const kinds: string[] = []
  while (lexer.next() !== 'end') kinds.push(lexer.kind)
  return kinds
}

describe('Lexer', () => {
  it('parts words, numbers and operators, and drops blanks', () => {
    expect(tokens('select a+b ,\t\n\f\r1.5 from t;')).to.deep.equal([
      'select',
      'a',
      '+',
      'b',
      ',',
      '1.5',
      'from',
      't',
      ';',
    ])
  })

  it('takes letters, digits, _, $ and everything beyond ASCII into a word', () => {
    for (const word of ['a1', '_', 'a$b', 'é', '名前', 'a\u00a0b', '😀', 'selectſ', 'a\ufeffb']) {
      expect(tokens(`${word} x`), word).to.deep.equal([word, 'x'])
      expect(kinds(word), word).to.deep.equal(['word'])
    }
  })

  it('keeps operators of two and three characters whole', () => {
    const operators = ['->', '->>', '==', '<=', '<>', '<<', '>=', '>>', '!=', '||']
    for (const operator of operators) {
      expect(tokens(`a${operator}b`), operator).to.deep.equal(['a', operator, 'b'])
    }
    expect(tokens('a!==b<==c')).to.deep.equal(['a', '!=', '=', 'b', '<=', '=', 'c'])
    expect(kinds('a = b == c')).to.deep.equal(['word', '=', 'word', '=', 'word'])
  })

  it('takes what SQLite does not know as one character each', () => {
    expect(tokens('\\{^!\x01\x7f')).to.deep.equal(['\\', '{', '^', '!', '\x01', '\x7f'])
    expect(kinds('\\$ : @')).to.deep.equal(['other', 'other', 'other', 'other'])
  })

  describe('comments', () => {
    it('run from -- to the end of the line, and over no other kind of line end', () => {
      expect(tokens("a--b ';\nc")).to.deep.equal(['a', 'c'])
      expect(tokens('a--b\rc')).to.deep.equal(['a'])
      expect(tokens('a--')).to.deep.equal(['a'])
      expect(tokens('a - -b')).to.deep.equal(['a', '-', '-', 'b'])
    })

    it('run from /* to the first */, or to the end', () => {
      expect(tokens("a/* ' -- ; /* */b")).to.deep.equal(['a', 'b'])
      expect(tokens('a/* b')).to.deep.equal(['a'])
      expect(tokens('a/***/b/**/c')).to.deep.equal(['a', 'b', 'c'])
      expect(tokens('a/*/b*/c')).to.deep.equal(['a', 'c'])
    })

    it('do not begin with a /* that ends the text', () => {
      expect(tokens('a /*')).to.deep.equal(['a', '/', '*'])
      expect(tokens('a /**')).to.deep.equal(['a'])
    })
  })

  describe('quotes', () => {
    it('hold everything, and themselves if doubled', () => {
      expect(tokens("'it''s; -- /*'x")).to.deep.equal(["'it''s; -- /*'", 'x'])
      expect(tokens('"a""b;"x')).to.deep.equal(['"a""b;"', 'x'])
      expect(tokens('`a``b;`x')).to.deep.equal(['`a``b;`', 'x'])
      expect(tokens("''''''")).to.deep.equal(["''''''"])
    })

    it('end at the first ] where they began with [', () => {
      expect(tokens('[a;]]')).to.deep.equal(['[a;]', ']'])
      expect(tokens('[a[b]c')).to.deep.equal(['[a[b]', 'c'])
    })

    it('run to the end where they are not closed', () => {
      for (const text of ["'a;", '"a;', '`a;', '[a;', "x'0;", "'a'';"]) {
        expect(tokens(text), text).to.deep.equal([text])
      }
    })

    it('know no backslash', () => {
      expect(tokens("'a\\';b")).to.deep.equal(["'a\\'", ';', 'b'])
    })

    it('are told apart: a string, a name', () => {
      expect(kinds('\'a\' "a" `a` [a]')).to.deep.equal(['string', 'quoted', 'quoted', 'quoted'])
    })

    it('come off in unquoted()', () => {
      const unquoted = (sql: string) => {
        const lexer = new Lexer(sql)
        lexer.next()
        return lexer.unquoted()
      }
      expect(unquoted("'it''s'")).to.equal("it's")
      expect(unquoted('"a""b"')).to.equal('a"b')
      expect(unquoted('`a``b`')).to.equal('a`b')
      expect(unquoted('[a""b]')).to.equal('a""b')
      expect(unquoted('plain')).to.equal('plain')
    })
  })

  it('takes a blob literal whole, and x alone as a word', () => {
    expect(tokens("x'00ff'X'AB' x 'a'")).to.deep.equal(["x'00ff'", "X'AB'", 'x', "'a'"])
    expect(kinds("x'00' xy'00'")).to.deep.equal(['blob', 'word', 'string'])
    expect(tokens("x'no;hex'a")).to.deep.equal(["x'no;hex'", 'a'])
  })

  it('takes numbers whole', () => {
    const numbers = [
      '0',
      '12',
      '1.5',
      '.5',
      '5.',
      '1e5',
      '1E+5',
      '1.5e-10',
      '0x1F',
      '0Xab',
      '1_000',
      '1_0.5_0e1_0',
    ]
    for (const number of numbers) {
      expect(tokens(`${number}+a`), number).to.deep.equal([number, '+', 'a'])
      expect(kinds(number), number).to.deep.equal(['number'])
    }
  })

  it('keeps what is glued to a number with it', () => {
    expect(tokens('1abc')).to.deep.equal(['1abc'])
    expect(tokens('0x1g 0xg 1e')).to.deep.equal(['0x1g', '0xg', '1e'])
    expect(tokens('1..2')).to.deep.equal(['1.', '.2'])
    expect(tokens('0x1e+5')).to.deep.equal(['0x1e', '+', '5'])
    expect(tokens('1e--5')).to.deep.equal(['1e'])
    expect(tokens('t.5x')).to.deep.equal(['t', '.5x'])
  })

  it('takes parameters of every style', () => {
    for (const variable of ['?', '?1', '?007', ':a', '@a', '#a', '$a', ':1', ':é', ':a$b']) {
      expect(tokens(`(${variable})`), variable).to.deep.equal(['(', variable, ')'])
      expect(kinds(variable), variable).to.deep.equal(['variable'])
    }
    expect(tokens('?1a ??')).to.deep.equal(['?1', 'a', '?', '?'])
  })

  it("takes Tcl's suffixes into a parameter's name", () => {
    for (const variable of ['$a::b', '$::a', '$a(b)', '$a::b(c-d)', ':a(;)', '$a()']) {
      expect(tokens(`${variable},x`), variable).to.deep.equal([variable, ',', 'x'])
    }
    expect(tokens('$a(b c)')).to.deep.equal(['$a(b', 'c', ')'])
    expect(tokens('$a:b')).to.deep.equal(['$a', ':b'])
    expect(tokens('$(a)')).to.deep.equal(['$', '(', 'a', ')'])
  })

  it('takes a byte order mark for a blank, and a vertical tab only behind one', () => {
    expect(tokens('\ufeffselect\n\ufeff 1')).to.deep.equal(['select', '1'])
    expect(tokens('a \v b')).to.deep.equal(['a', 'b'])
    expect(tokens('a\v b')).to.deep.equal(['a', '\v', 'b'])
  })

  it('ends at a NUL', () => {
    for (const text of ['a\0b', 'a \0b', "a 'b\0c'", 'a /* \0 */ b', 'a -- \0\n b', 'a :b\0c', 'a [\0]']) {
      expect(tokens(text)[0], text).to.equal('a')
      expect(tokens(text).join(''), text).not.to.include('\0')
      expect(tokens(text).length, text).to.be.most(2)
    }
    expect(tokens('\0')).to.deep.equal([])
  })

  it('compares words without regard to the case of A to Z, and of no other letter', () => {
    const is = (sql: string, name: string) => {
      const lexer = new Lexer(sql)
      lexer.next()
      return { is: lexer.is(name), isWord: lexer.isWord(name) }
    }
    expect(is('SeLect', 'select')).to.deep.equal({ is: true, isWord: true })
    expect(is('"Temp"', 'temp')).to.deep.equal({ is: true, isWord: false })
    expect(is('[LAST_insert_rowid]', 'last_insert_rowid')).to.deep.equal({ is: true, isWord: false })
    expect(is('selects', 'select')).to.deep.equal({ is: false, isWord: false })
    expect(is('ſelect', 'select')).to.deep.equal({ is: false, isWord: false })
    expect(is('sqlite\x7ftemp', 'sqlite_temp')).to.deep.equal({ is: false, isWord: false })
  })

  it('covers any text without a gap but blanks and comments, and always gets on', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (sql) => {
        const lexer = new Lexer(sql)
        let stop = 0
        while (lexer.next() !== 'end') {
          expect(lexer.start).to.be.least(stop)
          expect(lexer.stop).to.be.above(lexer.start)
          stop = lexer.stop
        }
        expect(lexer.next()).to.equal('end')
      }),
    )
  })
})
