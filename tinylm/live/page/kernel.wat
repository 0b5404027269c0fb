;; y = W x, four rows at a time: the one loop that takes nearly all of the page's time.
;;
;; `make kernel` builds kernel.wasm from this file. All addresses are bytes in the memory that the page shares;
;; the numbers are float32, the rows of W lie one behind the other. WebAssembly has no sum over the lanes of a
;; vector, so $sum adds them by hand. Where WebAssembly is not to be had, engine.js does the same in JavaScript.
(module
  (import "page" "memory" (memory 1))

  (func $sum (param $v v128) (result f32)
    (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $v)) (f32x4.extract_lane 1 (local.get $v)))
      (f32.add (f32x4.extract_lane 2 (local.get $v)) (f32x4.extract_lane 3 (local.get $v)))))

  (func (export "multiply")
    (param $w i32) (param $x i32) (param $y i32) (param $rows i32) (param $columns i32)
    (local $stride i32) (local $even i32) (local $i i32) (local $here i32) (local $step i32)
    (local $in v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $tail f32)
    (local.set $stride (i32.shl (local.get $columns) (i32.const 2)))         ;; bytes of a row
    (local.set $even (i32.and (local.get $stride) (i32.const -16)))          ;; those that fill whole vectors
    (block $done
      (loop $next
        (br_if $done (i32.le_s (local.get $rows) (i32.const 0)))
        (local.set $a (v128.const f32x4 0 0 0 0)) (local.set $b (local.get $a))
        (local.set $c (local.get $a)) (local.set $d (local.get $a))
        ;; fewer than four rows are left: read the last one over and over, store only what there is
        (local.set $step (select (local.get $stride) (i32.const 0) (i32.ge_s (local.get $rows) (i32.const 4))))
        (local.set $i (i32.const 0))
        (block $row_done
          (loop $along
            (br_if $row_done (i32.ge_u (local.get $i) (local.get $even)))
            (local.set $here (i32.add (local.get $w) (local.get $i)))
            (local.set $in (v128.load (i32.add (local.get $x) (local.get $i))))
            (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $in) (v128.load (local.get $here)))))
            (local.set $here (i32.add (local.get $here) (local.get $step)))
            (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $in) (v128.load (local.get $here)))))
            (local.set $here (i32.add (local.get $here) (local.get $step)))
            (local.set $c (f32x4.add (local.get $c) (f32x4.mul (local.get $in) (v128.load (local.get $here)))))
            (local.set $here (i32.add (local.get $here) (local.get $step)))
            (local.set $d (f32x4.add (local.get $d) (f32x4.mul (local.get $in) (v128.load (local.get $here)))))
            (local.set $i (i32.add (local.get $i) (i32.const 16)))
            (br $along)))
        (f32.store (local.get $y) (call $sum (local.get $a)))
        (if (local.get $step) (then
          (f32.store offset=4 (local.get $y) (call $sum (local.get $b)))
          (f32.store offset=8 (local.get $y) (call $sum (local.get $c)))
          (f32.store offset=12 (local.get $y) (call $sum (local.get $d)))))
        ;; what does not fill a vector, one number at a time
        (block $tail_done
          (loop $tail_next
            (br_if $tail_done (i32.ge_u (local.get $i) (local.get $stride)))
            (local.set $tail (f32.load (i32.add (local.get $x) (local.get $i))))
            (local.set $here (i32.add (local.get $w) (local.get $i)))
            (f32.store (local.get $y)
              (f32.add (f32.load (local.get $y)) (f32.mul (local.get $tail) (f32.load (local.get $here)))))
            (if (local.get $step) (then
              (local.set $here (i32.add (local.get $here) (local.get $stride)))
              (f32.store offset=4 (local.get $y)
                (f32.add (f32.load offset=4 (local.get $y)) (f32.mul (local.get $tail) (f32.load (local.get $here)))))
              (local.set $here (i32.add (local.get $here) (local.get $stride)))
              (f32.store offset=8 (local.get $y)
                (f32.add (f32.load offset=8 (local.get $y)) (f32.mul (local.get $tail) (f32.load (local.get $here)))))
              (local.set $here (i32.add (local.get $here) (local.get $stride)))
              (f32.store offset=12 (local.get $y)
                (f32.add (f32.load offset=12 (local.get $y)) (f32.mul (local.get $tail) (f32.load (local.get $here)))))))
            (local.set $i (i32.add (local.get $i) (i32.const 4)))
            (br $tail_next)))
        (if (local.get $step)
          (then
            (local.set $w (i32.add (local.get $w) (i32.shl (local.get $stride) (i32.const 2))))
            (local.set $y (i32.add (local.get $y) (i32.const 16)))
            (local.set $rows (i32.sub (local.get $rows) (i32.const 4))))
          (else
            (local.set $w (i32.add (local.get $w) (local.get $stride)))
            (local.set $y (i32.add (local.get $y) (i32.const 4)))
            (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))))
        (br $next)))))
