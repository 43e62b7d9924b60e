/* x64: a driver for one virtio-blk-pci per processor, in slots 4 and 5, as far as kicks and interrupts go. Each round reads a
 * sector, and sleeps until the interrupt comes. Doorbells are the modern one and the port of old drivers, by turns. Every 64th
 * round the vector is masked, has to become pending, gets another message and is unmasked. Every 256th round the first disk's
 * doorbells move to another place, and devices that are asked for are ejected (by the board's ACPI registers).
 * Rounds are counted at 300040h and 300080h; what went wrong is at 300000h. */
        .set BAD, 0x300000
        .set READY, 0x300100
        .set PATTERN, 0x61656852        /* what the disk begins with */
        .set SEEN, 0x400                /* from r12: the vector that came */
        .set BUFFER, 0x1000
    main:
        mov edi, BAD
        mov ecx, 256
        xor eax, eax
        rep stosd
        mask_8259s
        interrupt 0x40, came40
        interrupt 0x41, came41
        mov ebp, 0x80002000
        mov r12d, 0x400000
        mov r13d, 0xf0000000
        mov r9d, 0xc000
        mov r15d, 0x300040
        mov r10d, 0xfee00000
        call setup
        mov qword ptr [second_entry], offset other
        call start_second
    1:  pause
        cmp dword ptr [READY], 0
        je 1b
        jmp rounds
    other:
        mov esp, STACK - 0x2000
        mov ebp, 0x80002800
        mov r12d, 0x500000
        mov r13d, 0xf0200000
        mov r9d, 0xc100
        mov r15d, 0x300080
        mov r10d, 0xfee01000
        call setup
        mov dword ptr [READY], 1
        jmp rounds

    .macro config reg, val
        lea eax, [rbp + \reg]
        mov edx, 0xcf8
        out dx, eax
        mov edx, 0xcfc
        mov eax, \val
        out dx, eax
    .endm
    setup:
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        lea r14, [r13 + 0x100000]
        lea ecx, [r9 + 1]
        config 0x10, ecx
        config 0x14, r14d
        config 0x20, r13d
        config 0x24, 0
        config 0x04, 7
        mov ecx, 0x34                   /* the capability MSI-X */
    1:  lea eax, [rbp + rcx]
        mov edx, 0xcf8
        out dx, eax
        mov edx, 0xcfc
        in eax, dx
        cmp ecx, 0x34
        je 2f
        cmp al, 0x11
        je 3f
        shr eax, 8
    2:  movzx ecx, al
        jmp 1b
    3:  or eax, 0x80000000
        out dx, eax
        mov [r14], r10d
        mov dword ptr [r14 + 4], 0
        mov dword ptr [r14 + 8], 0x40
        mov dword ptr [r14 + 12], 0
        mov r11d, 0x40

        mov rdi, r12                    /* rings and buffers; three descriptors */
        mov ecx, 0x2000 / 4
        xor eax, eax
        rep stosd
        lea rax, [r12 + 0x300]
        mov [r12], rax
        mov dword ptr [r12 + 8], 16
        mov dword ptr [r12 + 12], 0x10001
        lea rax, [r12 + BUFFER]
        mov [r12 + 16], rax
        mov dword ptr [r12 + 24], 512
        mov dword ptr [r12 + 28], 0x20003
        lea rax, [r12 + 0x340]
        mov [r12 + 32], rax
        mov dword ptr [r12 + 40], 1
        mov dword ptr [r12 + 44], 2

        mov byte ptr [r13 + 0x14], 0    /* status: reset, acknowledge, driver */
        mov byte ptr [r13 + 0x14], 1
        mov byte ptr [r13 + 0x14], 3
        mov dword ptr [r13 + 8], 0
        mov dword ptr [r13 + 12], 0
        mov dword ptr [r13 + 8], 1
        mov dword ptr [r13 + 12], 1     /* VERSION_1 */
        mov byte ptr [r13 + 0x14], 11
        mov word ptr [r13 + 0x10], 0xffff
        mov word ptr [r13 + 0x16], 0
        mov word ptr [r13 + 0x18], 8
        mov word ptr [r13 + 0x1a], 0
        mov [r13 + 0x20], r12d
        mov dword ptr [r13 + 0x24], 0
        lea eax, [r12 + 0x100]
        mov [r13 + 0x28], eax
        mov dword ptr [r13 + 0x2c], 0
        lea eax, [r12 + 0x200]
        mov [r13 + 0x30], eax
        mov dword ptr [r13 + 0x34], 0
        mov word ptr [r13 + 0x1c], 1
        mov byte ptr [r13 + 0x14], 15
        ret

    .macro wrong n
        mov dword ptr [BAD], \n
        jmp stop
    .endm
    rounds:
        xor ebx, ebx
    next:
        inc ebx
        test bl, bl
        jnz 1f
        cmp ebp, 0x80002000
        jne 1f
        xor r13d, 0x400000
        xor r9d, 0x200
        config 0x20, r13d
        lea ecx, [r9 + 1]
        config 0x10, ecx
        mov edx, 0xae04                 /* asked to let a device go: eject it */
        in eax, dx
        mov edx, 0xae08
        test eax, eax
        jz 1f
        out dx, eax
    1:  mov dword ptr [r12 + BUFFER], 0
        mov dword ptr [r12 + SEEN], 0
        test ebx, 63
        jnz kick
        mov dword ptr [r14 + 12], 1     /* masked */
        mov [r12 + 0x102], bx
        mov word ptr [r13 + 0x3000], 0
    1:  pause
        cmp [r12 + 0x202], bx
        jne 1b
    1:  pause
        test dword ptr [r14 + 0x800], 1
        jz 1b
        cmp dword ptr [r12 + SEEN], 0
        je 1f
        wrong 1
    1:  xor r11d, 1
        mov [r14 + 8], r11d
        mov dword ptr [r14 + 12], 0
        jmp sleep
    kick:
        mov [r12 + 0x102], bx
        test ebx, 1
        jz 1f
        mov word ptr [r13 + 0x3000], 0
        jmp sleep
    1:  lea edx, [r9 + 16]
        xor eax, eax
        out dx, ax
    sleep:
        cli
        cmp dword ptr [r12 + SEEN], 0
        jne 1f
        sti
        hlt
        jmp sleep
    1:  sti
        cmp [r12 + SEEN], r11d
        je 1f
        wrong 2
    1:  cmp [r12 + 0x202], bx
        je 1f
        wrong 3
    1:  cmp dword ptr [r12 + BUFFER], PATTERN
        je 1f
        wrong 4
    1:  inc dword ptr [r15]
        jmp next
    stop:
        cli
        hlt
        jmp stop

    .macro came n
        mov dword ptr [r12 + SEEN], \n
        end_of_interrupt
    .endm
    came40:
        came 0x40
    came41:
        came 0x41
