/* x64: page tables that contain themselves, and a walk that changes what it walks. */
    main:
        put 1
        mov dword ptr [0], 0x0badcafe
        mov dword ptr [PML4 + 511 * 8], PML4 + 3
        mov dword ptr [PML4 + 511 * 8 + 4], 0
        mov rbx, 0xfffffffffffff000             /* the PML4 as data */
        mov rax, [rbx + 511 * 8]
        call hex8                               /* accessed and dirty came while it was read */
        call space
        mov rax, [rbx]
        call hex8
        call space
        mov qword ptr [rbx + 8], PML4 + 3       /* PML4 as its own PDPT at 512 GiB */
        mov rbx, 0x8000000000
        try 1f
        mov rax, [rbx]                          /* PML4 -> PML4[0]=PDPT as PD -> PD as PT: maps 0 */
        call hex8
    1:  call space
        mov rbx, 0x8080000000                   /* 512 GiB + 2 GiB: PML4[2] is empty */
        try 1f
        mov rax, [rbx]
        call hex8
    1:  /* the page table maps its own page at 0xa00000; a store there moves the page under itself */
        mov dword ptr [SPARE], SPARE + 3
        mov dword ptr [SPARE + 8], 0x300003
        mov dword ptr [SPARE + 4096], 0x5a5a5a5a
        mov dword ptr [PD + 5 * 8], SPARE + 7
        invlpg [0xa00000]
        mov dword ptr [0x300000], 0x77777777
        mov eax, [0xa01000]
        call hex8
        call space
        mov dword ptr [0xa00000 + 8], SPARE + 4096 + 3
        invlpg [0xa01000]
        mov eax, [0xa01000]
        call hex8
        call space
        mov dword ptr [0xa00000], 0             /* and away */
        invlpg [0xa00000]
        try 1f
        mov eax, [0xa00000]
    1:  mov eax, [SPARE]
        call hex8
        /* a store that clears the entry it goes through, two pages at once */
        mov dword ptr [SPARE], SPARE + 3
        mov dword ptr [SPARE + 8], SPARE + 3
        mov rax, cr3
        mov cr3, rax
        try 1f
        mov edi, 0xa00ffc
        mov qword ptr [rdi], 0
        mov rax, cr3
        mov cr3, rax
        mov eax, [rdi]
        call hex8
    1:  exit 0x10
