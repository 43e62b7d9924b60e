/* x64 arg -smp arg 2 : processor 1 goes from INIT through real mode, protected mode, PAE paging and long mode, 200
 * times, while processor 0 sends it start-up IPIs that it must ignore: each of them calls it out wherever it is. */
        .set ROUNDS, 200
        .set UP, 0x300000                       /* how often it arrived */
        .set SUM, 0x300040
    main:
        mov edi, UP
        mov ecx, 64
        xor eax, eax
        rep stosd
        mov esi, offset ladder
        mov edi, 0x9000
        mov ecx, offset ladder_end - ladder
        rep movsb
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        xor ebx, ebx
    1:  mov dword ptr [rdi + 0x310], 0x1000000
        mov dword ptr [rdi + 0x300], 0x4500     /* INIT */
        mov dword ptr [rdi + 0x310], 0x1000000
        mov dword ptr [rdi + 0x300], 0x4609     /* start at 9000h */
        inc ebx
        mov esi, 4000000
    2:  mov dword ptr [rdi + 0x310], 0x1000000
        mov dword ptr [rdi + 0x300], 0x460f     /* nothing is at f000h */
        mov ecx, ebx
        and ecx, 63
    3:  pause
        dec ecx
        jns 3b
        dec esi
        jz lost
        cmp [UP], ebx
        jne 2b
        cmp ebx, ROUNDS
        jb 1b
        mov eax, [UP]
        call hex8
        call space
        mov rax, [SUM]
        call hex8
        exit 0x10
    lost:
        mov eax, ebx
        call hex8
        exit 0x11

        .code16
    ladder:
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x9800
        mov ecx, 300
        xor edx, edx
    1:  add edx, ecx                            /* real mode: 300 + ... + 1 */
        push edx
        pop eax
        xor eax, edx
        jnz ladder_wrong
        loop 1b
        lgdt [0x9000 + ladder_gdt - ladder]
        mov eax, 0x33
        mov cr0, eax
        .byte 0x66, 0xea
        .long 0x9000 + ladder32 - ladder
        .word 0x20
    ladder_wrong:
        cli
        hlt
        .balign 8
    ladder_table:
        .quad 0
        .quad 0x00af9b000000ffff                /* 08: 64-bit code */
        .quad 0x00cf93000000ffff                /* 10: data */
        .quad 0
        .quad 0x00cf9b000000ffff                /* 20: 32-bit code */
    ladder_gdt:
        .word ladder_gdt - ladder_table - 1
        .long 0x9000 + ladder_table - ladder
        .code32
    ladder32:
        mov eax, 0x10
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov esp, 0x9800
        mov ecx, 300
    1:  add edx, ecx
        push edx
        pop eax
        xor eax, edx
        jnz 9f
        loop 1b
        mov eax, 0x6a0
        mov cr4, eax
        mov eax, offset PML4
        mov cr3, eax
        mov ecx, 0xc0000080
        push edx
        rdmsr
        or eax, 0x901
        wrmsr
        pop edx
        mov eax, 0x80000033
        mov cr0, eax
        mov ecx, 300
    1:  add edx, ecx                            /* compatibility mode */
        push edx
        pop eax
        xor eax, edx
        jnz 9f
        loop 1b
        .byte 0xea
        .long 0x9000 + ladder64 - ladder
        .word 8
    9:  cli
        hlt
        .code64
    ladder64:
        mov ecx, 300
    1:  add rdx, rcx
        push rdx
        pop rax
        xor rax, rdx
        jnz 9f
        loop 1b
        add [SUM], rdx
        lock inc dword ptr [UP]
    9:  hlt
        jmp 9b
    ladder_end:
