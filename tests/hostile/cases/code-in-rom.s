/* bios: runs from ROM below 4 GiB and from its view below 1 MiB; neither can be changed, the
 * latter not before the chip set opens its shadow RAM. expect 0x21 "aaac" */
        mov ax, 0xf000
        mov ds, ax
        mov dx, 0x402
        call print
        mov byte ptr [print + 1], 'b'
        call print
        lgdt cs:[gdt_ptr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        .byte 0x66, 0xea
        .long 0xffff0000 + high
        .word 8
        .code32
    high:
        mov eax, 16
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov esp, 0x8000
        mov edx, 0x402
        mov byte ptr [0xffff0000 + byte_of + 1], 'x'
        call byte_of
        out dx, al
        mov edi, 0x1000                 /* from RAM into ROM across nothing: a jump each way */
        mov dword ptr [edi], 0xc3c3c3c3
        mov eax, 'c'
        call edi
        out dx, al
        mov edx, 0xf4
        mov al, 0x10
        out dx, al
    1:  hlt
        jmp 1b
    byte_of:
        mov al, 'a'
        ret
        .code16
    print:
        mov al, 'a'
        out dx, al
        ret
        .balign 8
    gdt:
        .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
    gdt_ptr:
        .word 23
        .long 0xf0000 + gdt
