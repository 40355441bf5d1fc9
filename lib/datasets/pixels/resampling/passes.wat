;; The two passes of resample.ts over 8-bit RGB, with the processor's vectors. Output position i reads two input positions for
;; each of its count[i] pairs of weights, from first[i] on; its pairs begin at value[i * pairs]. A weight has 22 bits behind
;; the point, more than the products of vectors take: its upper bits and its lower 8 are multiplied apart and added at the
;; end. A pair is 8 bytes: the upper bits of its first and second weight (i16), then the lower ones (i16).
;;
;; passes.ts holds this assembled: its test says what to put there after a change.
(module
  (memory (export "memory") 1)

  ;; Four rows at once, so that each weight is loaded once for them; there is room for as many, of which the last may hold
  ;; anything. A pixel is three bytes, but four are stored: the next pixel, or the room behind a row, takes the last.
  (func (export "across")
    (param $image i32) (param $stride i32) (param $rows i32)      ;; bytes of the image's rows are $stride apart
    (param $first i32) (param $count i32) (param $value i32) (param $pairs i32)
    (param $from i32) (param $to i32)                             ;; the output columns, up to $to - 1
    (param $out i32) (param $outStride i32)
    (local $x i32) (local $y i32) (local $w i32) (local $end i32) (local $p i32) (local $q i32)
    (local $s2 i32) (local $s3 i32)
    (local $high v128) (local $low v128) (local $pair v128) (local $apart v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $a_ v128) (local $b_ v128) (local $c_ v128) (local $d_ v128)
    (local.set $s2 (i32.shl (local.get $stride) (i32.const 1)))
    (local.set $s3 (i32.add (local.get $s2) (local.get $stride)))
    ;; Two pixels as i16: red and red, green and green, blue and blue.
    (local.set $apart (v128.const i8x16 0 128 3 128 1 128 4 128 2 128 5 128 128 128 128 128))
    (loop $lines
      (local.set $x (local.get $from))
      (local.set $q (local.get $out))
      (loop $columns
        (local.set $a (v128.const i32x4 0 0 0 0))
        (local.set $b (v128.const i32x4 0 0 0 0))
        (local.set $c (v128.const i32x4 0 0 0 0))
        (local.set $d (v128.const i32x4 0 0 0 0))
        (local.set $a_ (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $b_ (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $c_ (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $d_ (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))  ;; rounds
        (local.set $p (i32.add (local.get $image)
          (i32.mul (i32.const 3) (i32.load (i32.add (local.get $first) (i32.shl (local.get $x) (i32.const 2)))))))
        (local.set $w (i32.add (local.get $value)
          (i32.shl (i32.mul (local.get $x) (local.get $pairs)) (i32.const 3))))
        (local.set $end (i32.add (local.get $w)
          (i32.shl (i32.load (i32.add (local.get $count) (i32.shl (local.get $x) (i32.const 2)))) (i32.const 3))))
        (loop $weights
          (local.set $high (v128.load32_splat (local.get $w)))
          (local.set $low (v128.load32_splat offset=4 (local.get $w)))
          (local.set $pair (i8x16.swizzle (v128.load64_zero (local.get $p)) (local.get $apart)))
          (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s (local.get $pair) (local.get $high))))
          (local.set $a_ (i32x4.add (local.get $a_) (i32x4.dot_i16x8_s (local.get $pair) (local.get $low))))
          (local.set $pair (i8x16.swizzle (v128.load64_zero (i32.add (local.get $p) (local.get $stride))) (local.get $apart)))
          (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s (local.get $pair) (local.get $high))))
          (local.set $b_ (i32x4.add (local.get $b_) (i32x4.dot_i16x8_s (local.get $pair) (local.get $low))))
          (local.set $pair (i8x16.swizzle (v128.load64_zero (i32.add (local.get $p) (local.get $s2))) (local.get $apart)))
          (local.set $c (i32x4.add (local.get $c) (i32x4.dot_i16x8_s (local.get $pair) (local.get $high))))
          (local.set $c_ (i32x4.add (local.get $c_) (i32x4.dot_i16x8_s (local.get $pair) (local.get $low))))
          (local.set $pair (i8x16.swizzle (v128.load64_zero (i32.add (local.get $p) (local.get $s3))) (local.get $apart)))
          (local.set $d (i32x4.add (local.get $d) (i32x4.dot_i16x8_s (local.get $pair) (local.get $high))))
          (local.set $d_ (i32x4.add (local.get $d_) (i32x4.dot_i16x8_s (local.get $pair) (local.get $low))))
          (local.set $p (i32.add (local.get $p) (i32.const 6)))
          (br_if $weights (i32.lt_u (local.tee $w (i32.add (local.get $w) (i32.const 8))) (local.get $end))))
        ;; What is behind the point is cut off, and the rest brought into a byte.
        (local.set $a (i32x4.shr_s
          (i32x4.add (i32x4.shl (local.get $a) (i32.const 8)) (local.get $a_)) (i32.const 22)))
        (local.set $b (i32x4.shr_s
          (i32x4.add (i32x4.shl (local.get $b) (i32.const 8)) (local.get $b_)) (i32.const 22)))
        (local.set $c (i32x4.shr_s
          (i32x4.add (i32x4.shl (local.get $c) (i32.const 8)) (local.get $c_)) (i32.const 22)))
        (local.set $d (i32x4.shr_s
          (i32x4.add (i32x4.shl (local.get $d) (i32.const 8)) (local.get $d_)) (i32.const 22)))
        (local.set $a (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_s (local.get $a) (local.get $b)) (i16x8.narrow_i32x4_s (local.get $c) (local.get $d))))
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
    (param $first i32) (param $count i32) (param $value i32) (param $pairs i32)
    (param $from i32) (param $to i32)                             ;; the output rows, up to $to - 1
    (param $out i32)
    (local $y i32) (local $i i32) (local $w i32) (local $start i32) (local $end i32) (local $p i32) (local $row i32)
    (local $upper v128) (local $lower v128) (local $lowBytes v128) (local $highBytes v128)
    (local $high v128) (local $low v128) (local $pair v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $a_ v128) (local $b_ v128) (local $c_ v128) (local $d_ v128)
    (local.set $y (local.get $from))
    (loop $lines
      (local.set $row (i32.add (local.get $rows)
        (i32.mul (local.get $stride) (i32.load (i32.add (local.get $first) (i32.shl (local.get $y) (i32.const 2)))))))
      (local.set $start (i32.add (local.get $value)
        (i32.shl (i32.mul (local.get $y) (local.get $pairs)) (i32.const 3))))
      (local.set $end (i32.add (local.get $start)
        (i32.shl (i32.load (i32.add (local.get $count) (i32.shl (local.get $y) (i32.const 2)))) (i32.const 3))))
      (local.set $i (i32.const 0))
      (loop $pieces
        (local.set $a (v128.const i32x4 0 0 0 0))
        (local.set $b (v128.const i32x4 0 0 0 0))
        (local.set $c (v128.const i32x4 0 0 0 0))
        (local.set $d (v128.const i32x4 0 0 0 0))
        (local.set $a_ (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $b_ (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $c_ (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $d_ (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))  ;; rounds
        (local.set $p (i32.add (local.get $row) (local.get $i)))
        (local.set $w (local.get $start))
        (loop $weights
          (local.set $high (v128.load32_splat (local.get $w)))
          (local.set $low (v128.load32_splat offset=4 (local.get $w)))
          (local.set $upper (v128.load (local.get $p)))
          (local.set $lower (v128.load (i32.add (local.get $p) (local.get $stride))))
          (local.set $lowBytes (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23
            (local.get $upper) (local.get $lower)))
          (local.set $highBytes (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31
            (local.get $upper) (local.get $lower)))
          (local.set $pair (i16x8.extend_low_i8x16_u (local.get $lowBytes)))
          (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s (local.get $pair) (local.get $high))))
          (local.set $a_ (i32x4.add (local.get $a_) (i32x4.dot_i16x8_s (local.get $pair) (local.get $low))))
          (local.set $pair (i16x8.extend_high_i8x16_u (local.get $lowBytes)))
          (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s (local.get $pair) (local.get $high))))
          (local.set $b_ (i32x4.add (local.get $b_) (i32x4.dot_i16x8_s (local.get $pair) (local.get $low))))
          (local.set $pair (i16x8.extend_low_i8x16_u (local.get $highBytes)))
          (local.set $c (i32x4.add (local.get $c) (i32x4.dot_i16x8_s (local.get $pair) (local.get $high))))
          (local.set $c_ (i32x4.add (local.get $c_) (i32x4.dot_i16x8_s (local.get $pair) (local.get $low))))
          (local.set $pair (i16x8.extend_high_i8x16_u (local.get $highBytes)))
          (local.set $d (i32x4.add (local.get $d) (i32x4.dot_i16x8_s (local.get $pair) (local.get $high))))
          (local.set $d_ (i32x4.add (local.get $d_) (i32x4.dot_i16x8_s (local.get $pair) (local.get $low))))
          (local.set $p (i32.add (local.get $p) (i32.shl (local.get $stride) (i32.const 1))))
          (br_if $weights (i32.lt_u (local.tee $w (i32.add (local.get $w) (i32.const 8))) (local.get $end))))
        (local.set $a (i32x4.shr_s
          (i32x4.add (i32x4.shl (local.get $a) (i32.const 8)) (local.get $a_)) (i32.const 22)))
        (local.set $b (i32x4.shr_s
          (i32x4.add (i32x4.shl (local.get $b) (i32.const 8)) (local.get $b_)) (i32.const 22)))
        (local.set $c (i32x4.shr_s
          (i32x4.add (i32x4.shl (local.get $c) (i32.const 8)) (local.get $c_)) (i32.const 22)))
        (local.set $d (i32x4.shr_s
          (i32x4.add (i32x4.shl (local.get $d) (i32.const 8)) (local.get $d_)) (i32.const 22)))
        (v128.store (i32.add (local.get $out) (local.get $i)) (i8x16.narrow_i16x8_u
          (i16x8.narrow_i32x4_s (local.get $a) (local.get $b)) (i16x8.narrow_i32x4_s (local.get $c) (local.get $d))))
        (br_if $pieces (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (local.get $length))))
      (local.set $out (i32.add (local.get $out) (local.get $length)))
      (br_if $lines (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 1))) (local.get $to)))))
)
