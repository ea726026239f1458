// Modules that do one thing each. Those of a command export `_start`; those of a service, other functions.
const LOG = '(import "arcella" "log" (func $log (param i32 i32)))'
const PUBLISH = '(import "arcella" "publish" (func $publish (param i32 i32) (result i32)))'
const MEMORY = '(memory (export "memory") 1)'
/** Of a function with `count` parameters of type i32; `_` before those of type i64. */
const wasi = (name: string, params: string, result = '(result i32)') =>
  `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params}) ${result}))`
const EXIT = wasi('proc_exit', 'i32', '')
const WRITE = wasi('fd_write', 'i32 i32 i32 i32')
const PATH_OPEN = wasi('path_open', 'i32 i32 i32 i32 i32 i64 i64 i32 i32')

export const WAT = {
  minimal: '(module)',
  /** Traps as a command, in its start function aside. */
  trap: `(module (func (export "_start") unreachable))`,
  trapAtStart: `(module (func $start unreachable) (start $start) (func (export "_start")))`,
  loopAtStart: `(module (func $start (loop $on (br $on))) (start $start) (func (export "_start")))`,
  recursion: `(module (func $deep (export "_start") (call $deep) (call $deep)))`,

  /** Every way to never come back. */
  loop: `(module ${LOG} ${MEMORY}
    (data (i32.const 0) "spinning")
    (func $spin (export "_start")
      (call $log (i32.const 0) (i32.const 8))
      (loop $on (br $on)))
    (func (export "spin") (call $spin))
    (func (export "begin"))
    (func (export "tick") (call $spin)))`,
  loopInShutdown: `(module
    (func (export "begin"))
    (func (export "tick"))
    (func (export "shutdown") (loop $on (br $on))))`,

  /** Comes back at once, and is called again. */
  service: `(module ${LOG} ${MEMORY}
    (data (i32.const 0) "beganticked stopped")
    (func (export "begin") (call $log (i32.const 0) (i32.const 5)))
    (func (export "tick") (call $log (i32.const 5) (i32.const 6)))
    (func (export "shutdown") (call $log (i32.const 12) (i32.const 7)))
    (func (export "trap") unreachable))`,

  /** Ends with the number of pages that it got. */
  grow: `(module ${EXIT} ${MEMORY}
    (func (export "_start")
      (loop $on (br_if $on (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
      (call $proc_exit (memory.size))))`,
  huge: `(module (memory (export "memory") 65536) (func (export "_start")))`,

  /** Prints its arguments and its environment, and ends with 7. */
  environment: `(module ${EXIT} ${WRITE}
    ${wasi('args_sizes_get', 'i32 i32')} ${wasi('args_get', 'i32 i32')}
    ${wasi('environ_sizes_get', 'i32 i32')} ${wasi('environ_get', 'i32 i32')} ${MEMORY}
    (func $print (param $from i32) (param $length i32)
      (i32.store (i32.const 16) (local.get $from))
      (i32.store (i32.const 20) (local.get $length))
      (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))
    (func (export "_start")
      (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
      (drop (call $args_get (i32.const 1000) (i32.const 2000)))
      (call $print (i32.const 2000) (i32.load (i32.const 4)))
      (drop (call $environ_sizes_get (i32.const 0) (i32.const 4)))
      (drop (call $environ_get (i32.const 1000) (i32.const 2000)))
      (call $print (i32.const 2000) (i32.load (i32.const 4)))
      (call $proc_exit (i32.const 7))))`,

  /** Prints a line, and ends. */
  hello: `(module ${WRITE} ${MEMORY}
    (data (i32.const 0) "\\10\\00\\00\\00\\0d\\00\\00\\00hello, world\\n")
    (func (export "_start")
      (i32.store (i32.const 0) (i32.const 8))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 24)))))`,

  /** Prints the file "inside" of its first directory, and ends with the error of "../outside" there. */
  files: `(module ${EXIT} ${WRITE} ${PATH_OPEN} ${wasi('fd_read', 'i32 i32 i32 i32')} ${MEMORY}
    (data (i32.const 100) "inside../outside")
    (func $open (param $path i32) (param $length i32) (result i32)
      (call $path_open (i32.const 3) (i32.const 0) (local.get $path) (local.get $length)
        (i32.const 0) (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 0)))
    (func (export "_start")
      (if (i32.eqz (call $open (i32.const 100) (i32.const 6)))
        (then
          (i32.store (i32.const 16) (i32.const 1000))
          (i32.store (i32.const 20) (i32.const 100))
          (drop (call $fd_read (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i32.const 24)))
          (i32.store (i32.const 20) (i32.load (i32.const 24)))
          (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))))
      (call $proc_exit (call $open (i32.const 106) (i32.const 10)))))`,

  /** Sleeps for an hour. */
  sleep: `(module ${wasi('poll_oneoff', 'i32 i32 i32 i32')} ${MEMORY}
    (func (export "_start")
      (i32.store (i32.const 16) (i32.const 1))
      (i64.store (i32.const 24) (i64.const 3600000000000))
      (drop (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))`,

  publish: `(module ${PUBLISH} ${LOG} (memory (export "memory") 2)
    (data (i32.const 0) "an event")
    (func (export "small") (if (call $publish (i32.const 0) (i32.const 8)) (then unreachable)))
    (func (export "large")
      (if (i32.ne (call $publish (i32.const 0) (i32.const 65537)) (i32.const 1)) (then unreachable)))
    (func (export "many") (local $left i32)
      (local.set $left (i32.const 200))
      (loop $next
        (drop (call $publish (i32.const 0) (i32.const 8)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $next (local.get $left)))
      (if (i32.ne (call $publish (i32.const 0) (i32.const 8)) (i32.const 2)) (then unreachable)))
    (func (export "outside") (drop (call $publish (i32.const 131000) (i32.const 100))))
    (func (export "logOutside") (call $log (i32.const -1) (i32.const 2))))`,

  /** A line of 10,000 bytes, then 20,000 lines. */
  flood: `(module ${WRITE} ${MEMORY}
    (data (i32.const 0) "\\20\\00\\00\\00\\10\\27\\00\\00")
    (data (i32.const 16) "\\1e\\00\\00\\00\\02\\00\\00\\00")
    (data (i32.const 30) "x\\0a")
    (func (export "_start") (local $left i32)
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $left (i32.const 20000))
      (loop $next
        (drop (call $fd_write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 8)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $next (local.get $left)))))`,

  /** Attacks the process that it is in, through what WASI has for it. */
  attack: `(module ${EXIT} ${wasi('proc_raise', 'i32')} ${wasi('fd_close', 'i32')} ${WRITE}
    ${wasi('sock_send', 'i32 i32 i32 i32 i32')} ${MEMORY}
    (data (i32.const 0) "\\10\\00\\00\\00\\05\\00\\00\\00")
    (data (i32.const 16) "alive")
    (func (export "_start")
      (drop (call $proc_raise (i32.const 9)))
      (drop (call $fd_close (i32.const 0)))
      (drop (call $fd_close (i32.const 1)))
      (drop (call $fd_close (i32.const 2)))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (drop (call $fd_write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 8)))
      (call $proc_exit (call $sock_send (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8)))))`,

  importsMemory: `(module (import "env" "memory" (memory 1)) (func (export "_start")))`,
  importsLogAsGlobal: `(module (import "arcella" "log" (global i32)) (func (export "_start")))`,
  importsUnknown: `(module (import "arcella" "spawn" (func)) (func (export "_start")))`,
  /** `now` gives i64. */
  mistypes: `(module (import "arcella" "now" (func $now (result i32)))
    (func (export "_start") (drop (call $now))))`,
} as const
