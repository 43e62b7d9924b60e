/* svm: four thousand VMCBs with random bits changed, running random code in a sandbox of nested pages: whatever it does, it
 * comes back to the host. A timer's NMI ends what would not.
 * arg -cpu arg max
 * noqemu: its guests reach assertions of QEMU. expect 0x21 "\x01!" */
        .set GPML4, 0x600000            /* the sandbox, 2 MiB: the guest's tables, code and stack; the rest can be read */
        .set CODE, 0x610000
        .set NPML4, 0x310000
        .set NPDPT, 0x311000
        .set NPD, 0x312000
        .set ROUNDS, 4000

    main:
        put 1
        call svm_setup
        mov word ptr [IOPM], -1
        call nested_tables
        lea rax, [rip + nmi]
        mov [IDT + 2 * 16], ax
        shr eax, 16
        mov [IDT + 2 * 16 + 6], ax
        watchdog
        xor r12d, r12d                  /* rounds */
        mov r13d, 0x12345678            /* random */
    round:
        call fresh_vmcb
        mov rax, GPML4
        mov [V + 0x550], rax
        mov dword ptr [V + 0x5d8], CODE + 0x8000
        call guest_tables
        mov edi, CODE                   /* 4 KiB of noise */
        mov ecx, 1024
    1:  call random
        stosd
        loop 1b
        call random
        and eax, 0xfff
        add eax, CODE
        mov [V + 0x578], rax
        call random                     /* intercepts: any but those that hold the guest */
        mov [V], eax
        call random
        mov [V + 4], eax
        call random
        mov [V + 0xc], eax
        call flips
        mov dword ptr [V + 8], -1
        or dword ptr [V + 0xc], 0x9900001f
        or dword ptr [V + 0x10], 3
        mov byte ptr [V + 0x90], 1
        mov dword ptr [V + 0xb0], NPML4
        mov dword ptr [V + 0xb4], 0
        mov dword ptr [V + 0x40], IOPM
        mov dword ptr [V + 0x48], MSRPM
        mov [rip + state], r12
        mov [rip + state + 8], r13
        .irp reg, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r14, r15
        call random                     /* registers that point into the sandbox, often */
        test al, 3
        jz 1f
        and eax, 0xffff
        add eax, CODE
    1:  mov \reg, rax
        .endr
        mov eax, VMCB
        clgi
        vmrun
        mov r12, [rip + state]
        mov r13, [rip + state + 8]
        mov eax, HSAVE + 0x1000         /* ours again: FS, GS, TR, LDTR */
        vmload
        stgi
        nop
        inc r12d
        cmp r12d, ROUNDS
        jb round
        put 33
        exit 0x10

        .balign 8
    state:
        .quad 0, 0

    random:                             /* xorshift; EAX */
        xorshift r13d, eax
        mov eax, r13d
        ret

    flips:                              /* up to seven bits of the state, up to three of the controls */
        call random
        mov ebx, eax
        and ebx, 7
    1:  dec ebx
        js 2f
        call random
        xor edx, edx
        mov ecx, 0x298 * 8
        div ecx
        btc dword ptr [V + 0x400], edx
        jmp 1b
    2:  call random
        mov ebx, eax
        and ebx, 3
    1:  dec ebx
        js 2f
        call random
        and eax, 0x7ff
        btc dword ptr [V], eax
        jmp 1b
    2:  call random
        test al, 7
        jnz 1f
        mov dword ptr [V + 0x4d0], 0x1000       /* not in long mode */
        call random
        and eax, 0x80000001
        mov [V + 0x558], eax
    1:  ret

    guest_tables:                       /* identity, 4 GiB; the guest may have spoilt them */
        mov esi, PML4
        mov edi, GPML4
        mov ecx, 0x6000 / 8
        rep movsq
        mov dword ptr [GPML4], GPML4 + 0x1007
        mov eax, GPML4 + 0x2007
        mov edi, GPML4 + 0x1000
        mov ecx, 4
    1:  mov [rdi], eax
        add edi, 8
        add eax, 0x1000
        loop 1b
        ret

    nested_tables:
        mov eax, HSAVE + 0x1000
        vmsave
        mov dword ptr [NPML4], NPDPT + 7
        mov dword ptr [NPDPT], NPD + 7
        mov edi, NPD
        mov eax, 0x85                   /* 16 MiB to read */
        mov ecx, 8
    1:  mov [rdi], eax
        add edi, 8
        add eax, 0x200000
        loop 1b
        mov dword ptr [NPD + 24], 0x600087
        ret

    nmi:
        iretq
