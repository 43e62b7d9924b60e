/* x64 pc: a REP on a device that would take years, on one processor, while the other one runs new
 * code: that must not wait for the end of the first.
 * arg -smp arg 2 */
    main:
        put 1
        mov qword ptr [second_entry], offset second
        call start_second
    1:  pause
        cmp dword ptr [rip + started], 1
        jne 1b
        mov ebp, 100
        mov edi, 0x300000
    1:  mov byte ptr [rdi], 0xc3            /* code on a page that had none */
        call rdi
        add edi, 4096
        dec ebp
        jnz 1b
        put 'k'
        exit 0x10
    second:
        mov esp, STACK - 0x10000
        mov dword ptr [rip + started], 1
        mov rcx, -1
        mov edi, 0xfed00000                 /* nothing there */
    1:  rep lodsb
        xor eax, eax
        mov edi, 0xc0000000
        mov rcx, -1
        repne scasw
        jmp 1b
        .balign 8
    started:
        .long 0
