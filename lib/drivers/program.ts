/**
 * What can be told of a statement from its program, as EXPLAIN lists it. Runs in the child. It knows SQLite's
 * opcodes (https://sqlite.org/opcode.html), and neither drivers nor results.
 */

/** One instruction: its opcode and its second operand, for those that jump the place they jump to. */
export interface Instruction {
  readonly opcode: string
  readonly p2: number
}

/**
 * Opcodes that go on with the next instruction, or end the run. BeginSubrtn and Return stand around a subquery:
 * only a Gosub, which is not among these, makes Return jump.
 */
const STRAIGHT = new Set(
  `Transaction ReadCookie TableLock OpenRead OpenEphemeral OpenPseudo Close Explain Noop ReleaseReg
   Integer Int64 Real String8 String Blob Null SoftNull Variable Copy SCopy Move IntCopy
   Rowid Column Offset IdxRowid DeferredSeek NullRow RealAffinity Affinity Cast Count
   Add Subtract Multiply Divide Remainder Concat BitAnd BitOr BitNot ShiftLeft ShiftRight
   And Or Not IsTrue ZeroOrNull CollSeq Function PureFunc
   AggStep AggStep1 AggInverse AggValue AggFinal MakeRecord ResultRow Halt BeginSubrtn Return`.split(/\s+/),
)

/** Opcodes that go on with the next instruction or with the one at p2. */
const BRANCHING = new Set(
  `Goto Once If IfNot IsNull NotNull IsType ElseEq Eq Ne Lt Le Gt Ge MustBeInt IfNullRow IfNotOpen IfNoHope
   IfPos IfNotZero DecrJumpZero IfEmpty Rewind Last NotExists SeekRowid Found NotFound NoConflict
   SeekLT SeekLE SeekGE SeekGT IdxLT IdxLE IdxGE IdxGT`.split(/\s+/),
)

/**
 * Whether this program runs each of its instructions once at the most: then it gives no more rows than it has
 * ResultRows, whatever the tables hold. So a read by rowid or by a unique key, and `count(*)`. False for what
 * is not understood.
 *
 * `program[i]` is the instruction at address i. It begins with Init, which jumps to a prologue at the end;
 * that ends with the one jump back, to address 1. Between the two all jumps must lead forward, none of them
 * into the prologue.
 */
export function cannotLoop(program: readonly Instruction[]): boolean {
  const last = program.length - 1
  const init = program[0]
  if (init?.opcode !== 'Init' || init.p2 < 2 || init.p2 > last) return false
  const prologue = init.p2
  if (program[prologue - 1]!.opcode !== 'Halt') return false
  if (program[last]!.opcode !== 'Goto' || program[last]!.p2 !== 1) return false
  const count = (name: string) => program.filter(({ opcode }) => opcode === name).length
  if (count('Return') !== count('BeginSubrtn')) return false
  for (let address = 1; address < last; address++) {
    const { opcode, p2 } = program[address]!
    if (STRAIGHT.has(opcode)) continue
    // Nowhere: what is no integer is an error then.
    if (opcode === 'MustBeInt' && p2 === 0) continue
    const end = address < prologue ? prologue : last + 1
    if (!BRANCHING.has(opcode) || p2 <= address || p2 >= end) return false
  }
  return true
}

/** Whether it may call functions, be they SQLite's own or the application's. */
export function callsFunctions(program: readonly Instruction[]): boolean {
  return program.some(({ opcode }) => /^(Function|PureFunc|Agg)/.test(opcode))
}
