/* svm: events that VMRUN injects, virtual and physical interrupts, nested page faults with the event they
 * interrupted, and states that can not be run.
 * arg -cpu arg max */
        .set NPML4, 0x310000            /* nested tables: identity, two of the pages in 4 KiB pieces */
        .set NPDPT, 0x311000
        .set NPD, 0x312000
        .set NPT, 0x313000              /* 2 MiB up: tables, IDT, VMCB and stack of the guest */
        .set NPTE_PML4, NPT
        .set NPTE_IDT, NPT + 6 * 8
        .set NPTE_FREE, NPT + 0x120 * 8 /* 0x320000 */
        .set APIC, 0xfee00000

        .macro begin                    /* the guest's code follows; the VMCB is as new */
        call fresh_vmcb
        mov r14, offset code\@
        mov [V + 0x578], r14
        jmp 1f
    code\@:
        .endm
        .macro with                     /* ends it; changes of the VMCB follow */
        vmmcall
    1:
        .endm
        .macro go what
        call enter
        mov ecx, \what
        call report
        .endm
        .macro icpt code
        bts dword ptr [V + \code / 32 * 4], \code & 31
        .endm
        .macro inject low, high=0
        mov dword ptr [V + 0xa8], \low
        mov dword ptr [V + 0xac], \high
        .endm
        .macro more at                  /* a quadword of the VMCB */
        mov rax, [V + \at]
        call hex16
        .endm
        .macro invalid at, value, size=dword
        begin
        nop
        with
        mov \size ptr [V + \at], \value
        go NORIP
        .endm

    main:
        put 1
        call svm_setup

        /* injection: interrupt, exception with error code, #PF with CR2, NMI, INT n */
        begin
        with
        inject 0x80000081
        go NORIP
        begin
        with
        inject 0x80000b0d, 0x1230
        go NORIP
        begin
        with
        inject 0x80000b0e, 7
        mov dword ptr [V + 0x640], 0x1234567
        go NORIP
        begin
        with
        inject 0x80000202
        go NORIP
        more 0xa8
        begin
        with
        inject 0x80000442
        go NORIP
        call newline

        /* virtual interrupts: taken; not with IF clear; when the guest sets IF; intercepted then */
        begin
        nop
        with
        mov dword ptr [V + 0x60], 0x01180100    /* V_IRQ, ignore TPR, V_INTR_MASKING */
        mov dword ptr [V + 0x64], 0x93
        go NORIP
        more 0x60
        begin
        nop
        with
        mov dword ptr [V + 0x60], 0x01180100
        mov dword ptr [V + 0x64], 0x93
        mov dword ptr [V + 0x570], 2
        go 0
        more 0x60
        begin
        nop
        sti
        nop
        nop
        with
        mov dword ptr [V + 0x60], 0x01180100
        mov dword ptr [V + 0x570], 2
        icpt 0x64
        go 0
        call newline

        /* NMI by the guest to its own processor: left pending for the host, or taken */
        mov ebx, APIC
        mov dword ptr [rbx + 0xf0], 0x1ff
        mov ebx, APIC
        mov dword ptr [rbx + 0x310], 0
        begin
        mov ebx, APIC
        mov dword ptr [rbx + 0x300], 0x4400
        mov ecx, 100000                 /* long enough for it to arrive */
    2:  loop 2b
        with
        icpt 0x61
        go NORIP
        begin
        mov ebx, APIC
        mov dword ptr [rbx + 0x300], 0x4400
        mov ecx, 100000                 /* long enough for it to arrive */
    2:  loop 2b
        with
        go NORIP
        /* the same with a maskable one: the host's IF counts when masking is virtual */
        sti
        begin
        mov ebx, APIC
        mov dword ptr [rbx + 0x300], 0x40a5
        mov ecx, 100000                 /* long enough for it to arrive */
    2:  loop 2b
        with
        icpt 0x60
        mov dword ptr [V + 0x60], 0x01000000
        mov dword ptr [V + 0x570], 2
        go NORIP
        call newline

        /* nested page faults: write, read, fetch, a table of the guest; the IDT while an event is delivered */
        call nested_tables
        begin
        mov dword ptr [0x320000], 1
        with
        call use_nested
        go INFO1 + INFO2
        more 0x78
        begin
        mov eax, [0x320008]
        with
        call use_nested
        go INFO1 + INFO2
        more 0x78
        begin
        mov eax, 0x320010
        jmp rax
        with
        call use_nested
        go INFO1 + INFO2 + NORIP
        more 0x78
        begin
        nop
        with
        call use_nested
        mov dword ptr [NPTE_PML4], PML4 + 5     /* not writable */
        go INFO1 + NORIP
        mov dword ptr [NPTE_PML4], PML4 + 7
        more 0x78
        more 0x80
        begin
        nop
        with
        call use_nested
        mov dword ptr [NPTE_IDT], 0
        inject 0x80000b0d, 0x4560
        go INFO1 + INFO2
        more 0x88
        begin
        ud2
        with
        call use_nested
        mov dword ptr [NPTE_IDT], 0
        go INFO2
        more 0x88
        mov dword ptr [NPTE_IDT], IDT + 7
        mov eax, [NPTE_PML4]                    /* accessed and dirty: a table of the guest */
        call hex2
        call space
        call newline

        /* states that can not be */
        invalid 0x10, 2                         /* no VMRUN intercept */
        invalid 0x58, 0                         /* ASID 0 */
        invalid 0x4d0, 0x500                    /* EFER.SVME clear */
        invalid 0x558, 0xa0010033               /* CR0.NW without CD */
        invalid 0x55c, 1                        /* CR0 above 32 bits */
        invalid 0x54c, 1                        /* CR4 */
        invalid 0x56c, 1                        /* DR6, DR7 */
        invalid 0x564, 1
        invalid 0x548, 0x680                    /* long mode without PAE */
        invalid 0x412, 0xe9b, word              /* CS.L and CS.D */
        call newline
        put 33
        exit 0x10

    hex16:
        push rax
        shr rax, 32
        call hex8
        pop rax
        call hex8
        jmp space

    use_nested:
        mov dword ptr [V + 0xb0], NPML4
        ret

    nested_tables:
        mov dword ptr [NPML4], NPDPT + 7
        mov edi, NPDPT
        mov eax, NPD + 7
        mov [edi], eax
        mov dword ptr [NPDPT + 24], PD + 0x3007
        mov esi, PD
        mov edi, NPD
        mov ecx, 1024
        rep movsd
        mov dword ptr [NPD + 8], NPT + 7
        mov edi, NPT
        mov eax, 0x200007
        mov ecx, 512
    1:  mov [edi], eax
        add eax, 0x1000
        add edi, 8
        loop 1b
        mov dword ptr [NPTE_FREE], 0
        ret
