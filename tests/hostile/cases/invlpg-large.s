/* x64: INVLPG of any address in a large page drops all of it (SDM vol 3, 4.10.4.1): pages of 2 MiB and 1 GiB, read, written
 * and run at several places; others that share their places in caches; pieces with other permissions; a large page that
 * becomes a table, and back; the same on a second processor.
 * noqemu: 7.2 goes on running the code of before.
 * arg -cpu arg max arg -smp arg 2 expect 0x21 "aBBBbBBBcBBBdBBBeBBBfBBB gE0e:0003:01002000 hBBBE0e:0002:01005000 iABABAB" */
        .set V, 0x1000000
        .set PDE, PD + 8 * 8
        .set A, 0x400000
        .set B, 0x600000
        .set STRIDE1, 0x20000000           /* so far away that 2 MiB pages share their places: in a small cache ... */
        .set STRIDE2, 0x200000000       /* ... and in a large one */
        .set PD2, SPARE + 0x1000
        .macro mark frame, letter, at   /* data, and at 16 a function */
        mov byte ptr [\frame + \at], \letter
        mov word ptr [\frame + \at + 16], 0xb0 | (\letter << 8)
        mov byte ptr [\frame + \at + 18], 0xc3
        .endm
        .macro touch
        mov al, [V + 0x1000]
        mov byte ptr [V + 0x1800], 1
        mov al, [V + 0x2000]
        mov byte ptr [V + 0x2800], 1
        mov ebx, V + 0x5010
        call rbx
        .endm
        .macro look
        mov al, [V + 0x1000]
        call c8
        mov al, [V + 0x2000]
        call c8
        mov ebx, V + 0x5010
        call rbx
        call c8
        .endm
        .macro other distance
        mov rsi, \distance
        mov al, [rsi + V + 0x1000]
        mov byte ptr [rsi + V + 0x3800], 1
        .endm
        .macro others                   /* what shares the places of the page */
        other 1*STRIDE1
        other 2*STRIDE1
        other 3*STRIDE1
        other 1*STRIDE2
        other 2*STRIDE2
        other 3*STRIDE2
        .endm
        .macro page frame
        mov qword ptr [PDE], \frame + 0x87
        .endm
    main:
        .irp at, 0x1000, 0x2000, 0x5000
        mark A, 'A', \at
        mark B, 'B', \at
        .endr
        .irp n, 1, 2, 3
        mov qword ptr [PD + (8 + \n * 256) * 8], 0x800087
        mov qword ptr [PDPT + \n * 64], PD2 + 7
        .endr
        mov qword ptr [PD2 + 8 * 8], 0x800087
        mov rax, cr3
        mov cr3, rax

        put 'a'                         /* in the cache when it is dropped */
        page A
        invlpg [V]
        touch
        page B
        invlpg [V + 0x1000]
        look
        put 'b'                         /* pushed out before */
        page A
        invlpg [V]
        touch
        others
        page B
        invlpg [V + 0x3000]
        look
        put 'c'                         /* by the page it shared its place with, after that */
        page A
        invlpg [V]
        touch
        others
        mov al, [V + 0x7000]
        others
        page B
        invlpg [V + 0x1ff000]
        look
        put 'd'                         /* a page that becomes a table: INVLPG of a piece drops the rest too */
        mov edi, SPARE
        mov eax, B + 7
        mov ecx, 512
    1:  mov [rdi], rax
        add edi, 8
        add eax, 0x1000
        loop 1b
        page A
        invlpg [V]
        touch
        others
        mov qword ptr [PDE], SPARE + 7
        invlpg [V + 0x100000]
        look
        put 'e'                         /* global pages too */
        mov qword ptr [PDE], A + 0x187
        invlpg [V]
        touch
        others
        mov qword ptr [PDE], B + 0x187
        invlpg [V + 0x1000]
        look
        put 'f'                         /* the same of 1 GiB, at 1 GiB; then the tables again */
        mov qword ptr [PDE + 0x1000], B + 0x87
        mov dword ptr [PDPT + 8], 0x83
        mov rax, cr3
        mov cr3, rax
        mov al, [0x40000000 + A + 0x1000]
        mov al, [0x40000000 + V + 0x2000]
        mov ebx, 0x40000000 + A + 0x5010
        call rbx
        mov dword ptr [PDPT + 8], PD + 0x1007
        invlpg [0x40000000]
        mov al, [0x40000000 + V + 0x1000]
        call c8
        mov al, [0x40000000 + V + 0x2000]
        call c8
        mov ebx, 0x40000000 + V + 0x5010
        call rbx
        call c8
        call space

        put 'g'                         /* less permissions */
        page A
        invlpg [V]
        touch
        others
        mov qword ptr [PDE], A + 0x85
        invlpg [V + 0x4000]
        try 1f
        mov byte ptr [V + 0x2000], 'A'
    1:  put 'h'
        page A
        invlpg [V]
        touch
        others
        page B
        invlpg [V + 0x4000]
        look
        mov qword ptr [PDE], 0
        invlpg [V + 0x1ff000]
        try 1f
        mov byte ptr [V + 0x5000], 1
    1:
        page A
        invlpg [V]
        mov qword ptr [second_entry], offset second
        call start_second
    1:  pause
        cmp dword ptr [rip + done], 1
        jne 1b
        put 'i'
        page B
        mov dword ptr [rip + go], 1
    1:  pause
        cmp dword ptr [rip + done], 2
        jne 1b
        mov esi, offset seen
        mov ecx, 6
    1:  lodsb
        call c8
        loop 1b
        exit 0x10
    second:
        mov esp, STACK - 0x2000
        .macro note at, to
        mov al, [V + \at]
        mov [rip + seen + \to], al
        .endm
        touch
        note 0x1000, 0
        note 0x2000, 2
        call rbx
        mov [rip + seen + 4], al
        others
        mov dword ptr [rip + done], 1
    1:  pause
        cmp dword ptr [rip + go], 1
        jne 1b
        invlpg [V + 0x6000]
        note 0x1000, 1
        note 0x2000, 3
        mov ebx, V + 0x5010
        call rbx
        mov [rip + seen + 5], al
        mov dword ptr [rip + done], 2
        jmp $
    done:
        .long 0
    go:
        .long 0
    seen:
        .quad 0
