/* x64 pc: ROM is not written, by whatever kind of store. */
    main:
        put 1
        mov edi, 0xfffffff0
        mov rbx, [rdi]
        mov qword ptr [rdi], 0x12345678
        mov byte ptr [rdi + 1], 0
        mov word ptr [rdi + 3], -1
        add dword ptr [rdi], 1
        lock xadd [rdi], rbx
        mov rdx, rbx
        mov rbx, [rdi]
        cmp rdx, rbx
        call verdict
        mov rcx, 2
        mov eax, 0x55
        rep stosd
        mov edi, 0xfffffff0
        cmp rbx, [rdi]
        call verdict
        movups xmm0, [rdi - 8]
        movups xmm1, [rip + main]
        movups [rdi - 8], xmm1
        movups xmm2, [rdi - 8]
        pcmpeqb xmm2, xmm0
        pmovmskb eax, xmm2
        cmp eax, 0xffff
        call verdict
        mov rax, rbx
        lock cmpxchg [rdi], rdi
        cmp rbx, [rdi]
        call verdict
        fld1
        fstp tbyte ptr [rdi]
        cmp rbx, [rdi]
        call verdict
        lock btc qword ptr [rdi], 3
        cmp rbx, [rdi]
        call verdict
        push rbx
        mov rsp, rdi
        push rdi
        pop rax
        mov esp, STACK
        cmp rax, rdi
        je 1f
        mov eax, 0
    1:  setne al
        call hex2
        exit 0x10
    verdict:
        mov al, 'k'
        je 1f
        mov al, 'X'
    1:  jmp c8
