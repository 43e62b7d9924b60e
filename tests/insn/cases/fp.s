# SPDX-License-Identifier: GPL-2.0-or-later

== addsd-rounding
in  xmm0=0x3ff0000000000000,0x1111 xmm1=0x3ca0000000000000,0
out xmm0=0x3ff0000000000000,0x1111
    addsd %xmm1, %xmm0

== divss-by-zero
in  xmm0=0x3f800000,0 xmm1=0,0
out xmm0=0x7f800000,0
    divss %xmm1, %xmm0

== cvttsd2si-overflow
in  xmm0=0x7ff0000000000000,0
out rax=0x8000000000000000
    cvttsd2si %xmm0, %rax

== ucomisd-unordered
in  xmm0=0x7ff8000000000000,0 xmm1=0,0
out flags=0x45
    ucomisd %xmm1, %xmm0

== movaps-misaligned
in  xmm0=1,2
out fault=13
    movaps 8(%rdi), %xmm0

== movups-misaligned
in  mem8=5 mem16=6
out xmm0=5,6
    movups 8(%rdi), %xmm0

== pshufb
in  xmm0=0x0706050403020100,0x0f0e0d0c0b0a0908 xmm1=0x8000000000000001,0x0f0f0f0f0f0f0f0f
out xmm0=0x0000000000000001,0x0f0f0f0f0f0f0f0f
    pshufb %xmm1, %xmm0

== aesenc-zero
out xmm0=0x6363636363636363,0x6363636363636363
    aesenc %xmm1, %xmm0

== pclmul
in  xmm0=3,0 xmm1=7,0
out xmm0=9,0
    pclmulqdq $0, %xmm1, %xmm0

== pcmpestri-memory
in  rax=4 rdx=8 xmm0=0x64636261,0 xmm1=9,8 mem0=0x0000006463626120
out rcx=1 xmm1=9,8
    pcmpestri $0x0c, (%rdi), %xmm0

== ptest
in  xmm0=1,0 xmm1=2,0
out flags=0x40
    ptest %xmm1, %xmm0

== pextr-pinsr
in  xmm0=0x1122334455667788,0x99aabbccddeeff00 rbx=0x7777
out rax=0x99aabbcc xmm0=0x1122334477777788,0x99aabbccddeeff00
    pextrd $3, %xmm0, %eax
    pinsrw $1, %ebx, %xmm0
    pinsrb $3, %ebx, %xmm0

== x87-two
out st0=0x40008000000000000000
    fninit
    fld1
    fadd %st(0), %st

== x87-fild-fistp
in  mem0=-7
out mem8=-7
    fninit
    fildq (%rdi)
    fistpq 8(%rdi)

== x87-fcomi-less
out flags=1/0x45
    fninit
    fld1
    fldz
    fcomi %st(1), %st

== x87-status-to-ax
out rax=0x3800
    fninit
    fld1
    fnstsw %ax

== x87-control-word
in  mem0=0
out mem0=0x37f
    fninit
    fnstcw (%rdi)

== mmx-padd
in  mem0=0x00ff00ff00ff00ff mem8=0x0001000100010001
out mem16=0x0100010001000100
    movq (%rdi), %mm0
    paddw 8(%rdi), %mm0
    movq %mm0, 16(%rdi)
    emms

== ldmxcsr-reserved
in  mem0=0x10000
out fault=13
    ldmxcsr (%rdi)
