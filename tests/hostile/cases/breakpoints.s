/* x64: DR0..DR3 on instructions, data and ports; what DR6 says, where the handler is entered (SDM 3B 18.2).
 */
    include "breakpoints.inc"
    test:
        arm 0, [1f], 0x402                      /* an instruction, twice */
        lea rax, [1f]
        mov [from], rax
        mov ecx, 2
    1:  inc edx
        loop 1b
        put 'w'
        arm 0, [var], 0x10402                   /* stores of a byte */
        watch "mov byte ptr [var], 1"
        watch "mov byte ptr [var + 1], 1"
        watch "mov al, [var]"
        watch "mov qword ptr [var - 7], 1"
        watch "inc dword ptr [var - 2]"
        watch "lock inc dword ptr [var - 2]"
        watch "movups [var - 8], xmm0"
        watch "push qword ptr [from]"
        put 'r'
        arm 1, [var + 8], 0xf00408              /* any access to 4 bytes */
        watch "mov al, [var + 11]"
        watch "mov al, [var + 12]"
        watch "mov rax, [var + 4]"
        watch "add dword ptr [var + 8], 1"
        watch "cmp dword ptr [var + 8], 1"
        watch "movups xmm0, [var]"
        watch "fld qword ptr [var + 8]"
        put 'p'                                 /* ports, with CR4.DE only */
        arm 0, [0xe8], 0x60402          /* two ports */
        watch "nop"
        mov rax, cr4
        or eax, 8
        mov cr4, rax
        mov edx, 0xe7
        watch "out dx, ax"
        watch "out dx, al"
        exit 0x10
