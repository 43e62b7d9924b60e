/* x64: protection keys (SDM vol 3, 4.6.2): for reads and writes at CPL 0 and 3 of a user page and of a supervisor's, each
 * with no, the write and the access bit of PKRU, CR0.WP clear and set; fetches do not ask; a key
 * changed in the tables, and PKRU with one instruction in between.
 * arg -cpu arg max */
        .set U, 0x400000                /* a user page of 2 MiB with key 5, in PD */
        .set S, 0x600000                /* a supervisor's */
        .macro key where, at, n, bits
        mov rax, \at + \bits + (\n << 59)
        mov [\where], rax
        .endm
        .macro pkru v
        mov eax, \v
        xor ecx, ecx
        xor edx, edx
        wrpkru
        .endm
        .macro attempt insn:vararg
        try 1f
        \insn
        put '.'
    1:
        .endm
    main:
        put 1
        mov byte ptr [U + 0x100], 0xc3
        key "PD + 16", U, 5, 0x87
        key "PD + 24", S, 5, 0x83
        mov rax, cr4
        or eax, 1 << 22
        mov cr4, rax
        mov rax, PML4
        mov cr3, rax
        xor ecx, ecx
        rdpkru
        call hex8
        call space
        .irp wp, 0, 1
        mov rax, cr0
        and eax, ~(1 << 16)
        or eax, \wp << 16
        mov cr0, rax
        .irp bits, 0, 0x400, 0x800, 0xc00, 0xfffff3ff
        pkru \bits & ~3
        put 'p'
        attempt mov al, [U]
        attempt mov [U], al
        attempt mov al, [S]
        attempt mov [S], al
        .endr
        .endr
        pkru 0xc00
        mov ebx, U + 0x100
        try 1f
        call rbx                        /* not a data access */
        put 'x'
    1:  key "PD + 16", U, 6, 0x87       /* the old key until it is dropped, or not: after INVLPG the new one */
        invlpg [U]
        attempt mov al, [U]
        pkru 0x3000
        attempt mov al, [U]
        pkru 0
        attempt mov al, [U]
        key "PD + 16", U, 15, 0x87
        invlpg [U]
        pkru 0x80000000
        attempt mov [U], al
        attempt mov al, [U]
        mov eax, 1
        mov ecx, 1
        try 1f
        wrpkru                          /* ECX must be 0 */
    1:  exit 0x10
