/* x64: no handler for anything: the machine shuts down, and with -no-reboot that is the end. */
    main:
        put 1
        put 'T'
        lidt [nothing]
        ud2
    nothing:
        .fill 10
