# SPDX-License-Identifier: GPL-2.0-or-later
# Format: build-cases.py. Flags: 1 C, 4 P, 0x10 A, 0x40 Z, 0x80 S, 0x800 O.

== add-carry-chain
in  rax=0xffffffffffffffff rbx=0 rcx=1
out rax=0 rbx=1 flags=0
    add %rcx, %rax
    adc $0, %rbx

== add-32-clears-upper
in  rax=0xffffffff00000001 rcx=2
out rax=3 flags=4
    add %ecx, %eax

== add-16-keeps-upper
in  rax=0xffffffffffffffff rcx=1
out rax=0xffffffffffff0000 flags=0x55
    add %cx, %ax

== high-bytes
in  rax=0x1234 rbx=0x5678
out rax=0x1256 rbx=0x5612
    mov %ah, %cl
    mov %bh, %al
    mov %cl, %bl

== high-byte-alu
in  rax=0xff00 rcx=0x0100
out rax=0 flags=0x55
    add %ch, %ah

== overflow-signed
in  rax=0x7fffffff
out rax=0x80000000 flags=0x894
    inc %eax

== inc-keeps-carry
in  rax=0xff flags=1
out rax=0x100 flags=0x15
    incw %ax

== neg-zero
in  rax=0
out rax=0 flags=0x44
    neg %rax

== sbb-self
in  rax=5 flags=1
out rax=0xffffffffffffffff flags=0x95
    sbb %rax, %rax

== shl-zero-keeps-flags
in  rax=5 rcx=0x40 flags=0x8d5
out rax=5 flags=0x8d5
    shl %cl, %rax

== shl-32-count-31
in  rax=3 rcx=31
out rax=0x80000000 flags=0x85/0xc5
    shl %cl, %eax

== rcl-9-bits
in  rax=0x80 flags=1
out rax=1 flags=0x801/0x801
    rclb $1, %al

== shld-memory
in  rax=0xf000000000000000 mem0=1
out mem0=0x1f flags=0/0xc5
    shldq $4, %rax, (%rdi)

== mul-64
in  rax=0xffffffffffffffff rcx=0xffffffffffffffff
out rax=1 rdx=0xfffffffffffffffe flags=0x801/0x801
    mul %rcx

== imul-8
in  rax=0xff80 rcx=2
out rax=0xff00 flags=0x801/0x801
    imul %cl

== div-8
in  rax=0x0107 rcx=0x10
out rax=0x710
    div %cl

== div-by-zero
in  rax=1 rcx=0
out rax=1 fault=0
    div %rcx

== idiv-overflow
in  rax=0x80000000 rdx=0xffffffff rcx=0xffffffff
out rax=0x80000000 fault=0
    idiv %ecx

== bt-memory-negative-offset
in  rax=0xffffffffffffffff mem0=0x8000000000000000
out flags=1/1
    lea 8(%rdi), %rbx
    bt %rax, (%rbx)

== bts-memory-far-offset
in  rax=64
out mem8=1 flags=0/1
    bts %rax, (%rdi)

== bsf-zero-keeps-destination
in  rax=0x1122334455667788 rcx=0
out rax=0x1122334455667788 flags=0x40/0x40
    bsf %rcx, %rax

== cmpxchg-equal
in  rax=5 rcx=7 mem0=5
out rax=5 mem0=7 flags=0x44
    lock cmpxchg %rcx, (%rdi)

== cmpxchg-differs
in  rax=4 rcx=7 mem0=5
out rax=5 mem0=5 flags=0x95
    lock cmpxchg %rcx, (%rdi)

== cmpxchg16b
in  rax=1 rdx=2 rbx=3 rcx=4 mem0=1 mem8=2
out mem0=3 mem8=4 flags=0x40/0x40
    lock cmpxchg16b (%rdi)

== xadd
in  rax=3 mem0=4
out rax=4 mem0=7
    lock xadd %rax, (%rdi)

== xchg-high
in  rax=0x1122 mem0=0x33
out rax=0x3322 mem0=0x11
    xchg %ah, (%rdi)

== push-rsp
in  rsp=0x30001010
out rsp=0x30001008 mem8=0x30001010
    push %rsp

== pop-rsp
in  rsp=0x30001000 mem0=0x30001800
out rsp=0x30001800
    pop %rsp

== pop-memory-by-rsp
in  rsp=0x30001000 mem0=0x55 mem8=0 mem16=0
out rsp=0x30001008 mem8=0x55
    popq (%rsp)

== push-16
in  rax=0x1234 rsp=0x30001002 mem0=0
out rsp=0x30001000 mem0=0x1234
    push %ax

== enter-leave
in  rbp=0x77 rsp=0x30001020
out rbp=0x77 rsp=0x30001020
    enter $16, $0
    leave

== lea-32-bit-addresses
in  rax=0xffffffff rbx=0x100000001
out rcx=0
    lea (%eax,%ebx), %rcx

== movsx-movzx
in  rax=0x80
out rbx=0xffffffffffffff80 rcx=0x80 rdx=0xffffff80
    movsx %al, %rbx
    movzx %al, %ecx
    movsx %al, %edx

== cwd-family
in  rax=0x8000
out rax=0xffffffffffff8000 rdx=0xffffffffffffffff
    cwtl
    cltq
    cqto

== bswap-movbe
in  rax=0x0102030405060708 mem0=0x1122334455667788
out rax=0x0807060504030201 rbx=0x8877665544332211
    bswap %rax
    movbe (%rdi), %rbx

== lahf-sahf
in  flags=0xd5 rax=0
out rax=0xd700 flags=0
    lahf
    mov %ah, %bl
    xor %ecx, %ecx
    inc %ecx
    mov $2, %ah
    sahf
    mov %bl, %ah

== stos-backwards
in  rax=0xab rcx=3 rdi=0x30001002
out rdi=0x30000fff rcx=0 mem0=0xababab
    std
    rep stosb
    cld

== scas-repne
in  rax=0x44 rcx=8 mem0=0x8877665544332211
out rcx=4 rdi=0x30001004 flags=0x44
    repne scasb

== movs-overlapping
in  rsi=0x30001000 rdi=0x30001001 rcx=7 mem0=0x11
out mem0=0x1111111111111111 rcx=0
    rep movsb

== crc32c
in  rax=0xffffffff rbx=0x61
out rax=0x3e2fbccf
    crc32b %bl, %eax

== andn-blsr-bextr
in  rax=0xff rbx=0xf0f rcx=0x0804
out rdx=0xf00 rsi=0xf0e rbp=0xf0 flags=0/0x841
    andn %rbx, %rax, %rdx
    blsr %rbx, %rsi
    bextr %rcx, %rbx, %rbp

== mulx-keeps-flags
in  rdx=0x100000000 rax=0x100000000 flags=0x8d5
out rbx=0 rcx=1 flags=0x8d5
    mulx %rax, %rbx, %rcx

== adcx-adox
in  rax=0xffffffffffffffff rbx=1 flags=0x800
out rax=0 rbx=2 flags=1/0x801
    adcx %rbx, %rax
    adox %rax, %rbx

== daa 32
in  rax=0x9a
out rax=0 flags=0x55/0xd5
    daa

== aam-aad 32
in  rax=63
out rax=0x3f
    aam
    aad

== pusha-popa 32
in  rax=1 rcx=2 rbx=3 rsp=0x30001040
out rax=1 rcx=2 rbx=3 rsp=0x30001040
    pusha
    xor %eax, %eax
    mov %eax, %ecx
    popa

== bound-outside 32
in  rax=11 mem0=0x0000000a00000000
out fault=5
    bound %eax, (%edi)

== lock-on-register-is-undefined
out fault=6
    .byte 0xf0, 0x01, 0xc0

== hints-do-nothing
in  rax=1
out rax=1
    endbr64
    nopw 0x10(%rax)
    prefetcht0 0x123456(%rax)
