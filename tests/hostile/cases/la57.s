/* x64: five levels of paging (SDM vol 3, 4.5, 4.1.1): LA57 can not be changed in long mode; switched on with paging off
 * addresses of 57 bits work, those beyond are not canonical, and 48-bit ones go through the first entry; INVLPG; back to four.
 * arg -cpu arg max,la57=on */
        .set PML5, 0x210000
        .set HIGH, 0x0001000000000000           /* PML5 entry 1 */
    main:
        put 1
        mov rcx, cr4
        or ecx, 1 << 12
        try 1f
        mov cr4, rcx
        put 'x'
    1:  mov dword ptr [PML5], PML4 + 7
        mov dword ptr [PML5 + 8], PML4 + 7
        mov dword ptr [PML5 + 255 * 8], PML4 + 7
        mov dword ptr [PML5 + 256 * 8], PML4 + 7
        mov dword ptr [PML5 + 511 * 8], PML4 + 7
        mov rbx, HIGH
        try 1f
        mov al, [rbx + 0x400000]                /* not canonical with four */
        put 'x'
    1:  mov edi, PML5
        mov esi, 1 << 12
        call levels
        mov dword ptr [0x400000], 0x41424344
        mov rbx, HIGH
        mov al, [rbx + 0x400000]
        call c8
        try 2f
        mov al, [rbx + rbx + 0x400001]          /* no entry 2 */
    2:  mov rbx, 0x00ff000000400001             /* entry 255: the last below the hole */
        mov al, [rbx]
        call c8
        mov rbx, 0xff00000000400002
        mov al, [rbx]
        call c8
        mov rbx, 0xffff000000400003
        mov al, [rbx]
        call c8
        mov rbx, 0x0100000000400000
        try 3f
        mov al, [rbx]
        put 'x'
    3:  try 4f
        mov rbx, 0x0100000000400000
        call rbx
        put 'x'
    4:  xor edi, edi
        mov rbx, HIGH + 0x400000
        mov byte ptr [0x400000], 0xc3
        call rbx
        put 'r'
        mov dword ptr [PML5 + 8], 0
        invlpg [rbx]
        try 5f
        mov al, [rbx]
        put 'x'
    5:  mov rcx, cr4
        and ecx, ~(1 << 12)
        try 6f
        mov cr4, rcx
        put 'x'
    6:  mov edi, PML4
        xor esi, esi
        call levels
        try 7f
        mov rbx, HIGH + 0x400000
        mov al, [rbx]
        put 'x'
    7:  mov al, [0x400003]
        call c8
        exit 0x10
    levels:                                     /* CR3 = EDI, LA57 = ESI, through 32-bit code without paging */
        ljmp [rip + 1f]
    1:  .long 2f
        .word 0x40
        .code32
    2:  mov eax, cr0
        and eax, 0x7fffffff
        mov cr0, eax
        mov eax, cr4
        and eax, ~(1 << 12)
        or eax, esi
        mov cr4, eax
        mov cr3, edi
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        ljmp 8, offset 3f
        .code64
    3:  ret
