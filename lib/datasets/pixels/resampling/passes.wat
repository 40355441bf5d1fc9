;; The two passes of resample.ts over 8-bit RGB, with the processor's vectors. Weights are int32 with 22 bits behind the
;; point; output position i reads count[i] input positions from first[i] on, and the weights from value[i * taps] on.
;;
;; passes.ts holds this assembled: its test says what to put there after a change.
(module
  (memory (export "memory") 1)

  ;; Four rows at once, so that each weight is loaded once for them; there is room for as many, of which the last may hold
  ;; anything. A pixel is three bytes, but four are loaded and stored: the next pixel, or the room behind a row, takes the last.
  (func (export "across")
    (param $image i32) (param $stride i32) (param $rows i32)      ;; bytes of the image's rows are $stride apart
    (param $first i32) (param $count i32) (param $value i32) (param $taps i32)
    (param $from i32) (param $to i32)                             ;; the output columns, up to $to - 1
    (param $out i32) (param $outStride i32)
    (local $x i32) (local $y i32) (local $w i32) (local $end i32) (local $p i32) (local $q i32)
    (local $weight v128) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $s2 i32) (local $s3 i32)
    (local.set $s2 (i32.shl (local.get $stride) (i32.const 1)))
    (local.set $s3 (i32.add (local.get $s2) (local.get $stride)))
    (loop $lines
      (local.set $x (local.get $from))
      (local.set $q (local.get $out))
      (loop $columns
        (local.set $a (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))  ;; a half
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (local.set $p (i32.add (local.get $image)
          (i32.mul (i32.const 3) (i32.load (i32.add (local.get $first) (i32.shl (local.get $x) (i32.const 2)))))))
        (local.set $w (i32.add (local.get $value)
          (i32.shl (i32.mul (local.get $x) (local.get $taps)) (i32.const 2))))
        (local.set $end (i32.add (local.get $w)
          (i32.shl (i32.load (i32.add (local.get $count) (i32.shl (local.get $x) (i32.const 2)))) (i32.const 2))))
        (loop $weights
          (local.set $weight (v128.load32_splat (local.get $w)))
          (local.set $a (i32x4.add (local.get $a) (i32x4.mul (local.get $weight) (i32x4.extend_low_i16x8_u
            (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get $p)))))))
          (local.set $b (i32x4.add (local.get $b) (i32x4.mul (local.get $weight) (i32x4.extend_low_i16x8_u
            (i16x8.extend_low_i8x16_u (v128.load32_zero (i32.add (local.get $p) (local.get $stride))))))))
          (local.set $c (i32x4.add (local.get $c) (i32x4.mul (local.get $weight) (i32x4.extend_low_i16x8_u
            (i16x8.extend_low_i8x16_u (v128.load32_zero (i32.add (local.get $p) (local.get $s2))))))))
          (local.set $d (i32x4.add (local.get $d) (i32x4.mul (local.get $weight) (i32x4.extend_low_i16x8_u
            (i16x8.extend_low_i8x16_u (v128.load32_zero (i32.add (local.get $p) (local.get $s3))))))))
          (local.set $p (i32.add (local.get $p) (i32.const 3)))
          (br_if $weights (i32.lt_u (local.tee $w (i32.add (local.get $w) (i32.const 4))) (local.get $end))))
        ;; Behind the point is cut off, and what is left brought into a byte.
        (local.set $a (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $a) (i32.const 22)) (i32x4.shr_s (local.get $b) (i32.const 22)))
          (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $c) (i32.const 22)) (i32x4.shr_s (local.get $d) (i32.const 22)))))
        (v128.store32_lane 0 (local.get $q) (local.get $a))
        (v128.store32_lane 1 (i32.add (local.get $q) (local.get $outStride)) (local.get $a))
        (v128.store32_lane 2 (i32.add (local.get $q) (i32.shl (local.get $outStride) (i32.const 1))) (local.get $a))
        (v128.store32_lane 3 (i32.add (local.get $q) (i32.mul (local.get $outStride) (i32.const 3))) (local.get $a))
        (local.set $q (i32.add (local.get $q) (i32.const 3)))
        (br_if $columns (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (local.get $to))))
      (local.set $image (i32.add (local.get $image) (i32.shl (local.get $stride) (i32.const 2))))
      (local.set $out (i32.add (local.get $out) (i32.shl (local.get $outStride) (i32.const 2))))
      (br_if $lines (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 4))) (local.get $rows)))))

  ;; Sixteen bytes of a row at once. The output's rows follow one another, so that the next one takes what is written too far.
  (func (export "down")
    (param $rows i32) (param $stride i32) (param $length i32)     ;; bytes of a row; $rows is where row 0 of the box would be
    (param $first i32) (param $count i32) (param $value i32) (param $taps i32)
    (param $from i32) (param $to i32)                             ;; the output rows, up to $to - 1
    (param $out i32)
    (local $y i32) (local $i i32) (local $w i32) (local $start i32) (local $end i32) (local $p i32) (local $row i32)
    (local $weight v128) (local $bytes v128) (local $words v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $y (local.get $from))
    (loop $lines
      (local.set $row (i32.add (local.get $rows)
        (i32.mul (local.get $stride) (i32.load (i32.add (local.get $first) (i32.shl (local.get $y) (i32.const 2)))))))
      (local.set $start (i32.add (local.get $value)
        (i32.shl (i32.mul (local.get $y) (local.get $taps)) (i32.const 2))))
      (local.set $end (i32.add (local.get $start)
        (i32.shl (i32.load (i32.add (local.get $count) (i32.shl (local.get $y) (i32.const 2)))) (i32.const 2))))
      (local.set $i (i32.const 0))
      (loop $pieces
        (local.set $a (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))  ;; a half
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (local.set $p (i32.add (local.get $row) (local.get $i)))
        (local.set $w (local.get $start))
        (loop $weights
          (local.set $weight (v128.load32_splat (local.get $w)))
          (local.set $bytes (v128.load (local.get $p)))
          (local.set $words (i16x8.extend_low_i8x16_u (local.get $bytes)))
          (local.set $a (i32x4.add (local.get $a)
            (i32x4.mul (local.get $weight) (i32x4.extend_low_i16x8_u (local.get $words)))))
          (local.set $b (i32x4.add (local.get $b)
            (i32x4.mul (local.get $weight) (i32x4.extend_high_i16x8_u (local.get $words)))))
          (local.set $words (i16x8.extend_high_i8x16_u (local.get $bytes)))
          (local.set $c (i32x4.add (local.get $c)
            (i32x4.mul (local.get $weight) (i32x4.extend_low_i16x8_u (local.get $words)))))
          (local.set $d (i32x4.add (local.get $d)
            (i32x4.mul (local.get $weight) (i32x4.extend_high_i16x8_u (local.get $words)))))
          (local.set $p (i32.add (local.get $p) (local.get $stride)))
          (br_if $weights (i32.lt_u (local.tee $w (i32.add (local.get $w) (i32.const 4))) (local.get $end))))
        (v128.store (i32.add (local.get $out) (local.get $i)) (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $a) (i32.const 22)) (i32x4.shr_s (local.get $b) (i32.const 22)))
          (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $c) (i32.const 22)) (i32x4.shr_s (local.get $d) (i32.const 22)))))
        (br_if $pieces (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $length))))
      (local.set $out (i32.add (local.get $out) (local.get $length)))
      (br_if $lines (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 1))) (local.get $to)))))
)
