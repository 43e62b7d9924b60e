# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests with AVX-512 and AMX: what a program has in these registers survives that its processor is stopped, and that the
translator executes instructions for it, which zero what those of AVX zero."""

# Fills and checks in ring 3, as there a KVM in software runs natively. 300000h: rounds; 300008h: to end; 300010h: 1 if AMX.
REGISTERS = """
        .set ROUNDS, 0x300000
        .set END, 0x300008
        .set TILES, 0x300010
        .set WANT, 0x310000
        .set GOT, 0x320000
        .set CONFIG, 0x330000
        .set HPET, 0xfed00000
    main:
        mov al, 0xff
        out 0x21, al
        xor eax, eax
        mov [ROUNDS], rax
        mov [END], rax
        mov [TILES], rax
        mov rax, cr4
        or eax, 0x40000
        mov cr4, rax
        mov eax, 7
        xor ecx, ecx
        cpuid
        mov esi, 0xe7
        bt edx, 24
        jnc 1f
        or esi, 0x60000
        mov dword ptr [TILES], 1
    1:  bt ebx, 16
        jc 8f
        put 'n'
        exit 0x10
    8:  xor edx, edx
        xor ecx, ecx
        mov eax, esi
        xsetbv
        mov edi, WANT
        mov ecx, 0x8000 / 4
        mov eax, 0x12345679
    1:  xorshift eax, edx
        mov [rdi], eax
        add edi, 4
        loop 1b
        mov edi, CONFIG                 /* eight tiles of 16 rows of 64 bytes */
        mov ecx, 8
        xor eax, eax
        rep stosq
        mov byte ptr [CONFIG], 1
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7
        mov word ptr [CONFIG + 16 + 2 * \\n], 64
        mov byte ptr [CONFIG + 48 + \\n], 16
        .endr
        try 9f
        push 0x23
        push STACK - 0x3000
        push 0x202
        push 0x2b
        push offset program
        iretq
    9:  call space
        mov rax, r15
        call hex8
        exit 0x11

    .macro each name
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        \\name \\n
        .endr
    .endm
    .macro load n
        vmovdqu64 zmm\\n, [rbx + 64 * \\n]
    .endm
    .macro store n
        vmovdqu64 [rbp + 64 * \\n], zmm\\n
    .endm
    .macro eight name
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7
        \\name \\n
        .endr
    .endm
    .macro loadk n
        kmovq k\\n, [rbx + 2048 + 8 * \\n]
    .endm
    .macro storek n
        kmovq [rbp + 2048 + 8 * \\n], k\\n
    .endm
    .macro loadt n
        tileloadd tmm\\n, [rbx + rcx + 4096 + 1024 * \\n]
    .endm
    .macro storet n
        tilestored [rbp + rcx + 4096 + 1024 * \\n], tmm\\n
    .endm
    program:
        mov ebx, WANT
        mov ebp, GOT
        mov ecx, 64
        mov r14d, [TILES]
        mov r15d, 1
        each load
        eight loadk
        test r14d, r14d
        jz round
        ldtilecfg [CONFIG]
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7
        lea rax, [rbx + 4096 + 1024 * \\n]
        tileloadd tmm\\n, [rax + rcx]
        .endr
    round:
        mov edx, HPET
        RESCUED
        mov r8d, 20000
    1:  dec r8d
        jnz 1b
        each store
        eight storek
        test r14d, r14d
        jz 2f
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7
        lea rax, [rbp + 4096 + 1024 * \\n]
        tilestored [rax + rcx], tmm\\n
        .endr
        mov r15d, 5
        lea rsi, [rbx + 4096 + 64]      /* rows are 64 bytes apart, and begin with the second */
        lea rdi, [rbp + 4096 + 64]
        mov eax, 8192 / 8 - 8
        xchg eax, ecx
        repe cmpsq
        xchg eax, ecx
        jne wrong
    2:  mov r15d, 2
        mov rax, [rbx + 64 * 5]         /* zmm5: the lowest 32 bytes came from the device, the others are 0 */
        mov rsi, 64 * 5 + 32
    3:  cmp qword ptr [rbp + rsi], 0
        jne wrong
        add esi, 8
        cmp esi, 64 * 6
        jne 3b
        mov r15d, 3
        xor esi, esi
    4:  mov rax, [rbx + rsi]
        lea edi, [rsi - 64 * 5]
        cmp edi, 64
        jb 5f
        cmp rax, [rbp + rsi]
        jne wrong
    5:  add esi, 8
        cmp esi, 2048 + 64
        jne 4b
        vmovdqu64 zmm5, [rbx + 64 * 5]
        inc dword ptr [ROUNDS]
        cmp dword ptr [END], 0
        je round
        mov r15d, 0x600d
    wrong:
        ud2
"""
# What a kernel's emulator does not do: a load of 32 bytes from a device, which writes all of ZMM5.
RESCUED = REGISTERS.replace("RESCUED", "vmovdqu ymm5, [rdx]")
# And what nobody does.
NOBODY = REGISTERS.replace("RESCUED", "vmovdqu64 zmm5, [rdx]")
