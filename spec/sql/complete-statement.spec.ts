/** completeStatement(): SQLite's own cases, https://sqlite.org/c3ref/complete.html and its test/main.test. */
import { expect } from 'chai'
import { completeStatement } from 'forklite'

describe('completeStatement()', () => {
  const complete = [
    'select 1;',
    'select 1; ',
    'select 1;\n-- a comment\n',
    'select 1; /* a comment */',
    'select 1; -- no end of line',
    ';',
    '  ;  ',
    '/* c */ ;',
    "select ';';",
    'select 1; select 2;',
    'select "a;b", [c;d], `e;f`;',
    'create table t (a);',
    'create trigger t after insert on a begin select 1; end;',
    'CREATE TEMP TRIGGER t after insert on a begin select 1; update b set c = case d when 1 then 2 end; end;',
    'create temporary trigger t delete on a begin select 1;; end;',
    'explain create trigger t after insert on a begin select 1; end;',
    'explain select 1;',
    'create view trigger as select 1;',
    'create table "create trigger" (a);',
    'select 1 /* ; */;',
    'end;',
  ]
  for (const sql of complete) {
    it(`is true of ${JSON.stringify(sql)}`, () => expect(completeStatement(sql)).to.equal(true))
  }

  const incomplete = [
    '',
    ' ',
    '-- nothing;',
    '/* ; */',
    'select 1',
    "select ';",
    'select ";',
    'select [;',
    'select `;',
    'select 1 -- ;',
    'select 1 /* ;',
    'select 1; select 2',
    "select 1; 'x",
    'create trigger t after insert on a begin',
    'create trigger t after insert on a begin select 1;',
    'create trigger t after insert on a begin select 1; end',
    'create trigger t after insert on a begin select case 1 when 1 then 2 end;',
    'create temp trigger t after insert on a begin select 1; end "x";',
    'explain create trigger t after insert on a begin select 1;',
    'select 1; /* no end',
  ]
  for (const sql of incomplete) {
    it(`is false of ${JSON.stringify(sql)}`, () => expect(completeStatement(sql)).to.equal(false))
  }

  it('is in time that grows with the text, not its square', () => {
    expect(completeStatement(`${'select 1;'.repeat(200_000)}`)).to.equal(true)
    expect(completeStatement(`${'/*'.repeat(500_000)}`)).to.equal(false)
  })
})
