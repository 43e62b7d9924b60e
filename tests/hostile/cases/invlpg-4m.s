/* x32: pages of 4 MiB (PSE): INVLPG of any address in one drops all of it, as data and as code; pages of 4 MiB and of 4 KiB
 * in turns (SDM vol 3, 4.10.4.1). noqemu: 7.2 goes on running the code of before.
 * expect 0x21 "\x01BBBB AAAABBBB BBBB AAAABBBB BBBB AAAABBBB " */
        .set V, 0x10000000
        .set DIR, 0x210000
        .set TABLE, 0x211000
        .set A, 0x400000
        .set B, 0x800000
        .set PDE, DIR + 4 * (V >> 22)
        .macro mark frame, letter, at
        mov byte ptr [\frame + \at], \letter
        mov word ptr [\frame + \at + 16], 0xb0 | (\letter << 8)
        mov byte ptr [\frame + \at + 18], 0xc3
        .endm
        .macro touch
        mov al, [V + 0x1000]
        mov al, [V + 0x301000]
        mov byte ptr [V + 0x1800], 1
        mov byte ptr [V + 0x301800], 1
        mov ebx, V + 0x5010
        call ebx
        mov ebx, V + 0x205010
        call ebx
        .endm
        .macro look
        mov al, [V + 0x1000]
        call c8
        mov al, [V + 0x301000]
        call c8
        mov ebx, V + 0x5010
        call ebx
        call c8
        mov ebx, V + 0x205010
        call ebx
        call c8
        .endm
    main:
        put 1
        .irp at, 0x1000, 0x301000, 0x5000, 0x205000
        mark A, 'A', \at
        mark B, 'B', \at
        .endr
        mov edi, DIR
        mov eax, 0x83
        mov ecx, 1024
    1:  mov [edi], eax
        add edi, 4
        add eax, 0x400000
        loop 1b
        mov edi, TABLE
        mov eax, B + 3
        mov ecx, 1024
    1:  mov [edi], eax
        add edi, 4
        add eax, 0x1000
        loop 1b
        mov eax, DIR
        mov cr3, eax
        mov eax, cr4
        or eax, 0x10
        mov cr4, eax
        mov eax, cr0
        or eax, 0x80010000
        mov cr0, eax
        .irp at, 0, 0x1000, 0x3ff000
        mov dword ptr [PDE], A + 0x83
        invlpg [V]
        touch
        mov dword ptr [PDE], B + 0x83
        invlpg [V + \at]
        look
        call space
        mov dword ptr [PDE], A + 0x83
        invlpg [V + 0x205000]
        look
        mov dword ptr [PDE], TABLE + 3
        invlpg [V + \at]
        look
        call space
        .endr
        mov eax, cr0
        and eax, 0x7fffffff
        mov cr0, eax
        exit 0x10
