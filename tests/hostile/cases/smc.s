/* x64: code that changes itself: the next instruction, the one that is running, the loop it is in,
 * another page, through another address, by string instructions, by a store across two pages. */
    main:
        put 1
        /* the immediate of the next instruction */
        mov byte ptr [rip + 1f + 1], 'b'
    1:  mov al, 'a'
        call c8
        /* a loop that counts in its own immediate */
        mov ecx, 5
    2:  mov al, '0'
        inc byte ptr [rip + 2b + 1]
        call c8
        loop 2b
        /* an instruction that overwrites itself runs to its end; the next time it is another */
        mov ebx, 2
    3:  mov dword ptr [rip + 3b], 0x90909090
        nop
        nop
        nop
        nop
        nop
        nop
        lea eax, [rbx + '0']
        call c8
        dec ebx
        jz 4f
        mov al, [rip + 3b]
        call hex2
        lea rax, [rip + 3b]
        mov word ptr [rax + 4], 0x9090
        mov dword ptr [rax + 6], 0x90909090
        jmp 3b
    4:  /* stores of every kind into the instruction that comes next: mov al, 'o' becomes mov al, 'n' */
        .macro victim
        .byte 0x90, 0x90
    1:  mov al, 'o'
        call c8
        .endm
        .macro victim_after
        .byte 0x90, 0x90
    1:  mov al, 'o'
        mov esp, STACK
        call c8
        .endm
        lea rdi, [rip + 1f + 1]
        mov ecx, 1
        mov al, 'n'
        rep stosb
        victim
        lea rdi, [rip + 1f + 1]
        mov al, 'n'
        stosb
        victim
        lea rdi, [rip + 1f + 1]
        lea rsi, [rip + letters + 1]
        mov ecx, 1
        rep movsb
        victim
        lea rdi, [rip + 1f + 1]
        mov al, 'n'
        xchg al, [rdi]
        victim
        lea rdi, [rip + 1f + 1]
        lock dec byte ptr [rdi]
        victim
        lea rdi, [rip + 1f + 1]
        dec byte ptr [rdi]
        victim
        lea rdi, [rip + 1f + 1]
        mov al, 'o'
        mov bl, 'n'
        lock cmpxchg [rdi], bl
        victim
        lea rdi, [rip + 1f + 1]
        mov al, -1
        lock xadd [rdi], al
        victim
        lea rdi, [rip + 1f + 1]
        movups xmm0, [rdi]
        movd xmm1, [rip + one]
        psubb xmm0, xmm1
        movups [rdi], xmm0
        victim
        lea rsp, [rip + 1f + 1 + 2]             /* push, of the bytes that are there but one */
        mov ax, [rip + 1f + 1]
        dec al
        push ax
        victim_after
        fild word ptr [rip + letters]           /* x87: the bytes of mov al, 'n' */
        fistp word ptr [rip + 1f]
        victim
        rdtsc                                   /* a block with calls to C */
        cpuid
        mov byte ptr [rip + 1f + 1], 'n'
        cpuid
    1:  mov al, 'o'
        call c8
        call space
        /* a function on another page, changed between calls, through the other mapping too */
        mov qword ptr [PML4 + 8], PDPT + 7      /* 512 GiB: the same memory again */
        mov edi, 0x300000
        mov rbx, 0x8000300000
        mov ecx, 4
    7:  mov word ptr [rdi], 0xb0 + ('p' << 8)   /* mov al, 'p'; ret */
        mov byte ptr [rdi + 2], 0xc3
        call rdi
        call c8
        add byte ptr [rbx + 1], cl
        call rdi
        call c8
        call rbx
        call c8
        loop 7b
        /* code across a page edge, changed by one store across it */
        mov edi, 0x300ffe
        mov dword ptr [rdi], 0x00c341b0 << 0
        mov ecx, 3
    8:  call rdi
        call c8
        mov dword ptr [rdi - 1], 0xc300b000 + ('x' << 16)
        add [rdi + 1], cl
        call rdi
        call c8
        loop 8b
        /* the store and its victim in one block, on one page, many times */
        xor ebp, ebp
        mov ecx, 2000
    9:  mov [rip + 1f + 2], ecx
    1:  add ebp, 0x11111111
        dec ecx
        jnz 9b
        mov eax, ebp
        call hex8
        exit 0x10
    letters:
        .byte 0xb0, 'n'
    one:
        .long 1
