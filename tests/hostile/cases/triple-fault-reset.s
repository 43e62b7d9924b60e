/* x64 reboot: a triple fault resets the machine; the CMOS RAM remembers it. noqemu: its BIOS has
 * its own use for the bytes of CMOS RAM and much to say. expect 0x43 "TTTR" */
    main:
        mov al, 0x50
        out 0x70, al
        in al, 0x71
        cmp al, 3
        je 1f
        inc al
        out 0x71, al
        put 'T'
        lidt [nothing]
        int3
    1:  put 'R'
        exit 0x21
    nothing:
        .fill 10
