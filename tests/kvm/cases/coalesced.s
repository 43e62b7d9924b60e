/* x64 arg -smp arg 2 : two processors in turn write and read the RTC's RAM. An index is stored often before it is used,
 * more often than a ring has room, and a while before. Goes on for ever if FOREVER is there. */
        .set BAD, 0x300000
        .set ROUNDS, 0x300040           /* the other's: 40h further */
        .set OWNED, 0x3000c0
        .set ENOUGH, 24
    main:
        put 1
        mov edi, BAD
        mov ecx, 128
        xor eax, eax
        rep stosd
        mov qword ptr [second_entry], offset other
        call start_second
        mov ebx, 0x60
        mov ebp, ROUNDS
        call work
    1:  pause
        cmp dword ptr [ROUNDS + 0x40], ENOUGH
        jb 1b
        mov eax, [BAD]
        call hex8
        mov ebx, 0x60                   /* what it came to */
    1:  call space
        mov al, bl
        out 0x70, al
        in al, 0x71
        call hex2
        inc ebx
        cmp bl, 0x80
        jb 1b
        exit 0x10
    other:
        mov esp, STACK - 0x2000
        mov ebx, 0x70
        mov ebp, ROUNDS + 0x40
        call work
    1:  hlt
        jmp 1b

    work:                               /* EBX: 16 bytes of the RAM, EBP: where rounds are counted; R8D: the round */
        xor r8d, r8d
    1:  call own
        call index
        mov eax, r8d
        out 0x71, al
        mov dword ptr [OWNED], 0
        call own
        call index
        in al, 0x71
        mov dword ptr [OWNED], 0
        cmp al, r8b
        je 2f
        mov dword ptr [BAD], 1
    2:  inc dword ptr [rbp]
        inc r8d
        .ifdef FOREVER
        jmp 1b
        .else
        cmp r8d, ENOUGH
        jb 1b
        ret
        .endif

    own:
        pause
        mov eax, 1
        xchg [OWNED], eax
        test eax, eax
        jnz own
        ret

    index:                              /* others' and then the byte R8D & 15, and some time */
        mov ecx, 24
        mov eax, r8d
        and eax, 15
        cmp eax, 9
        jne 1f
        mov ecx, 300
    1:  mov eax, ebx
        xor eax, ecx
        or al, 0x80
        out 0x70, al
        dec ecx
        jnz 1b
        mov eax, r8d
        and eax, 15
        or eax, ebx
        out 0x70, al
        mov ecx, 1500
    1:  dec ecx
        jnz 1b
        ret
