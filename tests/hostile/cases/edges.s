/* x64: instructions and stacks at the edge of a page that is not there.
 * noqemu: it stores the half that it can, and calls the read of read-modify-write a read.
 * expect 0x21 "\x01E0e:0010:00601000 E0e:0010:00601000 E0e:0010:00601000 E0e:0010:00601000 E0e:0010:00601000 E0e:0002:00601000 E0e:0002:00601000 E0e:0002:00601000 E0e:0002:00601000 E0e:0002:00601000 11223344 E0e:0002:00601ffc E0e:0002:00601ff8 E0e:0002:00601fe8 E0e:0000:00601000 E0e:0000:00601000 E0e:0000:00601000 E0e:0002:00601000 5400601000 E0e:0002:00601fff 6300601fff" */
    main:
        put 1
        mov byte ptr [IDT + 14 * 16 + 4], 1     /* stacks are what goes wrong here */
        /* 4 KiB pages for 6..8 MiB; 0x601000 is not present */
        mov edi, SPARE
        mov eax, 0x600007
        mov ecx, 512
    1:  mov [rdi], eax
        mov dword ptr [rdi + 4], 0
        add edi, 8
        add eax, 4096
        loop 1b
        mov dword ptr [SPARE + 8], 0
        mov dword ptr [PD + 3 * 8], SPARE + 7
        mov rax, cr3
        mov cr3, rax
        /* mov eax, imm32 that ends beyond the edge, from each offset */
        mov r12d, 1
    2:  mov edi, 0x601000
        sub rdi, r12
        mov rsi, rdi
        lea rbx, [rip + sample]
        mov rcx, r12
    3:  mov al, [rbx]
        mov [rdi], al
        inc rbx
        inc rdi
        loop 3b
        try 4f
        jmp rsi
    4:  inc r12d
        cmp r12d, 6
        jb 2b
        /* a store across the edge changes nothing on the page that is there */
        mov dword ptr [0x600ffc], 0x11223344
        try 1f
        mov qword ptr [0x600ffc], -1
    1:  try 1f
        add qword ptr [0x600ffe], 1
    1:  try 1f
        movups [0x600ff8], xmm0
    1:  try 1f
        lock add dword ptr [0x600ffe], 1
    1:  try 1f
        fnsave [0x600ff0]
    1:  mov eax, [0x600ffc]
        call hex8
        call space
        /* push, call, enter and pusha's like with the stack at the edge: RSP as before */
        try 1f
        mov esp, 0x602004
        mov rbp, rsp
        push rax
    1:  try 1f
        mov esp, 0x602000
        call . + 5
    1:  try 1f
        mov esp, 0x602010
        enter 0x20, 0
        push rax
    1:  try 1f
        mov esp, 0x600ffc
        pop rax
    1:  try 1f
        mov esp, 0x600ffa
        ret
    1:  mov qword ptr [0x600fe8], offset main
        mov qword ptr [0x600ff0], 8
        mov qword ptr [0x600ff8], 2
        try 1f
        mov esp, 0x600fe8
        iretq
    1:  /* rep movsb stops exactly at the edge */
        try 1f
        mov esi, 0x600f00
        mov edi, 0x600ff0
        mov ecx, 100
        rep movsb
    1:  mov eax, ecx
        call hex2
        mov eax, edi
        call hex8
        call space
        try 1f
        mov edi, 0x602003
        mov ecx, 100
        std
        rep stosd
    1:  cld
        mov eax, ecx
        call hex2
        mov eax, edi
        call hex8
        exit 0x10
    sample:
        mov eax, 0x12345678
        .fill 8, 1, 0xc3
