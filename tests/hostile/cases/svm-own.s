/* svm: the intercepts that Debian's QEMU lacks or reports otherwise, and what it has no CPUID bit for: nRIP, decode
 * assists.
 * arg -cpu arg max,+xsave,+monitor,+invpcid
 * noqemu: no nRIP save, no decode assists; INVD, RDTSCP, INT3, SMSW and others are not intercepted at all.
 * A line is exit code, EXITINFO1, EXITINFO2 and nRIP and rIP, the last three from the start of the code where they lie in it.
 * expect 0x21 "\x010000:800000000000000b:00000000:04:00 0081:00000000:00000000:07:04 \n0000:00000000:00000000:04:00 0081:00000000:00000000:07:04 \n0010:8000000000000002:00000000:06:03 0081:00000000:00000000:09:06 \n0010:00000000:00000000:06:03 0081:00000000:00000000:09:06 \n0010:00000000:00000000:02:00 0081:00000000:00000000:05:02 \n0065:8000000000000002:00000000:12:0f 0081:00000000:00000000:15:12 \n0065:00000000:00000000:06:03 0081:00000000:00000000:09:06 \n0027:00000006:00000000:03:00 0081:00000000:00000000:06:03 \n0036:00000007:00000000:06:03 0081:00000000:00000000:09:06 \n0043:00000000:00000000:01:00 E03:0000 0081:00000000:00000000:g03:g00 \n006b:00000000:00000000:08:00 0081:00000000:00000000:0b:08 \n006d:00000000:00000000:10:0d 0081:00000000:00000000:13:10 \n006f:00000000:00000000:02:00 E0d:0000 0081:00000000:00000000:g03:g00 \n0073:00000000:00000000:02:00 E06:0000 0081:00000000:00000000:g03:g00 \n0074:00000000:00000000:17:15 0081:00000000:00000000:1a:17 \n0075:00000042:00000000:02:00 E42:0000 0081:00000000:00000000:g03:g00 \n0076:00000000:00000000:02:00 0081:00000000:00000000:05:02 \n0077:00000000:00000000:02:00 0081:00000000:00000000:05:02 \n0079:00012348:00000000:09:05 0081:00000000:00000000:0c:09 \n007b:00800215:0b:0b:0a 0081:00000000:00000000:0e:0b \n007b:0082112c:14:14:0f 0081:00000000:00000000:17:14 \n0081:00000000:00000000:0c:09 0081:00000000:00000000:0c:09 \n007b:00800241:02:02:00 0081:00000000:00000000:05:02 \n0082:00000000:00000000:08:05 0081:00000000:00000000:0b:08 \n0083:00000000:00000000:08:05 0081:00000000:00000000:0b:08 \n0085:00000000:00000000:03:00 0081:00000000:00000000:06:03 \n0087:00000000:00000000:03:00 0081:00000000:00000000:06:03 \n0088:00000000:00000000:01:00 E01:0000 0081:00000000:00000000:g03:g00 \n008a:00000000:00000000:0c:09 0081:00000000:00000000:0f:0c \n008b:00000000:00000000:05:02 0081:00000000:00000000:08:05 \n008d:00000000:00000000:08:05 0081:00000000:00000000:0b:08 \n00a2:00000000:00000000:0e:05 0081:00000000:00000000:11:0e \nE06:0000 0081:00000000:00000000:g03:g00 E06:0000 0081:00000000:00000000:g03:g00 \n0046:00000000:00000000:00000000:00 E06:0000 0081:00000000:00000000:g03:g00 \n!" */
        .macro item code
        vmmcall
    item\@:
        .section .data
        .quad item\@
        .quad \code
        .text
        .endm

    main:
        put 1
        call svm_setup
        mov rax, cr4
        or eax, 0x40000                 /* OSXSAVE */
        mov cr4, rax
        mov ebp, offset items
    next_item:
        mov r14, [rbp]
        test r14, r14
        jz done
        xor r15d, r15d                  /* with the intercept, then without */
    again:
        call fresh_vmcb
        mov [V + 0x578], r14
        mov ecx, [rbp + 8]
        test r15d, r15d
        jnz 1f
        bts dword ptr [V], ecx
    1:  call enter
        mov eax, [V + 0x70]
        call hex4
        mov rax, [V + 0x78]
        call number
        mov rax, [V + 0x80]
        call number
        mov rax, [V + 0xc8]
        call number
        mov rax, [V + 0x578]
        call number
        call space
        inc r15d
        cmp r15d, 2
        jb again
        call newline
        add ebp, 16
        jmp next_item
    done:
        put 33
        exit 0x10

    number:                             /* ":", and rax, less where the code begins if it is near */
        push rax
        mov al, 58
        call c8
        pop rax
        mov rdx, rax
        sub rdx, r14
        cmp rdx, 64
        ja 1f
        mov rax, rdx
        jmp hex2
    1:  mov rdx, rax
        sub rdx, offset in_guest
        cmp rdx, 16
        ja 1f
        mov al, 103                     /* g: behind the handler of the guest's exceptions */
        call c8
        mov eax, edx
        jmp hex2
    1:  push rax
        shr rax, 32
        jz 1f
        call hex8
    1:  pop rax
        jmp hex8

        .section .data
        .balign 16
    items:
        .text
        item 0x00
        mov r11, cr0
        item 0x00
        smsw ax
        item 0x10
        mov rdx, cr0
        mov cr0, rdx
        item 0x10
        mov rdx, cr0
        lmsw dx
        item 0x10
        clts
        item 0x65
        mov rdx, cr0
        xor edx, 8
        mov cr0, rdx
        xor edx, 0x10000
        mov cr0, rdx
        item 0x65
        mov rdx, cr0
        lmsw dx
        item 0x27
        mov rsi, dr7
        item 0x36
        mov rdi, dr6
        mov dr6, rdi
        item 0x43
        int3
        item 0x6b
        lgdt [gdt_ptr]
        item 0x6d
        mov byte ptr [gdt + 0x35], 0x89
        mov eax, 0x30
        ltr ax
        item 0x6f
        rdpmc
        item 0x73
        rsm
        item 0x74
        mov ecx, ss
        push rcx
        push GSTACK
        push 2
        mov ecx, cs
        push rcx
        lea rcx, [rip + 1f]
        push rcx
        iretq
    1:
        item 0x75
        int 0x42
        item 0x76
        invd
        item 0x77
        pause
        item 0x79
        mov edi, 0x12345
        invlpg [rdi + 3]
        item 0x7b
        mov edx, 0x80
        mov edi, 0x320000
        insb
        item 0x7b
        mov edx, 0x82
        mov esi, 0x320000
        mov ecx, 2
        .byte 0x64, 0x67                /* through FS, 32-bit addresses */
        rep outsw
        item 0x7b
        mov edx, 0x80
        xor ecx, ecx
        rep outsb
        item 0x7b
        in eax, 0x80
        item 0x82
        mov eax, VMCB
        vmload
        item 0x83
        mov eax, VMCB + 0x1000
        vmsave
        item 0x85
        clgi
        item 0x87
        rdtscp
        item 0x88
        int1
        item 0x8a
        mov eax, VMCB
        xor ecx, ecx
        xor edx, edx
        monitor
        item 0x8b
        xor ecx, ecx
        mwait
        item 0x8d
        xor ecx, ecx
        xgetbv
        xsetbv
        item 0xa2
        mov eax, 2
        invpcid rax, [rip + scratch]
        item 0x45                       /* no BOUND in 64-bit mode: #UD */
        .byte 0x62, 0x07
        item 0x46
        .byte 0x62, 0x07
        vmmcall
        .section .data
        .quad 0
        .text
