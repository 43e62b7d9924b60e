/* x64: PCIDs: after what must flush a mapping of one of them nothing of the old mapping is seen, neither as data nor as
 * code (SDM vol 3, 4.10.4.1). Each letter is an operation, followed by what is read and by what the code there says.
 * noqemu: 7.2 has no PCIDs under translation.
 * arg -cpu arg max expect 0x21 "aBBbBBcBBdBBeBBfBBgBBhBBiBBE0d:0000 E0d:0000 E0d:0000 " */
        .set PAGE, 0xa00000     /* by SPARE */
        .set A, 0x300000
        .set B, 0x301000
        .set KEEP, 1 << 63
        .macro frame at, letter /* data, and at 16 a function */
        mov byte ptr [\at], \letter
        mov word ptr [\at + 16], 0xb0 | (\letter << 8)         /* mov al, letter; ret */
        mov byte ptr [\at + 18], 0xc3
        .endm
        .macro pcid n, keep=KEEP
        mov rax, PML4 + \n + \keep
        mov cr3, rax
        .endm
        .macro visit n          /* make PCID n have the page, as data and as code */
        pcid \n
        mov al, [PAGE]
        mov ebx, PAGE + 16
        call rbx
        .endm
        .macro before letter, n /* 0, 1 and 2 have frame A; then the table says B, and PCID n is current */
        put \letter
        mov dword ptr [SPARE], A + 3
        mov eax, 2
        mov ecx, 0
        lea rsi, [descriptor]
        invpcid rax, [rsi]
        visit 0
        visit 2
        visit 1
        mov dword ptr [SPARE], B + 3
        pcid \n
        .endm
        .macro after            /* in PCID 1 */
        pcid 1
        call report
        .endm
        .macro inv type, pcid, addr
        mov qword ptr [descriptor], \pcid
        mov qword ptr [descriptor + 8], \addr
        mov eax, \type
        lea rsi, [descriptor]
        invpcid rax, [rsi]
        .endm
    report:
        mov al, [PAGE]
        call c8
        mov ebx, PAGE + 16
        call rbx
        jmp c8
    main:
        frame A, 'A'
        frame B, 'B'
        mov dword ptr [SPARE], A + 3
        mov dword ptr [SPARE + 4], 0
        mov dword ptr [PD + 5 * 8], SPARE + 3
        mov rax, cr4
        or eax, 1 << 17
        mov cr4, rax
        before 'a', 1
        pcid 1, 0
        after
        before 'b', 1
        invlpg [PAGE]
        after
        before 'c', 2
        inv 0, 1, PAGE
        after
        before 'd', 2
        inv 1, 1, 0
        after
        before 'e', 2
        inv 2, 0, 0
        after
        before 'f', 2
        inv 3, 0, 0
        after
        before 'g', 1
        inv 0, 1, PAGE
        after
        before 'h', 1
        inv 1, 1, 0
        after
        before 'i', 2           /* PCID 1 by a load of CR3 that does not keep it */
        pcid 1, 0
        call report
        try 1f                  /* reserved bits, no such type, a PCID without PCIDE */
        inv 0, 0x1001, PAGE
    1:  try 2f
        inv 4, 0, 0
    2:  pcid 0
        mov rax, cr4
        and eax, ~(1 << 17)
        mov cr4, rax
        try 3f
        inv 1, 1, 0
    3:  exit 0x10
        .balign 16
    descriptor:
        .quad 0, 0
