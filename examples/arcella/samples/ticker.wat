;; A service. `run` is called once; since it returns and there is a `tick`, that is called ten times a second,
;; until the deployment is stopped: then `stop` is called.
(module
  (import "arcella" "log" (func $log (param $pointer i32) (param $length i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "started")
  (data (i32.const 16) "stopped")
  ;; The number is written before address 64, digit by digit, from its end.
  (data (i32.const 32) "tick ")
  (global $ticks (mut i32) (i32.const 0))

  (func (export "run")
    (call $log (i32.const 0) (i32.const 7)))

  (func (export "tick")
    (local $left i32) (local $digit i32) (local $digits i32)
    (global.set $ticks (i32.add (global.get $ticks) (i32.const 1)))
    (local.set $left (global.get $ticks))
    (local.set $digit (i32.const 64))
    (loop $next
      (local.set $digit (i32.sub (local.get $digit) (i32.const 1)))
      (i32.store8 (local.get $digit)
        (i32.add (i32.const 48) (i32.rem_u (local.get $left) (i32.const 10))))
      (local.set $left (i32.div_u (local.get $left) (i32.const 10)))
      (br_if $next (local.get $left)))
    ;; They follow the text.
    (local.set $digits (i32.sub (i32.const 64) (local.get $digit)))
    (memory.copy (i32.const 37) (local.get $digit) (local.get $digits))
    (call $log (i32.const 32) (i32.add (i32.const 5) (local.get $digits))))

  (func (export "stop")
    (call $log (i32.const 16) (i32.const 7))))
