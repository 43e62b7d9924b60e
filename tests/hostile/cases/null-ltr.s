/* x32: LTR with a null selector. noqemu: it takes it. expect 0x21 "\x01E0d:0000 " */
    main:
        put 1
        xor eax, eax
        try 1f
        ltr ax
        put '-'
    1:  exit 0x10
