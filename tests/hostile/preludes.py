# SPDX-License-Identifier: GPL-2.0-or-later
"""What comes before a test guest's own code: modes, descriptor tables, and exceptions that report.

Both preludes start from multiboot and end in the guest's label `main`. An exception prints
"E<vector>:<error code>" (and ":<CR2>" for #PF) and continues at the address in `resume`, set by
the macro `try`; without one the guest ends with code 0x7f. All output is on the debug port.
"""

# PIT channel 0 every 2 ms, through I/O APIC pin 2 as an NMI; the local APIC enabled. Uses EAX, EDI.
WATCHDOG = """
        .macro watchdog
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
        mov al, 0x34
        out 0x43, al
        mov al, 0x52
        out 0x40, al
        mov al, 0x09
        out 0x40, al
        mov edi, 0xfec00000
        mov dword ptr [edi], 0x14
        mov dword ptr [edi + 16], 0x400
        mov dword ptr [edi], 0x15
        mov dword ptr [edi + 16], 0
        mov edi, 0xfee00000
        mov dword ptr [edi + 0xf0], 0x1ff
        mov dword ptr [edi + 0x80], 0
        mov dword ptr [edi + 0xb0], 0
        .endm
"""

# Page tables and the IDT live at 2 MiB, stacks below 0x90000. `xorshift` is the next random number.
COMMON = WATCHDOG + """
        .macro xorshift state, scratch
        mov \\scratch, \\state
        shl \\scratch, 13
        xor \\state, \\scratch
        mov \\scratch, \\state
        shr \\scratch, 17
        xor \\state, \\scratch
        mov \\scratch, \\state
        shl \\scratch, 5
        xor \\state, \\scratch
        .endm
        .set PML4, 0x200000
        .set PDPT, 0x201000
        .set PD, 0x202000       /* four pages: 4 GiB in 2 MiB pages */
        .set IDT, 0x206000
        .set SPARE, 0x208000    /* page tables of the tests' own */
        .set STACK, 0x90000
"""

STUBS = """
        .macro stubs push_size
        .set i, 0
        .rept 256
        .balign 16
        .if i == 8 || (i >= 10 && i <= 14) || i == 17
        .else
        push 0
        .endif
        push i & 127
        .if i > 127
        push 1
        .else
        push 0
        .endif
        jmp common
        .set i, i + 1
        .endr
        .endm
"""

# Text out: c8 prints AL, hex2/hex4/hex8 print AL, AX, EAX. Everything but flags is kept.
TEXT = """
    hex8:
        rol eax, 16
        call hex4
        rol eax, 16
    hex4:
        xchg al, ah
        call hex2
        xchg al, ah
    hex2:
        ror al, 4
        call hex1
        rol al, 4
    hex1:
        push {a}
        and al, 15
        add al, 48
        cmp al, 58
        jb 1f
        add al, 39
    1:  call c8
        pop {a}
        ret
    c8: push {d}
        mov dx, 0x402
        out dx, al
        pop {d}
        ret
    space:
        push {a}
        mov al, 32
        call c8
        pop {a}
        ret
"""

REPORT64 = """
        .balign 16
    common:
        mov al, 69
        call c8
        pop rbx                 /* vector above 127? */
        pop rax
        shl ebx, 7
        or eax, ebx
        mov ebx, eax
        call hex2
        mov al, 58
        call c8
        pop rax
        call hex4
        cmp ebx, 14
        jne 1f
        mov al, 58
        call c8
        mov rax, cr2
        call hex8
    1:  call space
        mov rax, [resume]
        mov qword ptr [resume], 0
        mov esp, STACK
        test rax, rax
        jz 1f
        jmp rax
    1:  exit 0x7f
"""

REPORT32 = """
        .balign 16
    common:
        mov al, 69
        call c8
        pop ebx
        pop eax
        shl ebx, 7
        or eax, ebx
        mov ebx, eax
        call hex2
        mov al, 58
        call c8
        pop eax
        call hex4
        cmp ebx, 14
        jne 1f
        mov al, 58
        call c8
        mov eax, cr2
        call hex8
    1:  call space
        mov eax, 16
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov eax, [resume]
        mov dword ptr [resume], 0
        mov esp, STACK
        test eax, eax
        jz 1f
        jmp eax
    1:  exit 0x7f
"""

# start_second sends processor 1 to [second_entry], in long mode with the same tables and no stack.
SECOND64 = """
    start_second:
        mov esi, offset trampoline
        mov edi, 0x8000
        mov ecx, offset trampoline_end - trampoline
        rep movsb
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        mov dword ptr [rdi + 0x310], 0x1000000
        mov dword ptr [rdi + 0x300], 0x4500     /* INIT */
        mov dword ptr [rdi + 0x310], 0x1000000
        mov dword ptr [rdi + 0x300], 0x4608     /* start at 8000h */
        ret
        .code16
    trampoline:
        cli
        xor ax, ax
        mov ds, ax
        lgdt [0x8000 + trampoline_gdt - trampoline]
        mov eax, 0x6a0
        mov cr4, eax
        mov eax, PML4
        mov cr3, eax
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x901
        wrmsr
        mov eax, 0x80010033
        mov cr0, eax
        .byte 0x66, 0xea
        .long second64
        .word 8
    trampoline_gdt:
        .word gdt_end - gdt - 1
        .long gdt
    trampoline_end:
        .code64
    second64:
        mov eax, 16
        mov ds, eax
        mov es, eax
        mov ss, eax
        lidt [idt_ptr]
        jmp [second_entry]
        .balign 8
    second_entry:
        .quad 0
"""

_X64 = COMMON + STUBS + """
        .macro try where
        lea rax, \\where
        mov [resume], rax
        .endm
        .macro interrupt n, handler     /* that one, in place of the stub; changes EAX */
        mov eax, offset \\handler
        mov [IDT + \\n * 16], ax
        shr eax, 16
        mov [IDT + \\n * 16 + 6], ax
        .endm
        .macro apic_periodic vector, count  /* this processor's timer, every so many ns at 1 GHz; RDI: its local APIC */
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xf0], 0x1ff
        mov dword ptr [rdi + 0x3e0], 0xb
        mov dword ptr [rdi + 0x320], 0x20000 + \\vector
        mov dword ptr [rdi + 0x380], \\count
        .endm
        .macro end_of_interrupt         /* at the local APIC, and of its handler */
        push rdi
        mov edi, 0xfee00000
        mov dword ptr [rdi + 0xb0], 0
        pop rdi
        iretq
        .endm
        .macro mask_8259s               /* changes AL */
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
        .endm

        cld
        mov edi, PML4
        mov ecx, 0x8000 / 4
        xor eax, eax
        rep stosd
        mov dword ptr [PML4], PDPT + 7
        mov edi, PDPT
        mov eax, PD + 7
        mov ecx, 4
    1:  mov [edi], eax
        add edi, 8
        add eax, 0x1000
        loop 1b
        mov edi, PD
        mov eax, 0x87
        mov ecx, 2048
    1:  mov [edi], eax
        add edi, 8
        add eax, 0x200000
        loop 1b
        mov eax, PML4
        mov cr3, eax
        mov eax, 0x6a0          /* PAE, PGE, OSFXSR, OSXMMEXCPT */
        mov cr4, eax
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x901           /* NXE, LME, SCE */
        wrmsr
        mov eax, 0x80010033     /* PG, WP, NE, ET, MP, PE */
        mov cr0, eax
        lgdt [gdt_ptr]
        ljmp 8, offset long_mode
        .code64
    long_mode:
        mov eax, 16
        mov ds, eax
        mov es, eax
        mov ss, eax
        xor eax, eax
        mov fs, eax
        mov gs, eax
        mov esp, STACK
        mov edi, IDT
        mov eax, offset stub0
        mov ecx, 256
    1:  mov [rdi], ax
        mov word ptr [rdi + 2], 8
        mov word ptr [rdi + 4], 0x8e00
        mov edx, eax
        shr edx, 16
        mov [rdi + 6], dx
        mov qword ptr [rdi + 8], 0
        add rdi, 16
        add eax, (stub1 - stub0)
        loop 1b
        lidt [idt_ptr]
        mov eax, offset tss
        mov [gdt + 0x32], ax
        shr eax, 16
        mov [gdt + 0x34], al
        mov [gdt + 0x37], ah
        mov eax, 0x30
        ltr ax
        jmp main

        .balign 16
    stub0:
        stubs
    stub1 = stub0 + 16

COMMON_HANDLER
""" + TEXT.format(a="rax", d="rdx") + SECOND64 + """
        .balign 16
    gdt:
        .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff     /* 8: code, 10: data */
        .quad 0x00cffb000000ffff, 0x00cff3000000ffff        /* 18: 32-bit user code, 20: data */
        .quad 0x00affb000000ffff                            /* 28: 64-bit user code */
        .quad 0x0000890000000067, 0                         /* 30: TSS */
        .quad 0x00cf9b000000ffff, 0x000f9b000000ffff        /* 40: 32-bit code, 48: 16-bit code */
        .quad 0, 0, 0, 0                                    /* 50..: the tests' own */
    gdt_end:
    gdt_ptr:
        .word gdt_end - gdt - 1
        .quad gdt
    idt_ptr:
        .word 0xfff
        .quad IDT
        .balign 8
    resume:
        .quad 0
        .balign 16
    tss:
        .long 0
        .quad STACK - 0x4000, 0, 0
        .quad 0
        .quad STACK - 0x8000    /* IST1 */
        .fill 15, 4, 0
        .balign 16
"""

_X32 = COMMON + STUBS + """
        .macro try where
        mov dword ptr [resume], offset \\where
        .endm

        cld
        lgdt [gdt_ptr]
        ljmp 8, offset 1f
    1:  mov eax, 16
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov fs, eax
        mov gs, eax
        mov esp, STACK
        mov edi, IDT
        mov eax, offset stub0
        mov ecx, 256
    1:  mov [edi], ax
        mov word ptr [edi + 2], 8
        mov word ptr [edi + 4], 0x8e00
        mov edx, eax
        shr edx, 16
        mov [edi + 6], dx
        add edi, 8
        add eax, 16
        loop 1b
        lidt [idt_ptr]
        mov eax, offset tss
        mov [gdt + 0x2a], ax
        shr eax, 16
        mov [gdt + 0x2c], al
        mov [gdt + 0x2f], ah
        mov eax, 0x28
        ltr ax
        jmp main

        .balign 16
    stub0:
        stubs

COMMON_HANDLER
""" + TEXT.format(a="eax", d="edx") + """
        .balign 16
    gdt:
        .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff     /* 8: code, 10: data */
        .quad 0x00cffb000000ffff, 0x00cff3000000ffff        /* 18: user code, 20: user data */
        .quad 0x0000890000000067                            /* 28: TSS */
        .quad 0x00009b000000ffff, 0x000093000000ffff        /* 30: 16-bit code, 38: 16-bit data */
        .quad 0, 0, 0, 0                                    /* 40..: the tests' own */
    gdt_end:
    gdt_ptr:
        .word gdt_end - gdt - 1
        .long gdt
    idt_ptr:
        .word 0x7ff
        .long IDT
        .balign 8
    resume:
        .long 0
        .balign 16
    tss:
        .long 0, STACK - 0x4000, 16
        .fill 23, 4, 0
        .balign 16
"""


# A guest of SVM at hand, from which `enter` comes back: VMCB with the state of the prelude's own
# mode, nested paging by its own tables, all ports from 10h and all MSRs in the permission maps.
_SVM = """
        .set HSAVE, 0x300000
        .set VMCB, 0x301000
        .set IOPM, 0x304000
        .set MSRPM, 0x308000
        .set GSTACK, 0x30f000
        .set V, VMCB                    /* fields by their offsets */
        .set INFO1, 1                   /* what to print */
        .set INFO2, 2
        .set NORIP, 4
        .set ONCE, 8                    /* not without the intercept */

    newline:
        mov al, 10
        jmp c8

    /* exit code, then what ecx asks for; r14: where the guest's code began */
    report:
        mov eax, [V + 0x70]
        call hex4
        test ecx, INFO1
        jz 1f
        mov al, 58
        call c8
        mov rax, [V + 0x78]
        cmp dword ptr [V + 0x70], 0x7b
        jne 2f
        and eax, ~0x380                 /* QEMU leaves the address size out */
    2:  call hex8
    1:  test ecx, INFO2
        jz 1f
        mov al, 58
        call c8
        mov rax, [V + 0x80]
        call hex8
    1:  test ecx, NORIP
        jnz 1f
        mov al, 64
        call c8
        mov rax, [V + 0x578]
        sub rax, r14
        call hex2
    1:  jmp space

    enter:                              /* what was held pending comes with STGI, and ends here */
        mov eax, VMCB
        clgi
        vmload
        vmrun
        vmsave
        mov [rip + host_rsp], rsp
        lea rax, [rip + 1f]
        mov [resume], rax
        stgi
        nop
    1:  mov rsp, [rip + host_rsp]
        ret

    svm_setup:
        mov al, -1                      /* no interrupts but those of the items */
        out 0x21, al
        out 0xa1, al
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x1000                  /* SVME */
        wrmsr
        mov ecx, 0xc0010117             /* VM_HSAVE_PA */
        mov eax, HSAVE
        xor edx, edx
        wrmsr
        mov edi, IOPM                   /* ports 10h and above, all MSRs */
        mov ecx, 0x3000 / 4
        mov eax, -1
        rep stosd
        mov word ptr [IOPM], 0
        mov edi, MSRPM
        mov ecx, 0x2000 / 4
        rep stosd
        ret

    .macro seg at, sel, attr
        mov dword ptr [V + \\at], \\sel | \\attr << 16
        mov dword ptr [V + \\at + 4], -1
    .endm
    fresh_vmcb:
        mov edi, VMCB
        mov ecx, 1024
        xor eax, eax
        rep stosd
        mov dword ptr [V + 0x10], 3     /* VMRUN, VMMCALL */
        mov dword ptr [V + 0x40], IOPM
        mov dword ptr [V + 0x48], MSRPM
        mov dword ptr [V + 0x58], 1     /* ASID */
        mov dword ptr [V + 0x5c], 1     /* flush */
        mov dword ptr [V + 0x90], 1     /* nested paging, by our own tables */
        mov dword ptr [V + 0xb0], PML4
        mov eax, 0x70406
        mov [V + 0x668], eax
        seg 0x400, 16, 0xc93
        seg 0x410, 8, 0xa9b
        seg 0x420, 16, 0xc93
        seg 0x430, 16, 0xc93
        seg 0x470, 0, 0x082
        seg 0x490, 0x30, 0x08b
        mov dword ptr [V + 0x498], offset tss
        sgdt [rip + scratch]
        mov ax, [rip + scratch]
        mov [V + 0x464], ax
        mov rax, [rip + scratch + 2]
        mov [V + 0x468], rax
        mov dword ptr [V + 0x484], 0xfff
        mov dword ptr [V + 0x488], IDT
        mov ecx, 0xc0000080
        rdmsr
        mov [V + 0x4d0], eax
        mov rax, cr4
        mov [V + 0x548], rax
        mov rax, cr3
        mov [V + 0x550], rax
        mov rax, cr0
        mov [V + 0x558], rax
        mov dword ptr [V + 0x560], 0x400
        mov dword ptr [V + 0x568], 0xffff0ff0
        mov dword ptr [V + 0x570], 0x202
        mov dword ptr [V + 0x5d8], GSTACK
        mov rax, offset in_guest        /* exceptions that are not intercepted */
        mov [resume], rax
        ret

    in_guest:                           /* the prelude's handler goes on here */
        vmmcall


        .balign 16
    scratch:
        .quad 0, 0
    host_rsp:
        .quad 0
"""


def svm64():
    """Long mode with SVM on (`svm_setup`), and routines for virtual machines."""
    return x64() + _SVM


def x64(handler=REPORT64):
    """Long mode; handler is what every vector comes to, with vector and error code on the stack."""
    return _X64.replace("COMMON_HANDLER\n", handler)


def x32(handler=REPORT32):
    return _X32.replace("COMMON_HANDLER\n", handler)
