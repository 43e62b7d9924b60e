/* x64: locked instructions, and others that read and write, across the edge of two pages of which the second can not be
 * written: nothing is written to the first, CR2 is in the second. */
        .set P, 0xa00000                /* pages by SPARE */
        .macro attempt letter, insn:vararg
        put \letter
        mov dword ptr [P + 0x1000 - 8], 0x11111111
        mov dword ptr [P + 0x1000 - 4], 0x11111111
        try 1f
        \insn
        put '.'
    1:  mov eax, [P + 0x1000 - 8]
        xor eax, [P + 0x1000 - 4]
        call hex8
        call space
        .endm
    main:
        put 1
        mov dword ptr [PD + 5 * 8], SPARE + 7
        mov rax, cr3
        mov cr3, rax
        mov dword ptr [SPARE], 0x301007
        mov dword ptr [SPARE + 8], 0x302005
        mov rax, cr3
        mov cr3, rax
        mov ecx, P + 0x1000 - 2
        attempt 'a', lock inc dword ptr [rcx]
        attempt 'b', lock add [rcx], rax
        attempt 'c', inc dword ptr [rcx]
        attempt 'd', xchg [rcx], eax
        attempt 'e', lock xadd [rcx], eax
        attempt 'f', lock cmpxchg [rcx], ebx
        attempt 'g', lock bts dword ptr [rcx], 3
        attempt 'h', lock bts [rcx], rsi
        attempt 'i', lock cmpxchg8b [rcx]
        attempt 'j', add word ptr [rcx + 1], ax
        attempt 'k', shl qword ptr [rcx]
        attempt 'l', mov [rcx], eax
        attempt 'm', not qword ptr [rcx]
        attempt 'n', sete byte ptr [rcx + 2]
        exit 0x10
