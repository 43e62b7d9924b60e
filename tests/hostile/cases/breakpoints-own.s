/* x64: breakpoints that QEMU gets wrong: two at once, with single steps, on repeated string instructions (RF, SDM 3A 6.15 and 3B 18.3.1.1), in
 * instructions that fault, behind MOV SS (SDM 3A 6.8.3).
 * noqemu: it reports every repetition, is stopped by an assertion at the second, has no shadow and no GD.
 * expect 0x21 "\x01l@08:0006:0 @07:0004:0 s@00:0001:1 00@00:0001:0 t@08:4001:0 @14:4000:0 fE0d:0000 m@6d:0001:0 @08:0001:0 @1b:4001:0 p@01:0001:0 g@00:2000:0 0400" */
    include "breakpoints.inc"
    test:
        put 'l'
        arm 1, [var + 8], 0xf00408
        arm 2, [var + 16], 0xb000420            /* any access to 8 bytes, 16 bytes on both */
        mov eax, 0xbf00428
        mov dr7, rax
        watch "movups xmm0, [var + 8]"
        watch "mov al, [var + 23]"
        watch "mov al, [var + 24]"
        put 's'                                 /* strings: after the repetition that met it */
        arm 0, [var + 32], 0x10402
        mov edi, offset var + 30
        mov ecx, 6
        watch "rep stosb"
        mov eax, ecx
        call hex2
        mov ecx, 100                            /* a breakpoint on the string instruction itself */
        lea rax, [2f]
        mov [from], rax
        arm 0, [2f], 0x402
        mov edi, 0x80000
    2:  rep stosb
        put 't'                                 /* with a single step */
        arm 0, [var], 0x10402
        pushfq
        or qword ptr [rsp], 0x100
        lea rax, [3f]
        mov [from], rax
        popfq
    3:  mov byte ptr [var], 1
        nop
        pushfq
        or qword ptr [rsp], 0x100
        popfq
        nop
        put 'f'                                 /* a faulting instruction reports no data access */
        mov ax, [IDT + 6 * 16]
        arm 0, [var], 0x30402
        try 4f
        mov rax, 0x123456789abcdef0             /* the load of the source is watched, the store is #GP */
        mov rdi, rax
        mov esi, offset var
        movsb
    4:  put 'm'                                 /* behind MOV SS: data and single step with the next, code not at all */
        mov eax, 16
        mov [var], ax
        arm 0, [var], 0x30402
        arm 1, [6f], 0x3040a
        lea rax, [5f]
        mov [from], rax
    5:  mov ss, [var]
    6:  nop
        nop
        pushfq
        or qword ptr [rsp], 0x100
        popfq
    7:  mov ss, [var]
        nop
        nop
        put 'p'
        arm 0, [0xe8], 0x60402
        mov rax, cr4
        or eax, 8
        mov cr4, rax
        mov edx, 0xe9
        watch "in al, dx"
        put 'g'                                 /* GD: access to debug registers */
        xor eax, eax
        mov dr7, rax
        lea rax, [5f]
        mov [from], rax
        mov eax, 0x2400
        mov dr7, rax
    5:  mov rax, dr0
        mov rax, dr7
        call hex4
        exit 0x10
