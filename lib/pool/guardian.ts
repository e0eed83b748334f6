/**
 * Guardian: one small shell process that outlives a caller which was killed, and then ends the children that
 * did not end by themselves. Runs beside the caller. A synchronous child inside an endless statement cannot see
 * that its caller is gone; somebody else has to.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'

// Reads `+PID` and `-PID`. At the pipe's end (the caller's, however it came) it gives the children a moment to
// leave by themselves, and kills what then still carries our token: a pid alone might be somebody else's by now.
// One grep looks at all of them: with every core busy in endless queries, a fork for each would take seconds.
const SCRIPT = `
pids=
while read -r line; do
  case $line in
    +*) pids="$pids \${line#+}" ;;
    -*) rest=; for p in $pids; do [ "$p" = "\${line#-}" ] || rest="$rest $p"; done; pids=$rest ;;
  esac
done
ours() {
  found=
  if [ -d /proc/self ]; then
    files=
    for p in $pids; do files="$files /proc/$p/cmdline /proc/$p/environ"; done
    found=$(grep -ls -e "$TOKEN" $files)
  else
    found=$(ps -p "$(echo $pids | tr ' ' ,)" -o pid=,command= 2>/dev/null | grep -e "$TOKEN")
  fi
  left=
  for p in $pids; do
    case "
$found
" in *"/proc/$p/"*|*[!0-9]"$p "*) left="$left $p" ;; esac
  done
  pids=$left
  [ -n "$pids" ] || exit 0
}
[ -n "$pids" ] || exit 0
ours
sleep 0.1 2>/dev/null || sleep 1
ours
sleep 0.1 2>/dev/null
ours
kill -KILL $pids 2>/dev/null
exit 0
`

/**
 * What each child of this process and thread carries on its command line, and in its environment, since
 * `--title` and `process.title` write over the command line.
 */
export const TOKEN = `forklite-${process.pid}-${Math.random().toString(36).slice(2, 10)}`

const watched = new Map<number, ChildProcess>()
let guardian: ChildProcess | null = null

/** Puts a child under guard, until unwatch(). Starts the guardian with the first. */
export function watch(child: ChildProcess): void {
  if (child.pid === undefined) return
  if (watched.size === 0) process.on('exit', killBusy)
  watched.set(child.pid, child)
  if (guardian === null) guardian = start()
  else tell(`+${child.pid}`)
}

/** Lets a child go that has exited. The guardian ends with the last. */
export function unwatch(child: ChildProcess): void {
  if (child.pid === undefined || !watched.delete(child.pid)) return
  tell(`-${child.pid}`)
  if (watched.size > 0) return
  process.off('exit', killBusy)
  ;(guardian?.stdin as Socket | null)?.end()
  guardian = null
}

// A child that is inside a statement may never look up from it. The others see the end of their pipe, close
// the database in order and leave no -wal behind, so they are not killed.
const busy = new WeakSet<ChildProcess>()

/** Tells whether a child has something to do, for the case that the caller exits now. */
export function markBusy(child: ChildProcess, isBusy: boolean): void {
  if (isBusy) busy.add(child)
  else busy.delete(child)
}

function killBusy(): void {
  for (const child of watched.values()) if (busy.has(child)) child.kill('SIGKILL')
}

function tell(line: string): void {
  guardian?.stdin?.write(`${line}\n`)
}

function start(): ChildProcess | null {
  // A group of its own, so that Ctrl-C passes it by, and no output of ours, so that nobody who reads the
  // caller's output to its end waits for the guardian.
  const shell = spawn('/bin/sh', ['-c', SCRIPT], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', TOKEN },
    cwd: '/',
  })
  // Without a shell the 'exit' handler and the pipes' end remain; only a killed caller's busy child is missed.
  shell.on('error', () => {})
  if (shell.pid === undefined) return null
  // Somebody ended it: the next child gets a new one.
  shell.on('exit', () => {
    if (guardian === shell) guardian = null
  })
  shell.stdin.on('error', () => {})
  shell.stdin.write([...watched.keys()].map((pid) => `+${pid}\n`).join(''))
  shell.unref()
  ;(shell.stdin as Socket).unref()
  return shell
}
