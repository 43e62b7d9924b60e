/* x64 arg -device arg pc-testdev : ports and device memory in every size, at every place in a word, across words and pages,
 * as strings, by MOV, XCHG, ADD, CMPXCHG, PUSH and POP. */
    main:
        put 1
        mov r15d, 0xff000000
        mov edx, 0xe0                   /* ports */
        mov eax, 0x12345678
        out dx, eax
        in eax, dx
        call hex8
        mov ax, 0x9abc
        out dx, ax
        in ax, dx
        call hex8
        inc edx
        mov al, 0x5a
        out dx, al
        in al, dx
        call hex8
        dec edx
        in eax, dx
        call hex8
        out 0xe0, al
        in eax, 0xe0
        call hex8
        in ax, 0xe1                     /* not on a boundary */
        call hex8
        mov edx, 0x500                  /* nobody */
        in al, dx
        call hex8
        in ax, dx
        call hex8
        in eax, dx
        call hex8
        call space

        .macro outs_ins insn_out, insn_in, count
        mov esi, offset pattern         /* 33 times out, then in */
        mov edi, 0x300000
        mov edx, 0xe0
        mov ecx, \count
        rep \insn_out
        mov eax, esi
        call hex8
        mov ecx, \count
        mov edx, 0xe0
        rep \insn_in
        mov eax, edi
        call hex8
        mov eax, [rdi - 4]
        call hex8
        mov eax, ecx
        call hex8
        call space
        .endm
        outs_ins outsb, insb, 33
        outs_ins outsw, insw, 33
        outs_ins outsd, insd, 33
        outs_ins outsd, insd, 1500      /* more than a page */
        std
        mov edi, 0x300100
        mov edx, 0xe0
        mov ecx, 5
        rep insw
        cld
        mov eax, edi
        call hex8
        call space

        xor ebx, ebx                    /* memory */
    1:  mov rax, 0x1122334455667788
        add rax, rbx
        mov [r15 + rbx], rax
        mov [r15 + rbx + 32], eax
        mov [r15 + rbx + 48], ax
        mov [r15 + rbx + 56], al
        mov rax, [r15 + rbx]
        call hex8
        mov eax, [r15 + rbx + 30]
        call hex8
        movzx eax, word ptr [r15 + rbx + 47]
        call hex8
        movsx rax, byte ptr [r15 + rbx + 56]
        call hex8
        call space
        inc ebx
        cmp ebx, 9
        jb 1b
        mov rax, 0xaabbccddeeff0011     /* across pages of the device, and off its end */
        mov [r15 + 0xffc], rax
        mov rax, [r15 + 0xffd]
        call hex8
        mov [r15 + 0xfffc], rax
        mov rax, [r15 + 0xfffc]
        call hex8
        shr rax, 32
        call hex8
        call space
        mov eax, 0x01020304
        xchg [r15], eax
        call hex8
        add dword ptr [r15], 0x10
        lock inc dword ptr [r15]
        mov eax, [r15]
        call hex8
        mov ebx, 77
        lock cmpxchg [r15], ebx
        setz al
        call hex8
        push qword ptr [r15]
        pop qword ptr [r15 + 64]
        mov eax, [r15 + 64]
        call hex8
        cmp dword ptr [r15], 77
        setz al
        movzx eax, al
        call hex8
        mov esi, offset pattern
        lea rdi, [r15 + 0x100]
        mov ecx, 40
        rep movsb
        lea rsi, [r15 + 0x101]
        mov edi, 0x300000
        mov ecx, 9
        rep movsd
        mov eax, [0x300000]
        call hex8
        mov eax, [0x300020]
        call hex8
        mov edi, 0xff000200
        mov eax, 0x5a5a1234
        mov ecx, 7
        rep stosd
        mov esi, 0xff000218
        lodsd
        call hex8
        exit 0x10

        .balign 16
    pattern:
        .set i, 0
        .rept 6100
        .byte (i * 7 + i / 256) & 255
        .set i, i + 1
        .endr
