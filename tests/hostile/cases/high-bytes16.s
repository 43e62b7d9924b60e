/* bios: read-modify-write of memory with the high halves of registers, and 16-bit addresses through
 * segments that are not flat. noqemu: its BIOS area behaves otherwise. expect 0x21 "34ababac7799ef" */
        .macro show
        call hex
        .endm
        mov ax, 0x1000
        mov ds, ax
        xor ax, ax
        mov ss, ax
        mov sp, 0x7000
        mov di, 0xffc0
        mov word ptr [di + 0x10], 0x1234
        mov bx, 0xabcd
        xchg [di + 0x10], bh
        mov al, bh
        call hex
        mov al, [di + 0x10]
        call hex
        mov dx, 0x0100
        lock xadd [di + 0x10], dh
        mov al, dh
        call hex
        mov al, [di + 0x10]
        call hex
        mov ax, 0x00ac
        mov cx, 0x7700
        lock cmpxchg [di + 0x10], ch
        mov al, [di + 0x10]
        call hex
        mov ax, 0x1177
        add [di + 0x10], ah
        adc ah, [di + 0x10]
        mov al, ah
        call hex
        lock sub [di + 0x10], ah
        mov al, [di + 0x10]
        call hex
        mov dx, 0xf4
        mov al, 0x10
        out dx, al
    1:  hlt
        jmp 1b
    hex:
        push dx
        mov dx, 0x402
        push ax
        shr al, 4
        call 1f
        pop ax
        push ax
        and al, 15
        call 1f
        pop ax
        pop dx
        ret
    1:  add al, 48
        cmp al, 58
        jb 2f
        add al, 39
    2:  out dx, al
        ret
