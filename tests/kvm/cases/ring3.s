/* x64: programs in ring 3, which a kernel runs natively, 64-bit and compatibility mode: faults, x87, SSE,
 * interrupts of the timer that come meanwhile. */
        .set COUNT, 0x300000
    main:
        put 1
        mov qword ptr [COUNT], 0
        mov eax, offset tick
        mov [IDT + 0x30 * 16], ax
        mov word ptr [IDT + 0x30 * 16 + 2], 8
        mov word ptr [IDT + 0x30 * 16 + 4], 0x8e00
        shr eax, 16
        mov [IDT + 0x30 * 16 + 6], ax
        mov dword ptr [IDT + 0x30 * 16 + 8], 0
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
        mov edi, 0xfee00000             /* the local APIC's timer, periodic */
        mov dword ptr [rdi + 0xf0], 0x1ff
        mov dword ptr [rdi + 0x3e0], 0xb
        mov dword ptr [rdi + 0x320], 0x20030
        mov dword ptr [rdi + 0x380], 200000

        .macro user entry, cs
        try 9f
        push 0x23
        push STACK - 0x3000
        push 0x202
        push \cs
        push offset \entry
        iretq
    9:
        .endm
        user privileged, 0x2b
        user fault, 0x2b
        user divide, 0x2b
        user compute, 0x2b
        user narrow, 0x1b
        user spin, 0x2b
        cli
        mov eax, [COUNT + 16]
        call hex8
        call space
        mov eax, [COUNT + 24]
        call hex8
        mov eax, [COUNT + 28]
        call hex8
        exit 0x10

    privileged:
        mov rax, cr0
    fault:
        mov edi, 0x7fffffff
        mov rax, 0x123456789abc
        mov [rax], edi
    divide:
        xor ecx, ecx
        div ecx
    compute:
        mov ecx, 1000000
        mov rax, 0x9e3779b97f4a7c15
        movq xmm0, rax
        pxor xmm1, xmm1
        fldpi
        fld1
    1:  imul rax, rax, 0x5851f42d
        add rax, rcx
        movq xmm2, rax
        paddq xmm1, xmm2
        pxor xmm0, xmm1
        loop 1b
        fadd st(0), st(1)
        fstp qword ptr [COUNT + 64]
        fstp qword ptr [COUNT + 72]
        movq rbx, xmm0
        xor rax, rbx
        xor rax, [COUNT + 64]
        xor rax, [COUNT + 72]
        mov [COUNT + 24], rax
        ud2
        .code32
    narrow:
        mov eax, 0x23
        mov ds, eax
        mov eax, 0x11223344
        add eax, 0x01010101
        mov [COUNT + 16], eax
        mov ebx, 0xff000000
        ud2
        .code64
    spin:                               /* until the timer came 20 times */
        mov rax, [COUNT]
        cmp rax, 20
        jb spin
        ud2
    tick:
        push rax
        push rdi
        inc qword ptr [COUNT]
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xb0], 0
        pop rdi
        pop rax
        iretq
